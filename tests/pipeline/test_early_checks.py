"""What a later stage would refuse is said by the first command that can know it, in one line."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline import early_checks
from pipeline.faces import manifest

CSV = ("dataset: demo ", "dataset: csv "), ("root: pipeline/ingest/demo ", "root: root ")
COUNT = ("untrained_labels: refuse ", "untrained_labels: count ")


def fails(result, *texts):
    assert result.exit_code == 1
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" not in result.output
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: ")
    for text in texts:
        assert text in error


@pytest.fixture
def photos(tmp_path, orl):
    """A csv data set of portraits with splits; call it with the labels of a split, and with places without a face."""

    def write(labels, without_face=(), splits=("train", "validation", "test")):
        root = tmp_path / "root"
        root.mkdir()
        lines, person = ["image,label,split"], 0
        for split in splits:
            for label in labels.get(split, ("anger", "happiness")):
                person += 1
                name = f"{person}.png"
                picture = np.array(Image.open(orl / f"s{person}" / "1.pgm"))
                if (label, split) in without_face:
                    picture = np.full_like(picture, 128)
                cv2.imwrite(str(root / name), picture)
                lines.append(f"{name},{label},{split}")
        (root / "labels.csv").write_text("\n".join(lines))

    return write


@pytest.mark.parametrize("split", ["validation", "test"])
def test_ingest_says_that_a_label_has_no_training_photo(run, write_params, photos, split, tmp_path):
    photos({split: ("anger", "happiness", "fear")})
    write_params(*CSV)
    fails(
        run("ingest"),
        "no training photo has the label fear, but 1 photos of other splits do: ",
        "evaluate.untrained_labels",
        "count",
        "exclude",
    )
    assert not (tmp_path / "data" / "manifest.csv").exists()
    for policy, outcome in (("count", "count as never recognised"), ("exclude", "are left out")):
        write_params(*CSV, (COUNT[0], f"untrained_labels: {policy} "))
        result = run("ingest")
        assert result.exit_code == 0
        assert f"WARNING: no training photo has the label fear: its 1 photos in other splits {outcome}" in result.stderr


def test_ingest_names_labels_and_splits_with_too_few_photos(run, write_params, photos):
    photos({"test": ("anger",)})
    write_params(*CSV)
    said = run("ingest").stderr.splitlines()
    assert "WARNING: no photo has the label disgust, fear, neutral, sadness, surprise of ingest.labels" in said
    assert any(line.startswith("WARNING: training has a single photo of anger, happiness") for line in said)
    assert any("fewer than 5 photos of a class (anger 1, happiness 1)" in line for line in said)
    assert any(line.startswith("WARNING: test has no photo of happiness: ") for line in said)


def test_dropped_duplicates_may_leave_a_label_without_training_photos(run, write_params, photos, tmp_path):
    photos({"train": ("anger", "happiness", "fear"), "test": ("anger", "happiness", "fear")})
    table = (tmp_path / "root" / "labels.csv").read_text().splitlines()
    train, test = (line.split(",")[0] for line in table if ",fear," in line)
    (tmp_path / "root" / train).write_bytes((tmp_path / "root" / test).read_bytes())
    write_params(*CSV, ("drop_cross_split_duplicates: false", "drop_cross_split_duplicates: true"))
    fails(run("ingest"), "no training photo has the label fear")


def test_training_photos_without_a_face_are_said_at_detect(run, write_params, photos):
    labels = dict.fromkeys(("train", "test"), ("anger", "happiness", "fear"))
    photos(labels, without_face={("fear", "train")})
    detector = ("detector: hog_then_mmod ", "detector: hog ")
    write_params(*CSV, detector)
    assert run("ingest").exit_code == 0
    fails(run("detect"), "no training face has the label fear, but 1 faces of other splits do: data/detections.csv says why")
    fails(run("landmarks"), "no training face has the label fear")
    write_params(*CSV, detector, COUNT)
    assert run("detect").exit_code == 0
    result = run("landmarks")
    assert result.exit_code == 0
    assert "WARNING: no training face has the label fear: its 1 faces in other splits count as never" in result.stderr
    assert json.loads(Path("data/faces.json").read_text())["total"] == {"no_face": 1, "ok": 7}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_without_any_face_is_said_at_detect_and_landmarks(run, write_params, photos, split):
    photos({}, without_face={(label, split) for label in ("anger", "happiness")})
    write_params(*CSV, ("detector: hog_then_mmod ", "detector: hog "), COUNT)
    assert run("ingest").exit_code == 0
    fails(run("detect"), f"no face is left in the {split} split: data/detections.csv says why")
    fails(run("landmarks"), f"no face is left in the {split} split")


@pytest.mark.parametrize("stage", ["ingest", "detect", "landmarks"])
def test_a_codebook_without_a_label_is_said_before_the_work(run, write_params, photos, stage):
    photos(dict.fromkeys(("train", "validation", "test"), ("anger", "contempt")))
    labels = ("disgust, fear, happiness,", "disgust, fear, happiness, contempt,")
    write_params(*CSV, labels, ("codebook: belharbi2024 ", "codebook: facs "))
    assert run("ingest").exit_code == 0
    write_params(*CSV, labels)
    fails(run(stage), "codebook belharbi2024 has no expression contempt", "or set heatmaps.codebook to facs")


def test_labels_of_excluded_photos_need_no_expression(run, write_params, photos):
    photos({})
    write_params(*CSV, ("disgust, fear, happiness,", "disgust, fear, happiness, contempt,"))
    result = run("ingest")
    assert result.exit_code == 0
    assert "no photo has the label contempt, disgust" in result.stderr


@pytest.mark.parametrize("stage", ["ingest", "detect", "landmarks"])
@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("codebook: belharbi2024 ", "codebook: nowhere "), "there is no codebook 'nowhere'"),
        (("codebook: belharbi2024 ", "codebook: broken.yaml "), "broken.yaml: line 1"),
        (("predictor: null ", "predictor: none.dat "), "landmarks.predictor 'none.dat' does not exist"),
        (("predictor: null ", "predictor: broken.yaml "), "broken.yaml is not a dlib shape predictor"),
        (("  size: 28 ", "  size: 300 "), "heatmaps.size is 300, but landmarks.crop_size is 256"),
        (("backbone: dlib_resnet ", "backbone: hf:/nowhere "), "train.backbone hf:/nowhere is not a folder"),
        (("backbone: dlib_resnet ", "backbone: hf:resnet "), "train.backbone hf:resnet names a kind of network"),
        (("method: cam ", "method: tscam "), "train.method tscam needs a vision transformer"),
    ],
)
def test_what_the_parameters_tell_is_said_before_the_work(run, write_params, photos, tmp_path, stage, change, match):
    photos({})
    write_params(*CSV)
    assert run("ingest").exit_code == 0
    (tmp_path / "broken.yaml").write_text("name: broken\n")
    write_params(*CSV, change)
    fails(run(stage), match)


def test_the_choice_changes_no_row_of_the_manifest(run, write_params, photos, tmp_path):
    photos({})
    for policy in ("refuse", "count", "exclude"):
        write_params(*CSV, (COUNT[0], f"untrained_labels: {policy} "))
        run("ingest", "--manifest", f"{policy}.csv")
    assert len({(tmp_path / f"{policy}.csv").read_bytes() for policy in ("refuse", "count", "exclude")}) == 1
    assert len(manifest.read(tmp_path / "count.csv")) == 6


def test_a_package_for_training_may_be_missing_where_faces_are_prepared(params, monkeypatch, capsys):
    monkeypatch.setattr(early_checks, "find_spec", lambda name: None)
    early_checks.check_params(
        params.model_copy(update={"train": params.train.model_copy(update={"backbone": "hf:microsoft/resnet-50"})})
    )
    assert "WARNING: train.backbone hf:microsoft/resnet-50 needs Hugging Face transformers" in capsys.readouterr().err
