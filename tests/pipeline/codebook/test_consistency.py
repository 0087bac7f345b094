import pytest

from pipeline.codebook import CodebookError, consistency


def test_gaussians_have_no_whole_pixels(load):
    disc = "ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}"
    with pytest.raises(CodebookError, match="region 12 has a gaussian, which has no whole pixels"):
        load(("whole_pixels: false", "whole_pixels: true"), (disc, "gaussian: {at: [48], sigma: {px: 3}}"))


def test_mistakes_are_found_whatever_else_is_wrong():
    expressions = {"joy": [12, "14R", None, 3.5, {"weight": 2}], "calm": 7, "fear": [{"au": "6L"}, 6]}
    content = {"render": 3, "expressions": expressions, "regions": {6: {"mirror": True, "shapes": 9}, 12: None, "x": {}}}
    assert consistency.mistakes(content) == [
        (("expressions", "joy", 1), "joy names AU 14R, which has no region: add 14 under regions, with mirror: true"),
        (("expressions", "fear", 1), "fear names AU 6 twice: keep one"),
    ]
    assert consistency.mistakes({"expressions": expressions}) == []


def test_mirrored_regions_exclude_regions_of_one_side():
    regions = {"12L": {}, "12": {"mirror": True}, "14R": {"mirror": True}}
    assert consistency.mistakes({"expressions": {}, "regions": regions}) == [
        (("regions", "12"), "region 12 has mirror, and 12L is there too: keep one"),
        (("regions", "14R"), "region 14R is one side: leave out mirror, or call it 14"),
    ]


def test_numbers_of_pairs_have_both_sides():
    assert consistency.numbers_of_pairs({"14R", "14L", "6R", "12", "12R", "12L"}) == {"14"}
