"""The differences of codebooks in words."""

from dataclasses import replace

import pytest

from pipeline import codebook as codebooks
from pipeline.codebook.describe import diff
from pipeline.codebook.differences import in_words


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ("joy: [12, 6]", "joy: [6, 12]", []),
        ("name: small", "name: large", []),
        ("joy: [12, 6]", "joy: [6]", ["joy no longer shows AU 12 (Lip Corner Puller)."]),
        ("calm: none", "calm: [12L]", ["calm also shows AU 12 (Lip Corner Puller, left side)."]),
        ("calm: none", "calm: [{au: 6, weight: 2}]", ["calm also shows AU 6 (Cheek Raiser) with weight 2."]),
        ("weight: 0.5", "weight: 0.25", ["smirk weighs AU 6 (Cheek Raiser) 0.25 instead of 0.5."]),
        ("calm: none", "calm: none\n  bored: [6]", ["The expression bored is new: 6 Cheek Raiser."]),
        ("  calm: none\n", "", ["The expression calm is left out."]),
        ("combine: max", "combine: sum", ["Rendering: combine is sum instead of max."]),
        ("whole_pixels: false", "edge: {iod: 0.2}", ["Rendering: edge is 0.2 iod instead of not set."]),
        ("reference_size: 100", "reference_size: 200", ["The reference frame has 200 pixels instead of 100."]),
        ("ry: {iod: 0.1}", "ry: {iod: 0.2}", ["AU 12 (Lip Corner Puller), ellipse 1: ry is 0.2 iod instead of 0.1 iod."]),
        ("centre: [41]", "centre: [41, 40]", ["AU 6 (Cheek Raiser), ellipse: centre is [40 41] instead of [41]."]),
        (
            "ellipse: {centre: [41], rx: {px: 3}, ry: {width: 0.1}}",
            "gaussian: {at: [41], sigma: {px: 3}}",
            [
                (
                    "AU 6 (Cheek Raiser) is drawn as gaussian at [41], sigma 3 px instead of ellipse centre [41], rx 3 px, "
                    "ry 0.1 width."
                )
            ],
        ),
        (
            "regions:\n",
            "regions:\n  7: {name: Lid Tightener, shapes: [polygon: {through: [36, 39, 41]}]}\n",
            ["The region of AU 7 (Lid Tightener) is new: polygon through [36 39 41]."],
        ),
    ],
)
def test_a_change_is_a_sentence(load, old, new, sentences):
    assert in_words(load(), load((old, new))) == sentences


def test_a_mirrored_region_that_is_left_out_is_one_sentence(load):
    whole = load(("joy: [12, 6]", "joy: [6]"), ("smirk: [12R, {au: 6, weight: 0.5}]", "smirk: [6]"))
    less = replace(whole, regions={"6": whole.regions["6"]}, names={6: "Cheek Raiser"})
    assert in_words(whole, less) == ["The region of AU 12 (Lip Corner Puller) is left out."]


def test_one_side_alone_is_named(load):
    mirrored = load()
    one = load(("    mirror: true\n", ""), ("  12:\n", "  12R:\n"), ("joy: [12, 6]", "joy: [12R, 6]"))
    words = in_words(mirrored, one)
    assert "joy also shows AU 12 (Lip Corner Puller, right side)." in words
    assert "The region of AU 12 (Lip Corner Puller) is left out." in words


@pytest.mark.parametrize("first", codebooks.shipped())
@pytest.mark.parametrize("second", codebooks.shipped())
def test_there_are_words_where_the_command_finds_a_difference(first, second):
    books = codebooks.load(first), codebooks.load(second)
    words = in_words(*books)
    assert bool(words) == bool(list(diff(*books)))
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in words)
