import json
import re

import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import CodebookError, yaml_source
from pipeline.codebook.loading import check
from pipeline.runtime.errors import InputError

NO_MIRROR = ("    mirror: true\n", "")
GAUSSIAN = "gaussian: {at: [48], sigma: {px: 0}}"
POLYGON = "polygon: {through: [48, 54]}"


def test_file_is_read_as_written(load):
    book = load()
    assert dict(book.expressions) == {"joy": (12, 6), "smirk": (12, 6), "calm": ()}
    assert [(cue.au, cue.weight) for cue in book.cues["smirk"]] == [("12R", 1.0), ("6", 0.5)]
    ellipse = book.regions["12R"][1]
    assert (ellipse.centre.x, ellipse.centre.y) == ((54,), (48, 54))
    assert ellipse.rx.half == (48, 54)
    assert book.regions["6"][0].centre.y == (41,)
    assert dict(book.names) == {6: "Cheek Raiser", 12: "Lip Corner Puller"}


def test_mirror_gives_three_regions(load):
    book = load()
    assert list(book.regions) == ["6", "12", "12L", "12R"]
    assert book.regions["12"] == book.regions["12R"] + book.regions["12L"]
    assert book.regions["12L"][0].centre.x == (54,)


def test_sides_may_be_given_one_by_one(load):
    book = load(("  12:\n", "  12L: {name: Puller, shapes: [gaussian: {at: [54], sigma: {px: 4}}]}\n  12R:\n"), NO_MIRROR)
    assert book.regions["12"] == book.regions["12R"] + book.regions["12L"]
    assert dict(book.expressions)["joy"] == (12, 6)


def test_midline_polygons_are_not_doubled_by_mirror(tmp_path):
    text = codebooks.find("facs").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("  9:\n", "  9:\n    mirror: true\n"))
    assert len(codebooks.load(tmp_path / "mine.yaml").regions["9"]) == 1


LENGTH_UNITS = "exactly one of px, width, height, iod, half"


@pytest.mark.parametrize(
    ("line", "match", "change"),
    [
        (8, "joy names AU 99, which has no region: add 99 under regions", ("joy: [12, 6]", "joy: [12, 99]")),
        (8, "joy names AU 6R, which has no region: give region 6 mirror: true", ("joy: [12, 6]", "joy: [12, 6R]")),
        (8, "joy names AU 6 twice", ("joy: [12, 6]", "joy: [6, 12, 6]")),
        (8, "joy names AU 12R twice", ("joy: [12, 6]", "joy: [6, 12, 12R]")),
        (8, "expressions.joy.0.au is 'twelve': must be a FACS number", ("joy: [12, 6]", "joy: [twelve]")),
        (8, "must be a FACS number", ("joy: [12, 6]", "joy: [12.5]")),
        (8, "expressions.joy is .*: must be a list of AUs, or none", ("joy: [12, 6]", "joy: {12: 6}")),
        (9, "weight is 0", ("weight: 0.5", "weight: 0")),
        (9, r"weight is 1e\+39", ("weight: 0.5", "weight: 1.0e39")),
        (12, r"width is 1e\+200", ("width: 0.1", "width: 1.0e200")),
        (8, "joy names AU 7R, .*: add 7 under regions, with mirror: true", ("joy: [12, 6]", "joy: [12, 7R]")),
        (9, "wieght is not a known name", ("weight: 0.5", "wieght: 1")),
        (10, "calm is 'nothing': must be a list of AUs, or none if it has no map", ("calm: none", "calm: nothing")),
        (10, "calm is .*: must be a list of AUs, or none", ("calm: none", "calm: []")),
        (10, "calm is None: must be a list of AUs, or none", ("calm: none", "calm:")),
        (10, "joy is there twice, first in line 8: keep one", ("calm: none", "joy: none")),
        (14, "12 is there twice", ("  12:\n", "  '12': {}\n  12:\n")),
        (12, "centre.x.0 is 68", ("centre: [41]", "centre: [68]")),
        (12, "centre.x.0 is -1", ("centre: [41]", "centre: [-1]")),
        (12, "centre.*at least 1", ("centre: [41]", "centre: []")),
        (12, f"{LENGTH_UNITS}, not px and width", ("{width: 0.1}", "{px: 1, width: 0.1}")),
        (12, f"{LENGTH_UNITS}, not none", ("{width: 0.1}", "{}")),
        (12, "ry.widht is not a known name", ("{width: 0.1}", "{widht: 0.1}")),
        (12, "ry.width is nan", ("{width: 0.1}", "{width: .nan}")),
        (12, "ry is .*: a radius must not be negative", ("{width: 0.1}", "{px: -3}")),
        (12, "otherwise go with half", ("{width: 0.1}", "{px: 3, otherwise: {px: 2}}")),
        (12, "plus and otherwise go with half", ("{width: 0.1}", "{width: 0.1, plus: {px: 2}}")),
        (12, "regions.6.name", ("name: Cheek Raiser", "name: 6")),
        (12, "circle is not a known name", ("ellipse: {centre: [41]", "circle: {centre: [41]")),
        (12, "at least 1", ("[ellipse: {centre: [41], rx: {px: 3}, ry: {width: 0.1}}]", "[]")),
        (13, "region 12R is one side: leave out mirror, or call it 12", ("  12:\n", "  12R:\n")),
        (13, "must be a FACS number", ("  12:\n", "  lips:\n")),
        (17, "rotation is 'head': must be face, or a pair", ("centre: [48]", "centre: [48], rotation: head")),
        (17, "sigma must be positive", ("ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}", GAUSSIAN)),
        (17, "fewer than 3 landmarks needs dilate", ("ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}", POLYGON)),
        (20, "an offset has no otherwise", ("{height: 0.1}", "{half: [48, 54], otherwise: {px: 2}}")),
        (21, "otherwise must be positive", ("otherwise: {px: 2}", "otherwise: {px: 0}")),
        (21, "rx.half.1 is 70", ("half: [48, 54]", "half: [48, 70]")),
        (21, "rx.half", ("half: [48, 54]", "half: [48]")),
        (6, "render.combine is 'min'", ("combine: max", "combine: min")),
        (6, "soften needs cells", ("combine: max", "combine: max, soften: 3")),
        (6, "soften must be an odd number", ("combine: max", "combine: max, soften: 2, cells: 28")),
        (6, "whole_pixels draws hard edges", ("whole_pixels: false", "whole_pixels: true, edge: {px: 2}")),
        (6, "edge must be a width", ("combine: max", "combine: max, edge: {half: [0, 16]}")),
        (5, "reference_size is 0", ("reference_size: 100", "reference_size: 0")),
        (2, "version is missing", ("version: 1\n", "")),
    ],
)
def test_mistake_is_named_with_its_line(load, line, match, change):
    with pytest.raises(CodebookError, match=match) as caught:
        load(change)
    assert "book.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [found for found, message in caught.value.mistakes if re.search(match, message)] == [line]


def test_all_mistakes_are_listed_by_line(load):
    with pytest.raises(CodebookError) as caught:
        load(
            ("combine: max", "combine: most"),
            ("joy: [12, 6]", "joy: [12, 99]"),
            ("calm: none", "calm: none\n  calm: none"),
            ("centre: [41]", "centre: [68]"),
            ("otherwise: {px: 2}", "otherwise: {px: -1}"),
        )
    assert [line for line, _ in caught.value.mistakes] == [6, 8, 11, 13, 22]


def test_unknown_name_lists_the_shipped_ones(tmp_path):
    with pytest.raises(InputError, match="there is no codebook 'mine': give one of belharbi2024, facs, landmarks68, or"):
        codebooks.load("mine")
    with pytest.raises(InputError, match=r"there is no codebook '.*mine\.yaml'"):
        codebooks.load(tmp_path / "mine.yaml")


def test_content_without_a_file_is_checked_as_a_file_is(load):
    """A page that edits a codebook has its content alone."""
    content = json.loads(json.dumps(yaml_source.read(codebooks.find("facs")).content))
    book, mistakes = check(content)
    assert mistakes == []
    assert book.digest() == codebooks.load("facs").digest()
    content["expressions"]["happiness"] = [99]
    content["regions"]["12"]["shapes"][0]["ellipse"]["rx"] = 3
    book, mistakes = check(content)
    assert book is None
    assert [place for place, _ in mistakes] == [
        ("expressions", "happiness", 0),
        ("regions", "12", "shapes", 0, "ellipse", "rx"),
    ]
