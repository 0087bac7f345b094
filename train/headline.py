"""The figures that are shown first, and how figures are written for people."""

HEADLINE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "att_cos": "ATT-COS", "cam_cos": "CAM-COS"}


def shown(value: float | None) -> str:
    """A figure with three decimals; a dash where there is none, because no test face has a map."""
    return "–" if value is None else f"{value:.3f}"
