import numpy as np

from pipeline import codebook as codebooks
from pipeline.codebook import draw
from pipeline.codebook.schema import ExpressionAU
from train.attribution.unit_regions import render_regions

SIZE = 28


def centre(region):
    """(x, y) of a region's middle, as fractions of the crop."""
    rows, columns = region.numpy().nonzero()
    return (columns.mean() + 0.5) / SIZE, (rows.mean() + 0.5) / SIZE


def test_regions_lie_on_their_landmarks_at_any_size_of_the_crop():
    book = codebooks.load("facs")
    mean = draw.mean_landmarks()
    cues = [[ExpressionAU(au="12")], [ExpressionAU(au="1")], [], [ExpressionAU(au="12"), ExpressionAU(au="1")]]
    regions = render_regions(book, mean[None], draw.SIDE, cues, SIZE)[0]
    mouth, brows = mean[48:60].mean(axis=0) / draw.SIDE, mean[20:24].mean(axis=0) / draw.SIDE
    np.testing.assert_allclose(centre(regions[0]), mouth, atol=0.06)
    np.testing.assert_allclose(centre(regions[1]), brows, atol=0.06)
    assert not regions[2].any()
    assert (regions[3] == regions[0] | regions[1]).all()
    doubled = render_regions(book, 2 * (mean[None] + 0.5) - 0.5, 2 * draw.SIDE, cues, SIZE)[0]
    assert (doubled == regions).all()


def test_a_region_beside_the_crop_is_empty():
    book = codebooks.load("facs")
    away = draw.mean_landmarks()[None] + 10 * draw.SIDE
    assert not render_regions(book, away, draw.SIDE, [[ExpressionAU(au="12")]], SIZE).any()
