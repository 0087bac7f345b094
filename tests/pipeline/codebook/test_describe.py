import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import describe


@pytest.fixture
def changed(tmp_path):
    """facs with pieces of its file replaced."""

    def changed(*changes):
        content = codebooks.find("facs").read_text()
        for old, new in changes:
            assert content.count(old) == 1, old
            content = content.replace(old, new)
        path = tmp_path / "changed.yaml"
        path.write_text(content)
        return codebooks.load(path)

    return changed


@pytest.mark.parametrize("name", codebooks.shipped())
def test_everything_is_shown(name):
    book = codebooks.load(name)
    shown = describe.show(book)
    for expression in book.expressions:
        assert f"\n{expression} " in shown
    for number, title in book.names.items():
        assert f"AU {number:<4} {title}: " in shown
        assert str(number) not in book.sources or f"\n        source: {book.sources[str(number)]}\n" in shown
    assert book.digest()[:12] in shown
    assert max(map(len, shown.splitlines())) < 400


def test_shapes_are_shown_with_their_units():
    shown = describe.show(codebooks.load("belharbi2024"))
    assert (
        "ellipse centre ([36 39], [38 41]), rx half 36-39 otherwise 5 px, ry half 38-41 plus 20 px otherwise 5 px" in shown
    )
    assert "AU 14   Dimpler: ellipse centre [48], rx 20 px, ry 20 px, offset (-20 px, 0 px), inside left" in shown
    assert "render: combine max, soften 3, cells 28, whole_pixels true" in shown


def test_same_meaning_has_no_difference(changed):
    assert list(describe.diff(codebooks.load("facs"), changed())) == []
    assert list(describe.diff(codebooks.load("facs"), changed(("anger: [4, 5, 7, 23]", "anger: [23, 7, 5, 4]")))) == []


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ([("anger: [4, 5, 7, 23]", "anger: [4, 5, 24]")], ["~ anger: - AU 7, - AU 23, + AU 24"]),
        ([("anger: [4,", "anger: [{au: 4, weight: 0.5},")], ["~ anger: AU 4 weight 1 -> 0.5"]),
        ([("  contempt: [12R, 14R]", "  scorn: [12R]")], ["+ scorn: 12R Lip Corner Puller"]),
        ([("combine: max\n", "combine: sum\n")], ["render.combine: max -> sum"]),
        ([("edge: {iod: 0.20}", "edge: {px: 3}")], ["render.edge: 0.2 iod -> 3 px"]),
        ([("reference_size: 224", "reference_size: 100")], ["reference_size: 224 -> 100"]),
        (
            [("[27, 31, 35], dilate: {iod: 0.12}", "[27, 31, 35]")],
            ["~ region 9: polygon through [27 31 35], dilate 0.12 iod"],
        ),
    ],
)
def test_differences_are_named(changed, changes, lines):
    found = list(describe.diff(codebooks.load("facs"), changed(*changes)))
    for line in lines:
        assert any(other.startswith(line) for other in found), found
    back = list(describe.diff(changed(*changes), codebooks.load("facs")))
    assert len(back) == len(found)


def test_a_region_more_is_named(changed):
    more = changed(
        ("  25:\n", "  18: {name: Lip Pucker, shapes: [polygon: {through: [51, 57], dilate: {iod: 0.1}}]}\n  25:\n")
    )
    assert list(describe.diff(codebooks.load("facs"), more)) == ["+ region 18: polygon through [51 57], dilate 0.1 iod"]


def test_sides_that_change_places_are_named(tmp_path):
    content = codebooks.find("facs").read_text()
    start = content.index("  12:\n")
    before, after = content[:start], content[start:].replace("    mirror: true\n", "", 1)
    left = "  12L: {name: Lip Corner Puller, shapes: [gaussian: {at: [54], sigma: {iod: 0.2}}]}\n"
    for name, keys in (("one", ("12R", "12L")), ("two", ("12L", "12R"))):
        own = after.replace("  12:\n", f"  {keys[0]}:\n", 1) + left.replace("12L", keys[1])
        (tmp_path / f"{name}.yaml").write_text(before + own)
    found = list(describe.diff(*(codebooks.load(tmp_path / f"{name}.yaml") for name in ("one", "two"))))
    assert any("region 12" in line for line in found)
