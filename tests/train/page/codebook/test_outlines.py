"""An outline lies where the heatmap is."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import yaml_source
from pipeline.codebook.rendering.renderer import render_cues
from pipeline.codebook.schema import Document, ExpressionAU
from train.page.codebook.faces import Faces
from train.page.codebook.outlines import outline_region

SIZE = 224
REGIONS = [
    (name, key)
    for name in ("facs", "belharbi2024")
    for key in Document.model_validate(yaml_source.read(codebooks.find(name)).content).regions
]


def inside(outline, x, y):
    """How far a point is inside an outline: 1 at the border, less inside."""
    if outline.kind == "ellipse":
        turn = np.exp(-1j * np.radians(outline.angle)) * (x - outline.centre[0] + 1j * (y - outline.centre[1]))
        return np.hypot(turn.real / outline.radii[0], turn.imag / outline.radii[1]) <= 1
    corners = np.array(outline.points)
    crossings, nearest = np.zeros(x.shape, bool), np.full(x.shape, np.inf)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = (((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-9)).clip(0, 1)
        nearest = np.minimum(nearest, np.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)))
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return crossings | (nearest <= outline.radii[0])


@pytest.mark.parametrize(("name", "key"), REGIONS)
def test_the_outline_is_the_border_of_the_heatmap(settings, name, key):
    book = codebooks.load(name)
    book = replace(book, render=book.render.model_copy(update={"cells": None, "soften": 1}))  # not coarse, not blurred
    document = Document.model_validate(yaml_source.read(codebooks.find(name)).content)
    face = Faces(settings.faces).get("3")
    outlines = list(outline_region(document.regions[key], face.batch(SIZE, book.render.whole_pixels)))
    y, x = np.indices((SIZE, SIZE)).astype(float)
    drawn = np.any([inside(outline, x, y) for outline in outlines], axis=0)
    (heatmap,), _ = render_cues(face.in_frame(SIZE), np.full((1, 2), float(SIZE)), [ExpressionAU(au=key)], book, size=SIZE)
    rendered = heatmap >= 0.5
    assert (drawn & rendered).sum() / (drawn | rendered).sum() > (0.7 if book.render.whole_pixels else 0.95)


def test_the_mirror_image_is_marked(settings):
    document = Document.model_validate(yaml_source.read(codebooks.find("facs")).content)
    batch = Faces(settings.faces).get("mean").batch(SIZE, whole_pixels=False)
    right, left = outline_region(document.regions["12"], batch)
    assert (right.mirrored, left.mirrored) == (False, True)
    assert right.centre[0] < SIZE / 2 < left.centre[0]
    assert len(list(outline_region(document.regions["4"], batch))) == 1


def test_a_shape_through_many_landmarks_has_no_handle_for_each(settings):
    document = Document.model_validate(yaml_source.read(codebooks.find("landmarks68")).content)
    (outline,) = outline_region(document.regions["0"], Faces(settings.faces).get("mean").batch(SIZE, whole_pixels=False))
    assert [handle.name for handle in outline.handles] == ["width"]
    assert json.dumps(outline.points)
