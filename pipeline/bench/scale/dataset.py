"""A dataset of any number of rows: photos in folders, the table ``labels.csv`` beside them, and the parameters.

The photos repeat a few crops. Each ends with its number, which no decoder reads, so that all of them have different bytes,
as real photos have.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.bench.scale.source_faces import QUALITY, SIDE, SourceFace
from pipeline.runtime.parameters import Params
from pipeline.runtime.progress import progress

PHOTOS = "photos"  # the folder of a dataset
PARAMS = "params.yaml"
PER_FOLDER = 1000  # photos
SHARES = {"train": 0.94, "validation": 0.03, "test": 0.03}  # of the rows
COLUMNS = ("image", "label", "subject", "split", "box")
FACES_PER_SUBJECT = 5
BATCH_SIZE = 128


def write_dataset(folder: Path, rows: int, sources: Sequence[SourceFace], params: Params) -> None:
    """Write the photos, the table and the parameters into ``folder``. The boxes of the faces are in the table."""
    photos = folder / PHOTOS
    splits = np.random.default_rng(0).choice(list(SHARES), rows, p=list(SHARES.values())).tolist()
    photos.mkdir(parents=True)
    with (photos / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in progress(range(rows), total=rows, title="photos", unit="photos"):
            source, inner = sources[row % len(sources)], f"{row // PER_FOLDER:04d}"
            if row % PER_FOLDER == 0:
                (photos / inner).mkdir()
            name = f"{inner}/{row:07d}.jpg"
            with (photos / name).open("wb") as photo:
                photo.write(source.jpeg + row.to_bytes(8, "big"))
            subject = f"{splits[row]} {row // FACES_PER_SUBJECT}"
            writer.writerow([name, source.label, subject, splits[row], f"0 0 {SIDE} {SIDE}"])
    content = scaled_params(params, {source.label for source in sources}).model_dump(mode="json", by_alias=True)
    (folder / PARAMS).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML, too


def scaled_params(params: Params, labels: set[str]) -> Params:
    """Return the parameters with which the commands run: as given, but with small crops, one process and a fast training."""
    changes = ("rotation", "flip_probability", "jitter_probability", "grey_probability", "erase_probability")
    augment = params.train.augment.model_copy(update=dict.fromkeys(changes, 0.0) | {"min_crop_area": 1.0})
    train = {
        "backbone": "dlib_resnet",  # in its place the network of train.bench.free_network is trained
        "method": "cam",
        "input_size": SIDE,
        "align": ("attention", "cam"),
        "epochs": 2,
        "batch_size": BATCH_SIZE,
        "device": "cpu",
        "workers": 0,
        "amp": False,
        "compile": False,
        "cache_megabytes": 0,  # else it holds all crops of a small dataset, and few of a large one
        "augment": augment,
    }
    blocks = {
        "base": {"workers": 1},
        "ingest": {"dataset": "csv", "root": PHOTOS, "labels": tuple(sorted(labels)), "rename": {}},
        "landmarks": {"crop_size": SIDE, "encoding": "jpeg", "jpeg_quality": QUALITY, "predictor": None},
        "train": train,
        "evaluate": {"device": "cpu", "batch_size": BATCH_SIZE},
    }
    changed = {name: getattr(params, name).model_copy(update=update) for name, update in blocks.items()}
    return params.model_copy(update=changed)
