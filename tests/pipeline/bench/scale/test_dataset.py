import csv
import hashlib

from pipeline.bench.scale.source_faces import SIDE
from pipeline.faces.decoding import read_rgb
from pipeline.runtime import parameters


def test_photos_repeat_the_crops_and_have_different_bytes(folder, sources):
    with (folder / "photos" / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == [sources[place % len(sources)].label for place in range(120)]
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    files = [folder / "photos" / row["image"] for row in rows]
    assert len({hashlib.sha256(file.read_bytes()).digest() for file in files}) == 120
    first, again = read_rgb(str(files[0])), read_rgb(str(files[len(sources)]))
    assert first.shape == (SIDE, SIDE, 3)
    assert (first == again).all()


def test_parameters_can_be_read(folder, params):
    found = parameters.load(folder / "params.yaml")
    assert found.ingest.dataset == "csv"
    assert found.landmarks.crop_size == found.train.input_size == SIDE
    assert found.evaluate.donors == params.evaluate.donors
    assert found.heatmaps == params.heatmaps
