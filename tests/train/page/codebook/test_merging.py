"""Changed content is written into its text, and comments stay."""

import copy
import json

import pytest
from ruamel.yaml import YAML

from pipeline import codebook as codebooks
from pipeline.codebook import yaml_source
from train.page.codebook.merging import merge

OTHER_LAYOUT = """\
# mine
name:   small          # three blanks
version: 1
source: "a test"
reference_size: 100
render: {combine: max,
         edge: {iod: 0.20}}
regions:
    12:   # the corner
        name: Lip Corner Puller
        shapes:
        # one
        - ellipse: {centre: [48], rx: {px: 3},   # broken here
                    ry: {iod: 0.10}}
        # two
        - gaussian: {at: [54], sigma: {px: 20}}

    # before 6
    6: {name: Cheek Raiser, shapes: [{ellipse: {centre: [41], rx: {px: 3}, ry: {width: 0.1}}}]}
expressions:
    joy: [ 12, 6 ]   # both
    calm: none
# the end
"""
MERGE_KEY = """\
name: small
version: 1
source: a test
reference_size: 100
render: {combine: max}
expressions: {joy: [6, 12]}
regions:
  6:
    name: Cheek Raiser
    shapes: [ellipse: &round {centre: [41], rx: {px: 3}, ry: {px: 3}}]
  12:
    name: Lip Corner Puller
    shapes: [ellipse: {<<: *round, centre: [48]}]
"""


def plain(text):
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def changed_lines(before, after):
    """The lines that are only in one of two texts."""
    before, after = before.splitlines(), after.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def text_of(name):
    return {"other layout": OTHER_LAYOUT, "merge key": MERGE_KEY}.get(name) or codebooks.find(name).read_text()


NAMES = [*codebooks.shipped(), "other layout", "merge key"]


def changes_of(content):
    """Every single change of a leaf, removal of an entry and addition of one, each as (its place, the new content)."""

    def places(node, place=()):
        yield place
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            yield from places(child, (*place, key))

    for place in list(places(content))[1:]:
        for action in ("remove", "number", "text", "list", "mapping"):
            changed = copy.deepcopy(content)
            node = changed
            for step in place[:-1]:
                node = node[step]
            if action == "remove":
                del node[place[-1]]
            else:
                node[place[-1]] = {"number": 7.25, "text": "none", "list": [3, 4], "mapping": {"iod": 1}}[action]
            yield (*place, action), changed


@pytest.mark.parametrize("name", NAMES)
def test_the_same_content_is_the_same_text(name):
    assert merge(text_of(name), plain(text_of(name))) == text_of(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_any_change_is_written(name):
    text = text_of(name)
    every = list(changes_of(plain(text)))
    few = 8 if name in codebooks.shipped() else len(every)  # a large file takes longer
    for place, content in every[:: max(1, len(every) // few)]:
        assert plain(merge(text, content)) == content, place


@pytest.mark.parametrize(
    ("name", "change", "gone", "new"),
    [
        (
            "facs",
            lambda book: book["expressions"].update(happiness=[6, 25]),
            ["  happiness: [6, 12]"],
            ["  happiness: [6, 25]"],
        ),
        ("facs", lambda book: book["expressions"].pop("pain"), ["  pain: [4, 6, 7, 9, 10, 43]"], []),
        ("facs", lambda book: book["expressions"].update(boredom=[43]), [], ["  boredom: [43]"]),
        ("facs", lambda book: book.update(name="mine"), ["name: facs"], ["name: mine"]),
        (
            "facs",
            lambda book: book["regions"]["6"]["shapes"][0]["ellipse"].update(rx={"iod": 0.3}),
            ["          rx: {iod: 0.34}"],
            ["          rx: {iod: 0.3}"],
        ),
        ("facs", lambda book: book["regions"]["4"].update(mirror=True), [], []),
        ("landmarks68", lambda book: book["expressions"].update(fear="none"), ["  fear: *all"], ["  fear: none"]),
        (
            "belharbi2024",
            lambda book: book["regions"]["10"]["shapes"].pop(0),
            ["      - ellipse: {centre: {x: [48], y: [50]}, rx: {px: 20}, ry: {px: 20}}"],
            [],
        ),
    ],
)
def test_no_other_line_changes(name, change, gone, new):
    text = text_of(name)
    content = plain(text)
    change(content)
    merged = merge(text, content)
    lost, added = changed_lines(text, merged)
    assert (lost, [line for line in added if line.strip() != "mirror: true"]) == (gone, new)
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in comments if line not in merged.splitlines()] == []


def test_another_layout_keeps_its_comments():
    content = plain(OTHER_LAYOUT)
    content["regions"]["12"]["shapes"][1]["gaussian"]["sigma"] = {"px": 21}
    content["expressions"]["joy"] = [12]
    merged = merge(OTHER_LAYOUT, content)
    for comment in ("# mine", "# three blanks", "# the corner", "# one", "# two", "# before 6", "# both", "# the end"):
        assert comment in merged


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("belharbi2024", ("regions", "10")),
        ("belharbi2024", ("regions", "10", "shapes", 1)),
        ("other layout", ("regions", "12")),
        ("other layout", ("regions", "6")),
        ("other layout", ("regions", "12", "shapes", 0)),
        ("other layout", ("expressions", "calm")),
        ("other layout", ("expressions", "joy")),
    ],
)
def test_what_is_removed_takes_no_comment_line_with_it(name, place):
    text = text_of(name)
    content = plain(text)
    node = content
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]
    merged = merge(text, content)
    assert plain(merged) == content
    comments = [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in comments if line not in merged] == []


@pytest.mark.parametrize("key", ["23", "24", "26", "27"])
def test_a_change_of_one_alias_leaves_the_others(key):
    text = text_of("belharbi2024")
    content = plain(text)
    content["regions"][key]["shapes"][0]["ellipse"]["rx"] = {"px": 9}
    merged = merge(text, content)
    assert plain(merged) == content
    assert len(changed_lines(text, merged)[0]) <= 5
    every = plain(text)
    for each in ("23", "24", "26", "27"):
        every["regions"][each]["shapes"][0]["ellipse"]["rx"] = {"px": 9}
    merged = merge(text, every)
    assert plain(merged) == every
    assert merged.count("*mouth") == 3


def test_other_sections_keep_their_comments_where_merge_keys_stand_in_the_way():
    text = MERGE_KEY.replace("version: 1", "version: 1   # first\n# before the source")
    content = plain(text)
    del content["regions"]["6"]["shapes"][0]["ellipse"]["rx"]
    merged = merge(text, content)
    assert plain(merged) == content
    assert "version: 1   # first\n# before the source\n" in merged


def test_a_text_of_windows_is_read(tmp_path):
    text = text_of("facs").replace("\n", "\r\n")
    content = {**plain(text), "version": 2}
    assert plain(merge(text, content)) == content


def test_a_new_region_is_written_over_several_lines():
    text = text_of("facs")
    content = plain(text)
    content["regions"]["28"] = {"name": "Lip Suck", "shapes": [{"gaussian": {"at": [62], "sigma": {"iod": 0.1}}}]}
    assert merge(text, content).endswith(
        "  28:\n    name: Lip Suck\n    shapes:\n      - gaussian: {at: [62], sigma: {iod: 0.1}}\n"
    )


def test_figures_keep_their_digits(tmp_path):
    """``0.20`` stays as it is, and what is written is read as the same number."""
    text = text_of("facs")
    content = plain(text)
    content["regions"]["1"]["shapes"][0]["ellipse"]["rx"]["iod"] = 0.1 + 0.2
    path = tmp_path / "mine.yaml"
    path.write_text(merge(text, content))
    assert "edge: {iod: 0.20}" in path.read_text()
    assert yaml_source.read(path).content["regions"][1]["shapes"][0]["ellipse"]["rx"]["iod"] == 0.1 + 0.2
