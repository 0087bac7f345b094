"""Measure what the answer to one face needs: each action unit's region shows somebody else's face instead.

The figure of a region is the fall of the answer's probability when the region is replaced, less the fall when the same
outline elsewhere on the face is replaced. So a region that matters no more than any other place of its size has 0. Each
try takes one donor and one place elsewhere, and gives one such difference. Their spread tells a finding from noise.

The fill is a neutral face (``train.data.blending``), or the blurred face where no neutral face is at hand. With fewer donors
than TRIES, and with the blurred face, the tries differ in the place alone.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from train.attribution.hidden_views import Fill, HiddenViews
from train.models.classifier import Classifier

NEGLIGIBLE = 0.05  # fall of the probability below which no place elsewhere is tried: the region is not needed
UNLIKELY = 0.02  # fall with the first donor below which no other donor is tried
OVERLAP = 0.2  # largest share of an outline elsewhere that may lie on the region itself
FOREHEAD = 0.35  # height of the forehead above the brows, over the height from the brows to the chin
BROWS, CHIN = slice(17, 27), 8  # landmarks
TRIES = 3  # fewest, so that there is a spread
VIEWS = 32  # that the classifier gets at a time


@dataclass(frozen=True)
class Needs:
    """What an answer needs of one face's U regions. NaN stands for an empty region.

    Attributes:
        needed: (U,) fall of the answer's probability when the region is replaced, less the fall elsewhere; mean over the
            tries. Where the fall is below UNLIKELY with the first donor, or below NEGLIGIBLE with all, nothing elsewhere is
            tried, and this is the fall itself.
        spread: (U,) standard deviation of ``needed`` over the tries; NaN if there was only one.
        answers: (U,) int, the class that is the most probable with every donor tried when the region is replaced; -1 if the
            donors do not agree, or for an empty region.
    """

    needed: np.ndarray
    spread: np.ndarray
    answers: np.ndarray


def measure_needs(
    classifier: Classifier,
    images: Tensor,
    probabilities: Tensor,
    regions: Tensor,
    faces: Tensor,
    donors: Sequence[Tensor],
    seeds: Sequence[int],
) -> list[Needs]:
    """Measure the answers to B faces.

    Args:
        classifier: In evaluation mode.
        images: (B, 3, H, W) in [0, 1].
        probabilities: (B, K), the answers to the whole faces. The most probable class is the answer.
        regions: (B, U, n, n) bool.
        faces: (B, n, n) bool, where the faces are, as ``face_areas`` returns it.
        donors: Stacks (B, 3, H, W) of neutral faces; none for the blurred face.
        seeds: (B,) numbers that decide where elsewhere is.

    Returns:
        The needs of each of the B faces.
    """
    fill: Fill = "donor" if donors else "blur"
    whole = probabilities.detach().cpu()
    tried = regions.flatten(2).any(dim=2).numpy()  # (B, U)
    replaced = [_replaced(HiddenViews(classifier, images, donors[:1], VIEWS), regions, tried, fill)]
    if len(donors) > 1:  # nearly all the time is the classifier's, so hopeless regions get no second look
        likely = tried & (_falls(whole, replaced[0])[0] >= UNLIKELY)
        replaced.append(_replaced(HiddenViews(classifier, images, donors[1:], VIEWS), regions, likely, fill))
    answers = np.concatenate(replaced)
    falls = _falls(whole, answers)  # (D, B, U)

    donor_of_try = np.arange(max(TRIES, len(falls))) % len(falls)
    matter = tried & (_mean(falls) >= NEGLIGIBLE)
    elsewhere = []
    for number, donor in enumerate(donor_of_try.tolist()):
        views = HiddenViews(classifier, images, donors[donor : donor + 1], VIEWS)
        places = torch.zeros_like(regions)
        for face, unit in np.argwhere(matter).tolist():
            places[face, unit] = _elsewhere(regions[face, unit], faces[face], [seeds[face], number])
        elsewhere.append(_falls(whole, _replaced(views, places, matter, fill))[0])
    return [
        _needs(falls[donor_of_try, face], np.array([each[face] for each in elsewhere]), answers[:, face])
        for face in range(len(images))
    ]


def _replaced(views: HiddenViews, regions: Tensor, tried: np.ndarray, fill: Fill) -> np.ndarray:
    """The probabilities (D, B, U, K) when regions (B, U, n, n) are replaced; NaN where they are not tried (B, U)."""
    numbers = {(face, unit): views.hide(face, regions[face, unit], fill) for face, unit in np.argwhere(tried).tolist()}
    found = views.probabilities_by_donor().numpy()  # (D, V, K)
    probabilities = np.full((len(found), *tried.shape, found.shape[2]), np.nan, np.float32)
    for (face, unit), number in numbers.items():
        probabilities[:, face, unit] = found[:, number]
    return probabilities


def _falls(whole: Tensor, replaced: np.ndarray) -> np.ndarray:
    """The falls (D, B, U) of the probability of each face's answer, from ``replaced`` (D, B, U, K)."""
    before, answers = whole.max(dim=1)
    after = np.take_along_axis(replaced, answers.numpy()[None, :, None, None], axis=3)[..., 0]
    return before.numpy()[:, None] - after


def _needs(falls: np.ndarray, elsewhere: np.ndarray, answers: np.ndarray) -> Needs:
    """The needs of one face.

    Args:
        falls: (T, U) falls of the answer's probability in each try; NaN if not tried.
        elsewhere: (T, U) falls when the outline is replaced elsewhere; NaN if not tried.
        answers: (D, U, K) probabilities with each donor; NaN if not tried.
    """
    needed = falls - np.nan_to_num(elsewhere)
    spread = needed.std(axis=0, ddof=1)  # NaN where some tries were not made
    spread[(falls == falls[0]).all(axis=0) & np.isnan(elsewhere[0])] = np.nan  # one donor, and nothing elsewhere
    return Needs(_mean(needed), spread, np.array([_agreed(answers[:, unit]) for unit in range(answers.shape[1])]))


def _mean(tries: np.ndarray) -> np.ndarray:
    """The mean over the tries (first axis) that were made; NaN where none was."""
    made = ~np.isnan(tries)
    return np.where(made.any(axis=0), np.nansum(tries, axis=0) / made.sum(axis=0).clip(min=1), np.nan)


def _agreed(answers: np.ndarray) -> int:
    """The class that is the most probable with each donor (D, K) that was tried; -1 if they do not agree, or none was."""
    classes = {int(answer.argmax()) for answer in answers if not np.isnan(answer).any()}
    return classes.pop() if len(classes) == 1 else -1


def face_areas(landmarks: np.ndarray, crop_size: int, size: int) -> Tensor:
    """Return the cells (B, n, n) bool of faces: the convex hull of the landmarks and of the forehead above the brows.

    Args:
        landmarks: (B, 68, 2), (x, y) in crop pixels.
        crop_size: Side of the crops in pixels.
        size: n.
    """
    areas = np.zeros((len(landmarks), size, size), np.uint8)
    for area, points in zip(areas, landmarks, strict=True):
        brows = points[BROWS]
        forehead = brows - FOREHEAD * (points[CHIN] - brows.mean(axis=0))
        cells = (np.concatenate([points, forehead]) + 0.5) * size / crop_size - 0.5
        cv2.fillConvexPoly(area, cv2.convexHull(cells.round().astype(np.int32)), 1)
    return torch.from_numpy(areas.astype(bool))


def _elsewhere(region: Tensor, face: Tensor, seeds: Sequence[int]) -> Tensor:
    """The region's outline (n, n) at another place of the face, with few of the region's own cells.

    Every shift is rated. Of the shifts on which the outline stays on the face, and at most OVERLAP of it on the region, one
    is drawn. If there are none, the shift counts that leaves most of the outline on the face and off the region. Units with
    the same region get the same place.
    """
    area = int(region.sum())
    if not area:
        return region
    size = region.shape[-1]
    kernel = region[None, None].float()
    places = torch.stack([face, region]).float()[:, None]
    on_face, on_region = F.conv2d(places, kernel, padding=size - 1).round().int()[:, 0].numpy()  # (2 n - 1, 2 n - 1) each
    good = np.argwhere((on_face == area) & (on_region <= OVERLAP * area))
    if len(good):
        rng = np.random.default_rng([*seeds, zlib.crc32(region.numpy().tobytes())])
        down, right = good[rng.integers(len(good))] - (size - 1)
    else:
        down, right = np.array(np.unravel_index(np.argmax(on_face - on_region), on_face.shape)) - (size - 1)
    return _shifted(region, int(down), int(right))


def _shifted(region: Tensor, down: int, right: int) -> Tensor:
    """The region moved by some cells; what leaves the frame is lost."""
    moved = torch.zeros_like(region)
    rows, columns = torch.nonzero(region, as_tuple=True)
    rows, columns = rows + down, columns + right
    inside = (rows >= 0) & (rows < region.shape[0]) & (columns >= 0) & (columns < region.shape[1])
    moved[rows[inside], columns[inside]] = True
    return moved
