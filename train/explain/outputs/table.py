"""The rows of explanations: ``explanations.csv`` for spreadsheets, and ``explanations.json`` with the settings.

A row is a face of a photo or of a video's frame; a photo or frame without a face has one row, with its status and reason.

source                   the photo or video: the path as it was given, or below the folder or table that was given
frame, time              of a video: number of the frame, from 0, and its time in seconds
face                     number of the face in the photo or frame, from 1, from left to right
status, reason           ``ok``, or why there is no answer
box                      left top right bottom of the face, in pixels of the upright photo, as ``labels.csv`` takes it
expression, probability  the most probable class
one for each class       its probability
AUn seen                 for each action unit n of the codebook: how many times denser the attention is on its region than a
                         map that is the same everywhere; empty if the region lies outside the crop
AUn needed               how far the answer's probability falls when the region shows another face, less the fall for the
                         same outline elsewhere on the face; below 0.05, the fall itself (``answers/needed.py``)
AUn spread               standard deviation of ``needed`` over the other faces and the places elsewhere; empty if one face
                         alone was tried, since with it the fall was below 0.02
sentence                 the answer in words
picture                  the picture's file, from the folder of the table; empty for frames of a video
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.faces.boxes import format_box
from pipeline.runtime.outputs.files import atomic
from train.explain.answers.face_explanation import FaceExplanation

CSV, JSON, PAGE, PICTURES = "explanations.csv", "explanations.json", "index.html", "pictures"
FIRST = ("source", "frame", "time", "face", "status", "reason", "box", "expression", "probability")
LAST = ("sentence", "picture")
DIGITS = 6

Row = dict[str, Any]  # by column; None where there is nothing


def columns(classes: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return the columns for a classifier's classes and a codebook's action units."""
    units = [f"AU{key} {figure}" for key in keys for figure in ("seen", "needed", "spread")]
    return [*FIRST, *classes, *units, *LAST]


def row_of(source: str, frame: int | None, time: float | None, number: int, face: FaceExplanation, picture: str) -> Row:
    """Make the row of an explanation; ``number`` is that of the face, and 0 for no face."""
    units = {
        f"AU{unit.key} {figure}": value
        for unit in face.units
        for figure, value in (("seen", unit.seen), ("needed", unit.needed), ("spread", unit.spread))
    }
    figures = {"probability": face.probability, **face.probabilities, **units}
    return {
        "source": source,
        "frame": frame,
        "time": None if time is None else round(time, DIGITS),
        "face": number or None,
        "status": str(face.status),
        "reason": face.reason,
        "box": format_box(face.box) if face.box else "",
        "expression": face.expression,
        **{name: None if math.isnan(value) else round(value, DIGITS) for name, value in figures.items()},
        "sentence": face.sentence,
        "picture": picture,
    }


class Table:
    """Writes rows as they come, in the order of the columns."""

    def __init__(self, stream: Any, names: Sequence[str]) -> None:
        self._stream = stream
        self._writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
        self._writer.writeheader()
        self.number = 0

    def add(self, row: Row) -> None:
        """Append a row."""
        self._writer.writerow({name: "" if value is None else value for name, value in row.items()})
        self.number += 1


@contextmanager
def written_table(path: Path, names: Sequence[str]) -> Iterator[Table]:
    """Yield a table that appears under its path when the with block ends, also if Ctrl-C ends it: its rows are whole."""
    interruption: BaseException | None = None
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        try:
            yield Table(stream, names)
        except Exception:
            raise
        except BaseException as error:  # noqa: BLE001 (raised again below, after the rows so far are in place)
            interruption = error
    if interruption is not None:
        raise interruption


def read_rows(path: Path) -> Iterator[Row]:
    """Read the rows of a table, one after another; figures are numbers, and what is empty is None."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: _value(name, text) for name, text in row.items()}


def write_json(path: Path, facts: Mapping[str, Any], table: Path) -> None:
    """Write facts, and the rows of a table as ``faces``, without holding all rows in memory."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(dict(facts), indent=1, sort_keys=True).removesuffix("\n}") + ',\n "faces": [')
        for number, row in enumerate(read_rows(table)):
            stream.write((",\n  " if number else "\n  ") + json.dumps(row))
        stream.write("\n ]\n}\n")


def _value(name: str, text: str) -> str | int | float | None:
    if name in ("source", "status", "reason", "box", "expression", "sentence", "picture"):
        return text
    if not text:
        return None
    return int(text) if name in ("frame", "face") else float(text)
