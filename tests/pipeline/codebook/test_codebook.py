from dataclasses import FrozenInstanceError

import pytest

from pipeline.runtime.errors import InputError

NO_MIRROR = ("    mirror: true\n", "")


def test_book_cannot_be_changed(book):
    with pytest.raises(TypeError):
        book.expressions["anger"] = ()
    with pytest.raises(TypeError):
        book.regions["1"] = book.regions["2"]
    with pytest.raises(FrozenInstanceError):
        book.name = "other"


def test_labels_without_an_expression_are_named(book):
    book.refuse_unknown({"anger", "neutral"})
    with pytest.raises(InputError, match=r"belharbi2024 has no expression Fears \(but fear\), envy: add it there \(as none"):
        book.refuse_unknown({"anger", "envy", "Fears"})


def test_whole_keys_are_one_for_each_place(load):
    assert load().whole_keys == ["6", "12"]
    assert load(("joy: [12, 6]", "joy: [12R, 6]"), ("  12:\n", "  12R:\n"), NO_MIRROR).whole_keys == ["6", "12R"]


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
