import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import FOLDER
from pipeline.errors import InputError

SMALL = """
name: small
version: 1
source: a test
reference_size: 100
whole_pixels: false
expressions:
  joy: [12, 6]
  calm: none
regions:
  6: {name: Cheek Raiser, ellipses: [{centre: [41], rx: {px: 3}, ry: {width: 0.1}}]}
  12:
    name: Lip Corner Puller
    ellipses:
      - {centre: [48], rx: {px: 3}, ry: {px: 3}}
      - {centre: {x: [54], y: [48, 54]}, offset: {x: {height: 0.1}}, rx: {half: [48, 54], otherwise: 2}, ry: {px: 3}}
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


def refused(load, match, *changes):
    with pytest.raises(InputError, match=match) as caught:
        load(*changes)
    assert "book.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


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
    17: [([59, 8], [59, 8])],
    20: [([48, 6], [48, 6]), ([50, 10], [50, 10])],
    23: MOUTH,
    24: MOUTH,
    25: [([51], [51]), ([57], [57])],
    26: MOUTH,
    27: MOUTH,
    43: EYES,
}


def test_regions_are_where_the_released_code_has_them(book):
    placed = {
        au: [(list(ellipse.centre.x), list(ellipse.centre.y)) for ellipse in region.ellipses]
        for au, region in book.regions.items()
    }
    assert placed == CENTRES


EYE_RADII = [({"half": (36, 39)}, {"half": (38, 41)}), ({"half": (42, 45)}, {"half": (44, 47)})]
LID_RADII = [(rx, {**ry, "plus": 20}) for rx, ry in EYE_RADII]
TENTH = {"width": 0.1}, {"height": 0.1}
BROW = {"width": 0.125}, {"height": 0.1}
LIPS = [({"half": (48, 54), "otherwise": 5}, {"half": (51, 57), "otherwise": 5})]
DOTS = [({"px": 20}, {"px": 20})] * 2


def otherwise(radii, pixels):
    return [tuple({**radius, "otherwise": pixels} for radius in pair) for pair in radii]


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
        au: [tuple(r.model_dump(exclude_defaults=True) for r in (ellipse.rx, ellipse.ry)) for ellipse in region.ellipses]
        for au, region in book.regions.items()
    }
    assert radii == RADII


def test_offsets_are_those_of_the_released_code(book):
    moved = {}
    for au, region in book.regions.items():
        offsets = [ellipse.offset.model_dump(exclude_defaults=True) for ellipse in region.ellipses]
        if any(offsets):
            moved[au] = offsets
    assert moved == {
        6: [{"y": {"height": pytest.approx(1 / 6)}}] * 2,
        14: [{"x": {"px": -20}}, {"x": {"px": 20}}],
    }
    assert {au for au, region in book.regions.items() if any(ellipse.inside for ellipse in region.ellipses)} == {14}


def test_file_is_read_as_written(load):
    book = load()
    assert dict(book.expressions) == {"joy": (12, 6), "calm": ()}
    ellipse = book.regions[12].ellipses[1]
    assert (ellipse.centre.x, ellipse.centre.y) == ((54,), (48, 54))
    assert ellipse.rx.half == (48, 54)
    assert book.regions[6].ellipses[0].centre.y == (41,)


def test_book_cannot_be_changed(book):
    with pytest.raises(TypeError):
        book.expressions["anger"] = ()
    with pytest.raises(TypeError):
        book.regions[1] = book.regions[2]


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
        ("  joy: [12, 6]\n  calm: none\n", "  calm: none\n  joy: [6, 12]\n"),
        ("Cheek Raiser", "Orbicularis oculi"),
        ("{centre: [41], rx: {px: 3}, ry: {width: 0.1}}", "{ry: {width: 0.1}, rx: {px: 3.0}, centre: {y: [41], x: [41]}}"),
    ],
)
def test_digest_is_of_the_meaning(load, change):
    assert load(change).digest() == load().digest()


@pytest.mark.parametrize(
    "change",
    [
        ("joy: [12, 6]", "joy: [12]"),
        ("joy: [12, 6]", "glee: [12, 6]"),
        ("calm: none", "calm: [6]"),
        ("reference_size: 100", "reference_size: 224"),
        ("whole_pixels: false", "whole_pixels: true"),
        ("centre: [41]", "centre: [40]"),
        ("{width: 0.1}", "{width: 0.2}"),
        ("{width: 0.1}", "{height: 0.1}"),
        ("{height: 0.1}}, rx", "{px: 5}}, rx"),
        ("otherwise: 2", "otherwise: 3"),
        ("otherwise: 2", "plus: 2"),
        ("centre: [48],", "centre: [48], inside: true,"),
    ],
)
def test_digest_follows_what_is_drawn(load, change):
    assert load(change).digest() != load().digest()


# Mistakes


@pytest.mark.parametrize(
    ("match", "change"),
    [
        ("expressions name AUs without a region: 7, 99", ("joy: [12, 6]", "joy: [12, 99, 7]")),
        ("expression joy names an AU twice", ("joy: [12, 6]", "joy: [6, 12, 6]")),
        ("calm must be a list of AUs, or none if it has no map", ("calm: none", "calm: nothing")),
        ("calm must be a list of AUs, or none if it has no map", ("calm: none", "calm: []")),
        ("expressions.*joy", ("joy: [12, 6]", "joy: [twelve]")),
        ("must map each expression to a list of AUs", ("  joy: [12, 6]\n  calm: none", "  - joy")),
        ('duplicate key "joy"', ("calm: none", "joy: none")),
        ('duplicate key "6"', ("  12:\n", "  6: {}\n  12:\n")),
        ("regions.6.ellipses.0.centre.x.0 is 68", ("centre: [41]", "centre: [68]")),
        ("regions.6.ellipses.0.centre.x.0 is -1", ("centre: [41]", "centre: [-1]")),
        ("regions.6.ellipses.0.centre.*at least 1", ("centre: [41]", "centre: []")),
        ("exactly one of px, width, height, half, not px and width", ("{width: 0.1}", "{px: 1, width: 0.1}")),
        ("exactly one of px, width, height, half, not none", ("{width: 0.1}", "{}")),
        ("regions.6.ellipses.0.ry.widht is not a known name", ("{width: 0.1}", "{widht: 0.1}")),
        ("ry.width is nan", ("{width: 0.1}", "{width: .nan}")),
        ("rx.otherwise is 0", ("otherwise: 2", "otherwise: 0")),
        ("rx.half.1 is 70", ("half: [48, 54]", "half: [48, 70]")),
        ("rx.half", ("half: [48, 54]", "half: [48]")),
        ("whole_pixels is missing", ("whole_pixels: false\n", "")),
        ("reference_size is 0", ("reference_size: 100", "reference_size: 0")),
        ("regions.6.name", ("name: Cheek Raiser", "name: 6")),
    ],
)
def test_mistake_is_named(load, match, change):
    refused(load, match, change)


@pytest.mark.parametrize(
    ("match", "change"),
    [
        (
            r"ry is {'px': -3}: a radius must not be negative$",
            ("rx: {px: 3}, ry: {width: 0.1}", "rx: {px: 3}, ry: {px: -3}"),
        ),
        ("otherwise", ("{width: 0.1}", "{px: 3, otherwise: 2}")),
        ("plus", ("{width: 0.1}", "{width: 0.1, plus: 2}")),
    ],
)
def test_meaningless_length_is_refused(load, match, change):
    refused(load, match, change)


def test_all_mistakes_are_in_one_line(load):
    refused(load, "regions.6.*; .*regions.12", ("centre: [41]", "centre: [68]"), ("otherwise: 2", "otherwise: -1"))


def test_unknown_name_lists_the_shipped_ones(tmp_path):
    with pytest.raises(InputError, match="there is no codebook 'mine': give one of belharbi2024, or the path of a .yaml"):
        codebooks.load("mine")
    with pytest.raises(InputError, match="there is no codebook '.*mine.yaml'"):
        codebooks.load(tmp_path / "mine.yaml")
