import csv
import json
import math
import re

import pytest

from train.explain import FaceExplanation, Unit
from train.explain.outputs import table
from train.explain.outputs.table import columns, read_rows, row_of, write_json, written_table

CLASSES, KEYS = ("anger", "fear"), ("4", "12R")
FACE = FaceExplanation(
    status="ok",
    box=(1.5, 2, 30, 40),
    expression="fear",
    probability=0.75,
    probabilities={"anger": 0.25, "fear": 0.75},
    units=(Unit("4", "Brow Lowerer", 2.5, 0.1, 0.01, "anger"), Unit("12R", "Lip", math.nan, math.nan, math.nan, "")),
    sentence="fear 75 %: looks, at things.",
)


def interrupted_table(path, error):
    with written_table(path, columns(CLASSES, KEYS)) as written:
        written.add(row_of("a.jpg", None, None, 1, FACE, ""))
        raise error


def test_the_top_of_the_module_documents_every_column():
    entries = [line.partition("  ")[0] for line in table.__doc__.splitlines() if re.match(r"\S.* {2}", line)]
    assert [name for entry in entries for name in entry.split(", ")] == columns(["one for each class"], ["n"])


def test_the_columns_are_in_order():
    assert columns(CLASSES, KEYS) == [
        *("source", "frame", "time", "face", "status", "reason", "box", "expression", "probability", "anger", "fear"),
        *("AU4 seen", "AU4 needed", "AU4 spread", "AU12R seen", "AU12R needed", "AU12R spread", "sentence", "picture"),
    ]


def test_rows_read_back_as_they_were_written(tmp_path):
    path = tmp_path / "explanations.csv"
    rows = [
        row_of('a "b", c.jpg', None, None, 1, FACE, "pictures/a.png"),
        row_of("v.mp4", 7, 0.28, 2, FACE, ""),
        row_of("no.jpg", None, None, 0, FaceExplanation("no_face", "no face"), ""),
    ]
    with written_table(path, columns(CLASSES, KEYS)) as written:
        for row in rows:
            written.add(row)
    found = list(read_rows(path))
    assert [row["source"] for row in found] == ['a "b", c.jpg', "v.mp4", "no.jpg"]
    assert found[0]["box"] == "1.5 2 30 40"
    assert (found[1]["frame"], found[1]["time"], found[1]["face"]) == (7, 0.28, 2)
    assert (found[0]["probability"], found[0]["AU4 seen"], found[0]["AU12R seen"]) == (0.75, 2.5, None)
    assert (found[2]["status"], found[2]["reason"], found[2]["face"], found[2]["fear"]) == ("no_face", "no face", None, None)

    write_json(tmp_path / "e.json", {"model": {"a": 1, "z": {}}, "settings": {}}, path)
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["model"] == {"a": 1, "z": {}}
    assert content["faces"] == found


def test_an_interruption_leaves_whole_rows(tmp_path):
    path = tmp_path / "explanations.csv"
    with pytest.raises(KeyboardInterrupt):
        interrupted_table(path, KeyboardInterrupt)
    with path.open() as stream:
        assert [row["source"] for row in csv.DictReader(stream)] == ["a.jpg"]
    assert [file.name for file in tmp_path.iterdir()] == ["explanations.csv"]


def test_an_error_leaves_the_earlier_table(tmp_path):
    path = tmp_path / "explanations.csv"
    path.write_text("earlier")
    with pytest.raises(RuntimeError):
        interrupted_table(path, RuntimeError)
    assert path.read_text() == "earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["explanations.csv"]
