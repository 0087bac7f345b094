"""The heatmaps of a codebook on a face, as pictures to lay over it. The renderer is that of the stage heatmaps."""

from functools import lru_cache

import cv2
import numpy as np

from pipeline.codebook import Codebook
from pipeline.codebook.geometry import Shape
from pipeline.codebook.rendering.renderer import render_cues
from pipeline.codebook.schema import ExpressionAU, Render
from train.page.codebook.faces import Face, encode_png

SIZE = 112  # cells of a map: fine enough to be enlarged
OPACITY, EXPONENT = 0.75, 0.7  # as ``aucue codebook draw`` has them
KEPT = 1024  # pictures, of some 5 kB each

Cues = tuple[ExpressionAU, ...]
Regions = tuple[tuple[Shape, ...], ...]


def heatmap_pictures(book: Codebook, face: Face) -> dict[str, bytes | None]:
    """Render every expression. One whose regions have not changed is not rendered again.

    Args:
        book: Codebook to render.
        face: Face to render it on.

    Returns:
        A PNG (SIZE, SIZE) for each expression, transparent where the map is low; None for an expression without a map.
    """
    return {
        name: render_picture(cues, tuple(book.regions[cue.au] for cue in cues), book.render, book.reference_size, face)
        for name, cues in book.cues.items()
    }


@lru_cache(maxsize=KEPT)
def render_picture(cues: Cues, regions: Regions, render: Render, reference_size: int, face: Face) -> bytes | None:
    """Render the map of some action units on a face.

    Args:
        cues: The action units.
        regions: Their shapes, in the same order.
        render: How shapes become a map.
        reference_size: Pixels of the frame.
        face: The face.

    Returns:
        A PNG, or None if there is no map.
    """
    shapes = {cue.au: region for cue, region in zip(cues, regions, strict=True)}
    book = Codebook("", 0, "", reference_size, render, cues={}, regions=shapes, names={}, sources={})
    sizes = np.full((1, 2), float(reference_size))
    (heatmap,), (has_map,) = render_cues(face.in_frame(reference_size), sizes, cues, book, size=SIZE)
    if not has_map:
        return None
    colours = cv2.applyColorMap(np.rint(255 * heatmap).astype(np.uint8), cv2.COLORMAP_TURBO)
    opacity = np.rint(255 * OPACITY * heatmap**EXPONENT).astype(np.uint8)
    return encode_png(np.dstack([colours, opacity]))
