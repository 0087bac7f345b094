"""The heatmaps of a codebook on a face, as pictures to lay over it. The renderer is that of the stage heatmaps."""

import cv2
import numpy as np

from pipeline.codebook import Codebook
from pipeline.codebook.rendering.renderer import render_cues
from train.page.codebook.faces import Face, encode_png

SIZE = 112  # cells of a map: fine enough to be enlarged, and rendered for all expressions in some 15 ms
OPACITY, EXPONENT = 0.75, 0.7  # as ``aucue codebook draw`` has them


def heatmap_pictures(book: Codebook, face: Face) -> dict[str, bytes | None]:
    """Render every expression.

    Args:
        book: Codebook to render.
        face: Face to render it on.

    Returns:
        A PNG (SIZE, SIZE) for each expression, transparent where the map is low; None for an expression without a map.
    """
    landmarks, sizes = face.in_frame(book.reference_size), np.full((1, 2), float(book.reference_size))
    pictures: dict[str, bytes | None] = {}
    for name, cues in book.cues.items():
        (heatmap,), (has_map,) = render_cues(landmarks, sizes, cues, book, size=SIZE)
        pictures[name] = _picture(heatmap) if has_map else None
    return pictures


def _picture(heatmap: np.ndarray) -> bytes:
    colours = cv2.applyColorMap(np.rint(255 * heatmap).astype(np.uint8), cv2.COLORMAP_TURBO)
    opacity = np.rint(255 * OPACITY * heatmap**EXPONENT).astype(np.uint8)
    return encode_png(np.dstack([colours, opacity]))
