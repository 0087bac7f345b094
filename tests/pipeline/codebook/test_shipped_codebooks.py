"""The codebooks in pipeline/codebooks: do they say what their sources say?"""

import pytest

from pipeline import codebook as codebooks
from pipeline.codebook.loading import FOLDER


def test_every_shipped_codebook_loads():
    for path in FOLDER.glob("*.yaml"):
        assert codebooks.load(path.stem).name == path.stem
        assert codebooks.load(path).digest() == codebooks.load(path.stem).digest()


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
