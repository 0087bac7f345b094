"""Bootstrap intervals: how far a figure could be off because these test faces were drawn and not others.

Faces are drawn with replacement within each class (stratified), so that every class keeps its number of faces and macro
means stay defined. Faces of one person are drawn independently, like all others. Where a test set holds few people, the
intervals are therefore too narrow for the faces of other people.

All statistics here are means of one value per face. The paired bootstrap of the difference of two models is therefore the
bootstrap of the differences of their values.
"""

from typing import TypedDict

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
SEED = 0
DRAWS_AT_A_TIME = 2**23  # counts in memory: 64 MB, whatever the number of faces
STEP = 40  # resamples: the sums of so many are the same to the bit, however many are computed at a time


class Interval(TypedDict):
    """A mean and the ends of its percentile interval, as metrics and details hold it."""

    mean: float
    low: float
    high: float


def percentile_interval(values: np.ndarray, groups: np.ndarray, *, macro: bool) -> Interval | None:
    """Compute a mean and its percentile interval of level LEVEL from RESAMPLES stratified resamples.

    Args:
        values: (N,) one value per face; a NaN does not count.
        groups: (N,) the class of each face, within which faces are drawn.
        macro: Whether the statistic is the mean of the classes' means (True) or the mean over all faces (False).

    Returns:
        The mean and its interval; None without any value.
    """
    counted = ~np.isnan(values)
    values, groups = values[counted].astype(float), groups[counted]
    if not values.size:
        return None
    members = [values[groups == group] for group in np.unique(groups)]
    weights = np.array([1.0 if macro else len(group) for group in members])
    rng = np.random.default_rng(SEED)
    resampled = np.stack([_resampled_means(group, rng) for group in members])  # (classes, RESAMPLES)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(np.average(resampled, axis=0, weights=weights), ends)
    mean = np.average([group.mean() for group in members], weights=weights)
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def ratio_values(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Return values (N,) whose mean is the ratio of the means of ``parts`` and ``wholes``, and whose spread is the ratio's.

    This is the ratio's linear approximation (delta method), so that the bootstrap of means serves for it, too.

    Args:
        parts: (N,); NaN for a face that does not count.
        wholes: (N,).
    """
    counted = ~np.isnan(parts)
    whole = wholes[counted].mean() if counted.any() else 0
    if not whole:
        return np.full(len(parts), np.nan)
    ratio = parts[counted].mean() / whole
    return ratio + (parts - ratio * wholes) / whole


def _resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The means (RESAMPLES,) of N of the values (N,), drawn with replacement."""
    number = len(values)
    chances = np.full(number, 1 / number)
    size = STEP * max(1, min(RESAMPLES, DRAWS_AT_A_TIME // number) // STEP)
    parts = [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]
    return np.concatenate([rng.multinomial(number, chances, size=part) @ values / number for part in parts])
