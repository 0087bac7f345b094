"""Draw an explanation as one picture: the photo, where the classifier looks, the action units, and its answer in words."""

import math
import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from train.explain.answers.face_explanation import FaceExplanation

TILE = 300  # side of a tile in pixels
GAP, TITLE, LINE = 12, 26, 24  # pixels: between tiles, height of a title, height of a line of text
INK, PAPER, BOX, ACCENT = (30, 30, 30), (255, 255, 255), (255, 196, 0), (31, 119, 180)
OPACITY = 0.55  # of a map on a face
MOST_OUTLINES = 4  # action units outlined on the face: those that are seen most
MOST_BARS = 8  # classes
COLOURS = [(230, 75, 53), (0, 160, 135), (60, 84, 136), (243, 155, 127), (132, 145, 180), (145, 209, 194)]


def draw_face(face: "FaceExplanation", photo: np.ndarray | None = None, scale: float = 1.0) -> np.ndarray:
    """Draw an explanation.

    Args:
        face: The explanation, whose status is ok.
        photo: The photo (h, w, 3) uint8 RGB, perhaps shrunk; None leaves its tile out.
        scale: Pixels of ``photo`` for each pixel of the photo that box and landmarks are in.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    tiles = [("photo", _photo_tile(face, photo, scale))] if photo is not None else []
    tiles += [
        ("attention", Image.fromarray(overlay(face.crop, face.attention, TILE))),
        (f"class map of {face.expression}", Image.fromarray(overlay(face.crop, face.class_map, TILE))),
        ("action units seen most", _units_tile(face)),
        ("probabilities", _bars_tile(face)),
    ]
    width = len(tiles) * (TILE + GAP) + GAP
    lines = textwrap.wrap(face.sentence, width // 9)
    picture = Image.new("RGB", (width, 2 * GAP + TITLE + TILE + LINE * len(lines) + GAP), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, (title, tile) in enumerate(tiles):
        left = GAP + number * (TILE + GAP)
        draw.text((left, GAP), title, INK, _font(15))
        picture.paste(tile, (left, GAP + TITLE))
    for number, line in enumerate(lines):
        draw.text((GAP, 2 * GAP + TITLE + TILE + number * LINE), line, INK, _font(17))
    return np.array(picture)


def tiles(picture: np.ndarray) -> list[np.ndarray]:
    """Cut a picture into its tiles, each with its title, to lay them out on a page of any width.

    Args:
        picture: What ``draw_face`` draws, (h, w, 3) uint8 RGB.

    Returns:
        The tiles (TITLE + TILE, TILE, 3) from left to right: the photo if it was given, attention, class map, action units,
        probabilities.
    """
    lefts = range(GAP, picture.shape[1] - TILE, TILE + GAP)
    return [picture[GAP : GAP + TITLE + TILE, left : left + TILE] for left in lefts]


def overlay(crop: np.ndarray, heat: np.ndarray, side: int) -> np.ndarray:
    """Lay a map over a face.

    Args:
        crop: (S, S, 3) uint8 RGB.
        heat: (n, n) in [0, 1].
        side: Side of the result in pixels.

    Returns:
        (side, side, 3) uint8 RGB.
    """
    import matplotlib as mpl

    face = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA if side < len(crop) else cv2.INTER_LINEAR)
    smooth = cv2.resize(heat.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR).clip(0, 1)
    colours = mpl.colormaps["viridis"](smooth)[..., :3] * 255
    return (face * (1 - OPACITY) + colours * OPACITY).round().astype(np.uint8)


def _photo_tile(face: "FaceExplanation", photo: np.ndarray, scale: float) -> Image.Image:
    """The photo, fitted into a tile, with the face's box and landmarks."""
    fit = TILE / max(photo.shape[:2])
    height, width = (max(1, round(length * fit)) for length in photo.shape[:2])
    interpolation = cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR
    scale *= fit
    tile = Image.new("RGB", (TILE, TILE), (235, 235, 235))
    left, top = (TILE - width) // 2, (TILE - height) // 2
    tile.paste(Image.fromarray(cv2.resize(photo, (width, height), interpolation=interpolation)), (left, top))
    draw = ImageDraw.Draw(tile)
    for x, y in face.landmarks * scale + (left, top):
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), BOX)
    if face.box:
        corners = np.array(face.box) * scale + (left, top, left, top)
        draw.rectangle(tuple(corners.tolist()), outline=BOX, width=2)
    return tile


def _units_tile(face: "FaceExplanation") -> Image.Image:
    """The crop with the outlines of the units that are seen most, and their names beside."""
    tile = cv2.resize(face.crop, (TILE, TILE), interpolation=cv2.INTER_LINEAR)
    shown = _most_seen(face)
    for colour, (place, _) in zip(COLOURS, shown, strict=False):
        mask = cv2.resize(face.regions[place].astype(np.uint8) * 255, (TILE, TILE), interpolation=cv2.INTER_LINEAR)
        outlines, _ = cv2.findContours((mask >= 128).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, outlines, -1, colour, 2)
    picture = Image.fromarray(tile)
    draw = ImageDraw.Draw(picture)
    for number, (colour, (place, keys)) in enumerate(zip(COLOURS, shown, strict=False)):
        text, top = f"AU{', '.join(keys)}: {face.units[place].seen:.1f}", 4 + 20 * number
        draw.rectangle((4, top, 12 + draw.textlength(text, _font(14)), top + 18), PAPER)
        draw.text((8, top + 1), text, colour, _font(14))
    return picture


def _most_seen(face: "FaceExplanation") -> list[tuple[int, list[str]]]:
    """The regions that are seen most: the place of one of their units, and the keys of all."""
    regions: dict[bytes, list[int]] = {}
    for place, unit in enumerate(face.units):
        if not math.isnan(unit.seen):
            regions.setdefault(face.regions[place].tobytes(), []).append(place)
    ordered = sorted(regions.values(), key=lambda places: -face.units[places[0]].seen)[:MOST_OUTLINES]
    return [(places[0], [face.units[place].key for place in places]) for places in ordered]


def _bars_tile(face: "FaceExplanation") -> Image.Image:
    tile = Image.new("RGB", (TILE, TILE), (247, 247, 247))
    draw = ImageDraw.Draw(tile)
    shown = sorted(face.probabilities.items(), key=lambda item: -item[1])[:MOST_BARS]
    step = TILE // MOST_BARS
    for number, (name, probability) in enumerate(shown):
        top = number * step + 4
        draw.text((8, top), name, INK, _font(14))
        draw.text((TILE - 52, top), f"{probability:.0%}".replace("%", " %"), INK, _font(14))
        draw.rectangle((8, top + 19, 8 + max(1, round(probability * (TILE - 16))), top + 27), ACCENT)
    return tile


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own font: it has the letters of most languages, and needs no file of the system."""
    import matplotlib as mpl

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
