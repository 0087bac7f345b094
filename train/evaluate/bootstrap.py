"""How far a figure could be off because these test faces were drawn and not others: bootstrap intervals.

Faces are drawn with replacement within each class (stratified), so that every class keeps its number and macro means stay
defined. Faces of one person are drawn one by one like all others: where a test set holds few people, the intervals are too
narrow for other people's faces.

All statistics here are means of one value per face, so the paired bootstrap of two models' difference is the bootstrap of
the differences of their values.
"""

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
SEED = 0


def interval(values: np.ndarray, groups: np.ndarray, macro: bool) -> dict[str, float] | None:
    """``mean`` of values (N,) over all faces, or with ``macro`` the mean of the means of the groups (N,), and the ends of
    its 95 % percentile interval, ``low`` and ``high``. Values that are NaN do not count; None without any."""
    counted = ~np.isnan(values)
    values, groups = values[counted].astype(float), groups[counted]
    if not values.size:
        return None
    members = [values[groups == group] for group in np.unique(groups)]
    weights = np.array([1.0 if macro else len(group) for group in members])
    rng = np.random.default_rng(SEED)
    drawn = np.stack([_means(group, rng) for group in members])  # (groups, RESAMPLES)
    low, high = np.quantile(np.average(drawn, axis=0, weights=weights), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = np.average([group.mean() for group in members], weights=weights)
    return {"mean": float(mean), "low": float(low), "high": float(high)}


def _means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The means (RESAMPLES,) of as many values drawn with replacement."""
    times = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=RESAMPLES)
    return times @ values / len(values)
