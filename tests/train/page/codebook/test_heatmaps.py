"""The pictures of heatmaps: the renderer's map, and one for each thing that decides it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.codebook.rendering.renderer import render
from train.page.codebook.faces import Faces
from train.page.codebook.heatmaps import SIZE, heatmap_pictures, render_picture


def pixels(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("name", codebooks.shipped())
def test_the_opacity_is_the_map_of_the_stage(settings, name):
    book, face = codebooks.load(name), Faces(settings.faces).get("2")
    for expression, png in heatmap_pictures(book, face).items():
        size = book.reference_size
        (heatmap,), (has_map,) = render(face.in_frame(size), [expression], np.full((1, 2), size), book, size=SIZE)
        assert bool(png) == has_map
        if png:
            assert np.abs(pixels(png)[..., 3] - 255 * 0.75 * heatmap**0.7).max() <= 0.51


def test_what_is_kept_depends_on_everything_that_decides_it(settings):
    book, faces = codebooks.load("facs"), Faces(settings.faces)
    first = heatmap_pictures(book, faces.get("1"))
    assert heatmap_pictures(book, faces.get("1")) == first
    others = [
        heatmap_pictures(book, faces.get("2")),
        heatmap_pictures(replace(book, render=book.render.model_copy(update={"combine": "sum"})), faces.get("1")),
        heatmap_pictures(replace(book, regions={**book.regions, "12": book.regions["15"]}), faces.get("1")),
        heatmap_pictures(replace(book, cues={**book.cues, "happiness": book.cues["fear"]}), faces.get("1")),
    ]
    assert all(other["happiness"] != first["happiness"] for other in others)


def test_an_expression_that_has_not_changed_is_not_rendered_again(settings):
    book, face = codebooks.load("facs"), Faces(settings.faces).get("1")
    heatmap_pictures(book, face)
    before = render_picture.cache_info().misses
    heatmap_pictures(replace(book, regions={**book.regions, "12": book.regions["15"]}), face)
    assert render_picture.cache_info().misses == before + 1  # contempt names 12R
