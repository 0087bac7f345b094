import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from train.evaluate import artifacts
from train.evaluate.bootstrap import percentile_interval
from train.evaluate.figures import FACE_MEANS, HEADLINE_COSINES

CLASSES = ("a", "b", "none")


def rewrite_csv(path, change):
    with path.open(newline="") as stream:
        rows = [change(row) for row in csv.DictReader(stream)]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, artifacts.PREDICTION_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_values_read_are_the_values_measured(predictions, rng, tmp_path):
    measures = {
        kind: replace(each, cosine=np.where(predictions.has_map, rng.random(5, np.float32), np.float32("nan")))
        for kind, each in predictions.maps.items()
    }
    measured = replace(predictions, maps=measures, confidence=rng.random(5, np.float32))
    artifacts.write_predictions(tmp_path / "predictions.csv", measured, np.array(list("vwxyz")), CLASSES)
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == artifacts.PREDICTION_COLUMNS
    evaluation = artifacts.Evaluation({}, {}, rows, {})
    for metric, kind in HEADLINE_COSINES.items():
        np.testing.assert_array_equal(evaluation.per_face(metric), measured.cosine(kind).astype(float))
    np.testing.assert_array_equal(np.array([row["confidence"] for row in rows], np.float32), measured.confidence)
    np.testing.assert_array_equal(evaluation.per_face("accuracy"), measured.predicted == measured.actual)


def test_intervals_of_the_values_read_are_the_evaluations_own(evaluated):
    evaluation = artifacts.read(evaluated / "evaluation" / "guided", "run `aucue evaluate`")
    actual = np.array([face["actual"] for face in evaluation.predictions])
    for metric, interval in evaluation.details["intervals"].items():
        assert percentile_interval(evaluation.per_face(metric), actual, macro=metric not in FACE_MEANS) == interval


def test_an_evaluation_of_the_former_version_is_read_as_before(evaluated, tmp_path):
    folder = tmp_path / "guided"
    shutil.copytree(evaluated / "evaluation" / "guided", folder)
    now = artifacts.read(folder, "fix")
    with np.load(folder / "maps.npz") as archive:
        np.savez(folder / "maps.npz", **{name: archive[name] for name in archive if name != "has_map"})
    rewrite_csv(
        folder / "predictions.csv",
        lambda row: row | {name: row[name] and f"{float(row[name]):.4f}" for name in (*artifacts.COSINES, "confidence")},
    )
    former = artifacts.read(folder, "fix")
    assert former.maps["has_map"].dtype == bool
    np.testing.assert_array_equal(former.maps["has_map"], now.maps["has_map"])
    assert 0 < now.maps["has_map"].sum() < len(now.predictions)
    np.testing.assert_allclose(former.per_face("att_cos"), now.per_face("att_cos"), atol=1e-4)


def test_has_map_is_what_the_file_says(evaluated, tmp_path):
    folder = tmp_path / "guided"
    shutil.copytree(evaluated / "evaluation" / "guided", folder)
    rewrite_csv(folder / "predictions.csv", lambda row: row | {"att_cos": ""})
    assert artifacts.read(folder, "fix").maps["has_map"].any()


def test_former_names_of_parameters_become_the_present_ones():
    former = {
        "memory": 1000,
        "clip": 2.0,
        "epochs": 3,
        "augment": {"scale": 0.8, "erase": 0.25, "flip": 0.5, "grey": 0.2, "jitter": 0.8, "rotation": 6.0},
    }
    present = {
        "cache_megabytes": 1000,
        "max_grad_norm": 2.0,
        "epochs": 3,
        "augment": {
            "min_crop_area": 0.8,
            "erase_probability": 0.25,
            "flip_probability": 0.5,
            "grey_probability": 0.2,
            "jitter_probability": 0.8,
            "rotation": 6.0,
        },
    }
    assert artifacts.parse_details(json.dumps({"trained": {"train": former}})) == {"trained": {"train": present}}
    assert artifacts.parse_details(json.dumps({"trained": {"train": present}})) == {"trained": {"train": present}}
    assert artifacts.parse_details("{}") == {}


@pytest.mark.parametrize("content", ["[]", "1"])
def test_details_must_be_an_object(content):
    with pytest.raises(ValueError, match=r"details\.json holds no JSON object"):
        artifacts.parse_details(content)


def test_json_takes_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "a.json", {"a": float("nan")})


def test_a_full_disk_names_the_file_and_keeps_the_earlier_one(predictions, tmp_path, mount):
    disk = mount(tmp_path / "disk", size=2**16)
    ids = np.array(list("vwxyz"))
    writers = {
        "maps.npz": lambda path: artifacts.write_maps(path, predictions, CLASSES),
        "predictions.csv": lambda path: artifacts.write_predictions(path, predictions, ids, CLASSES),
        "metrics.json": lambda path: artifacts.write_json(path, {"accuracy": 1}),
    }
    for name, write in writers.items():
        write(disk / name)
    before = {path.name: path.read_bytes() for path in disk.iterdir()}
    (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
    for name, write in writers.items():
        with pytest.raises(OSError, match=rf"No space left on device: '.*/{name}'"):
            write(disk / name)
    (disk / "filler").unlink()
    assert {path.name: path.read_bytes() for path in disk.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", '{"loss": 1}'),
        ("details.json", "[1]"),
        ("predictions.csv", "photo,emotion\n1.jpg,fear\n"),
        ("maps.npz", "PK of somebody"),
    ],
)
def test_a_file_of_somebody_else_is_not_replaced(tmp_path, name, content):
    (tmp_path / "notes.txt").write_text("stays")
    artifacts.refuse_foreign_files(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=f"{name} is not a file that this command writes, and would be lost"):
        artifacts.refuse_foreign_files(tmp_path)


def test_a_whole_or_damaged_evaluation_is_replaced(evaluated, tmp_path):
    folder = shutil.copytree(evaluated / "evaluation" / "guided", tmp_path / "guided")
    artifacts.refuse_foreign_files(folder)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    artifacts.refuse_foreign_files(folder)


def test_the_mean_of_enough_is_a_ratio_of_accuracies():
    """Of the faces that tell, half are right with the regions alone, and three quarters as a whole."""
    answers = [("fear", "1"), ("fear", "0"), ("fear", "1"), ("anger", "0"), ("fear", "")]
    rows = [{"actual": "fear", "predicted": predicted, "enough": enough} for predicted, enough in answers]
    values = artifacts.Evaluation({}, {}, rows, {}).per_face("enough")
    assert np.nanmean(values) == pytest.approx((2 / 4) / (3 / 4))
    assert np.isnan(values).tolist() == [False] * 4 + [True]


@pytest.mark.parametrize("at_a_time", [1, 2, 1024])
def test_mean_maps_are_those_of_numpy_to_the_bit(predictions, tmp_path, monkeypatch, at_a_time):
    monkeypatch.setattr(artifacts, "FACES_AT_A_TIME", at_a_time)
    many = replace(
        predictions,
        **{name: np.repeat(getattr(predictions, name), 7, axis=0) for name in ("rows", "actual", "has_map")},
        **{name: np.random.default_rng(1).random((35, 6, 6), np.float32) for name in ("attention", "cam", "true")},
    )
    artifacts.write_maps(tmp_path / "maps.npz", many, CLASSES)
    with np.load(tmp_path / "maps.npz") as found:
        for name in ("attention", "cam", "true"):
            maps = getattr(many, name)
            np.testing.assert_array_equal(found[name], np.rint(maps * 255).astype(np.uint8))
            for index in (0, 1):
                np.testing.assert_array_equal(found[f"mean_{name}"][index], maps[many.actual == index].mean(axis=0))
            assert not found[f"mean_{name}"][2].any()
