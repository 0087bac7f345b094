import re
from dataclasses import FrozenInstanceError

import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import FOLDER, CodebookError
from pipeline.codebook.schema import Polygon
from pipeline.runtime.errors import InputError

SMALL = """
name: small
version: 1
source: a test
reference_size: 100
render: {combine: max, whole_pixels: false}
expressions:
  joy: [12, 6]
  smirk: [12R, {au: 6, weight: 0.5}]
  calm: none
regions:
  6: {name: Cheek Raiser, shapes: [ellipse: {centre: [41], rx: {px: 3}, ry: {width: 0.1}}]}
  12:
    name: Lip Corner Puller
    mirror: true
    shapes:
      - ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}
      - ellipse:
          centre: {x: [54], y: [48, 54]}
          offset: {x: {height: 0.1}}
          rx: {half: [48, 54], otherwise: {px: 2}}
          ry: {px: 3}
"""


@pytest.fixture(scope="module")
def book():
    return codebooks.load("belharbi2024")


@pytest.fixture
def load(tmp_path):
    """Load the small codebook with pieces of its text replaced."""

    def load(*changes):
        text = SMALL
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "book.yaml"
        path.write_text(text)
        return codebooks.load(path)

    return load


GAUSSIAN = "gaussian: {at: [48], sigma: {px: 0}}"
POLYGON = "polygon: {through: [48, 54]}"


def test_expressions_are_those_of_the_paper(book):
    assert dict(book.expressions) == {
        "happiness": (6, 12, 25),
        "surprise": (1, 2, 5, 26, 27),
        "fear": (1, 2, 4, 5, 20, 25, 26, 27),
        "anger": (4, 5, 7, 10, 17, 23, 24, 25, 26),
        "disgust": (9, 5, 16, 17, 25, 26),
        "sadness": (1, 4, 6, 15, 17),
        "neutral": (),
    }


EYES = [([36, 39], [38, 41]), ([42, 45], [44, 47])]
MOUTH = [([48, 54], [51, 57])]
CENTRES = {  # AU -> (landmarks of x, landmarks of y) of every ellipse
    1: [([20], [20]), ([23], [23])],
    2: [([18], [18]), ([25], [25])],
    4: [([19, 24], [19, 24])],
    5: EYES,
    6: [([41], [41]), ([46], [46])],
    7: EYES,
    9: [([31], [29]), ([35], [29])],
    10: [([48], [50]), ([52], [54])],
    12: [([48], [48]), ([54], [54])],
    14: [([48], [48]), ([54], [54])],
    15: [([48], [48]), ([54], [54])],
    16: [([59], [59]), ([55], [55])],
    17: [([8, 59], [8, 59])],
    20: [([6, 48], [6, 48]), ([10, 50], [10, 50])],
    23: MOUTH,
    24: MOUTH,
    25: [([51], [51]), ([57], [57])],
    26: MOUTH,
    27: MOUTH,
    43: EYES,
}


def test_regions_are_where_the_released_code_has_them(book):
    placed = {
        int(key): [(list(ellipse.centre.x), list(ellipse.centre.y)) for ellipse in shapes]
        for key, shapes in book.regions.items()
    }
    assert placed == CENTRES


EYE_RADII = [({"half": (36, 39)}, {"half": (38, 41)}), ({"half": (42, 45)}, {"half": (44, 47)})]
LID_RADII = [(rx, {**ry, "plus": {"px": 20}}) for rx, ry in EYE_RADII]
TENTH = {"width": 0.1}, {"height": 0.1}
BROW = {"width": 0.125}, {"height": 0.1}
LIPS = [tuple({"half": pair, "otherwise": {"px": 5}} for pair in ((48, 54), (51, 57)))]
DOTS = [({"px": 20}, {"px": 20})] * 2


def otherwise(radii, pixels):
    return [tuple({**radius, "otherwise": {"px": pixels}} for radius in pair) for pair in radii]


RADII = {
    1: [BROW] * 2,
    2: [BROW] * 2,
    4: otherwise([({"half": (19, 24)}, {"half": (19, 24)})], 10),
    5: otherwise(EYE_RADII, 5),
    6: [TENTH] * 2,
    7: otherwise(LID_RADII, 5),
    **dict.fromkeys([9, 10, 12, 14, 15, 16, 20], DOTS),
    17: otherwise([({"half": (59, 8)}, {"half": (59, 8)})], 5),
    **dict.fromkeys([23, 24, 26, 27], LIPS),
    25: [({"px": 25}, {"px": 10})] * 2,
    43: LID_RADII,
}


def test_radii_are_those_of_the_released_code(book):
    radii = {
        int(key): [
            tuple(radius.model_dump(exclude_defaults=True) for radius in (ellipse.rx, ellipse.ry)) for ellipse in shapes
        ]
        for key, shapes in book.regions.items()
    }
    assert radii == RADII


def test_offsets_are_those_of_the_released_code(book):
    moved = {}
    for key, shapes in book.regions.items():
        offsets = [ellipse.offset.model_dump(exclude_unset=True) for ellipse in shapes]
        if any(offsets):
            moved[key] = offsets
    assert moved == {
        "6": [{"y": {"height": pytest.approx(1 / 6)}}] * 2,
        "14": [{"x": {"px": -20}}, {"x": {"px": 20}}],
    }
    assert {key for key, shapes in book.regions.items() if any(ellipse.inside for ellipse in shapes)} == {"14"}
    assert [ellipse.inside for ellipse in book.regions["14"]] == ["left", "right"]
    assert {ellipse.rotation for shapes in book.regions.values() for ellipse in shapes} == {None}


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


NO_MIRROR = ("    mirror: true\n", "")


def test_book_cannot_be_changed(book):
    with pytest.raises(TypeError):
        book.expressions["anger"] = ()
    with pytest.raises(TypeError):
        book.regions["1"] = book.regions["2"]
    with pytest.raises(FrozenInstanceError):
        book.name = "other"


def test_every_shipped_codebook_loads():
    for path in FOLDER.glob("*.yaml"):
        assert codebooks.load(path.stem).name == path.stem
        assert codebooks.load(path).digest() == codebooks.load(path.stem).digest()


# The digest: it decides what is rendered again.


@pytest.mark.parametrize(
    "change",
    [
        ("a test", "another source"),
        ("name: small", "# a comment\nname: renamed  # another"),
        ("version: 1\n", "version: 2\n"),
        ("  joy: [12, 6]\n", ""),
        ("joy: [12, 6]", "joy: [6, {weight: 1, au: 12}]"),
        ("Cheek Raiser", "Orbicularis oculi"),
        ("{centre: [41], rx: {px: 3}, ry: {width: 0.1}}", "{ry: {width: 0.1}, rx: {px: 3.0}, centre: {y: [41], x: [41]}}"),
        ("      - ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}\n", ""),
        ("{combine: max, whole_pixels: false}", "{combine: max}"),
    ],
)
def test_digest_is_of_the_meaning(load, change):
    moved = {  # what was cut out is put at the end
        "  joy: [12, 6]\n": ("  calm: none\n", "  calm: none\n  joy: [12, 6]\n"),
        "      - ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}\n": (
            "          ry: {px: 3}\n",
            "          ry: {px: 3}\n      - ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}\n",
        ),
    }
    assert load(change, *filter(None, [moved.get(change[0])])).digest() == load().digest()


def test_mirror_means_what_it_makes(load):
    by_hand = """      - ellipse: {centre: [54], rx: {px: 3}, ry: {iod: 0.1}}
      - ellipse:
          centre: {x: [48], y: [48, 54]}
          offset: {x: {height: -0.1}}
          rx: {half: [48, 54], otherwise: {px: 2}}
          ry: {px: 3}
"""
    meant = load(("12R, ", "")).meaning()
    written = load(("12R, ", ""), NO_MIRROR, ("          ry: {px: 3}\n", "          ry: {px: 3}\n" + by_hand)).meaning()
    assert written["regions"]["12"] == meant["regions"]["12"]


@pytest.mark.parametrize(
    "change",
    [
        ("joy: [12, 6]", "joy: [12]"),
        ("joy: [12, 6]", "joy: [12L, 6]"),
        ("joy: [12, 6]", "glee: [12, 6]"),
        ("weight: 0.5", "weight: 0.6"),
        ("calm: none", "calm: [6]"),
        ("reference_size: 100", "reference_size: 224"),
        ("whole_pixels: false", "whole_pixels: true"),
        ("combine: max", "combine: sum"),
        ("combine: max", "combine: max, edge: {px: 3}"),
        ("combine: max", "combine: max, cells: 14"),
        ("centre: [41]", "centre: [40]"),
        ("{width: 0.1}", "{width: 0.2}"),
        ("{width: 0.1}", "{height: 0.1}"),
        ("{height: 0.1}}", "{px: 5}}"),
        ("otherwise: {px: 2}", "otherwise: {px: 3}"),
        ("otherwise: {px: 2}", "plus: {px: 2}"),
        ("centre: [48],", "centre: [48], inside: left,"),
        ("centre: [48],", "centre: [48], rotation: face,"),
        ("ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}", "gaussian: {at: [48], sigma: {px: 3}}"),
    ],
)
def test_digest_follows_what_is_drawn(load, change):
    assert load(change).digest() != load().digest()


def test_polygons_start_anywhere_and_turn_either_way():
    ways = [(36, 37, 38, 40), (38, 40, 36, 37), (37, 36, 40, 38), (40, 38, 37, 36)]
    assert len({Polygon(through=way) for way in ways}) == 1
    assert Polygon(through=(36, 38, 37, 40)) != Polygon(through=ways[0])


def test_midline_polygons_are_not_doubled_by_mirror(tmp_path):
    text = codebooks.find("facs").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("  9:\n", "  9:\n    mirror: true\n"))
    assert len(codebooks.load(tmp_path / "mine.yaml").regions["9"]) == 1


# Mistakes

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
    with pytest.raises(InputError, match="there is no codebook '.*mine.yaml'"):
        codebooks.load(tmp_path / "mine.yaml")


# The other two that ship


def test_facs_covers_the_action_units_of_the_paper_and_more(book):
    facs = codebooks.load("facs")
    assert set(facs.names) >= set(book.names)
    assert set(facs.sources) == set(map(str, facs.names))
    assert set(facs.expressions) == {*book.expressions, "contempt", "pain"}
    assert [cue.au for cue in facs.cues["contempt"]] == ["12R", "14R"]
    units = {unit for shapes in facs.regions.values() for unit in units_of([shape.model_dump() for shape in shapes])}
    assert units <= {"iod"}


def units_of(value):
    """Units of all lengths but zero."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("px", "width", "height", "iod", "half") and inner:
                yield name
            else:
                yield from units_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from units_of(inner)


def test_landmarks68_is_one_region_of_all_landmarks():
    book = codebooks.load("landmarks68")
    assert set(book.expressions.values()) == {(0,)}
    ((gaussian,),) = book.regions.values()
    assert gaussian.at == tuple(range(68))


def test_the_example_of_the_page_loads(tmp_path):
    page = (FOLDER / "README.md").read_text()
    (tmp_path / "mine.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    assert set(codebooks.load(tmp_path / "mine.yaml").expressions) == {"happiness", "wink", "neutral"}


def test_gaussians_have_no_whole_pixels(load):
    disc = "ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}"
    with pytest.raises(CodebookError, match="region 12 has a gaussian, which has no whole pixels"):
        load(("whole_pixels: false", "whole_pixels: true"), (disc, "gaussian: {at: [48], sigma: {px: 3}}"))
