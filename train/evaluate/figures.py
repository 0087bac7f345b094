"""The names of the headline figures, and how figures are formatted for people."""

from train.evaluate.bootstrap import Interval

RELIANCE = {  # what decisions lean on; means over faces: key in metrics.json -> title
    "needed": "needed: own regions beyond others",
    "enough": "enough: own and other regions alone",
    "leak": "leak: answers to outlines",
}
HEADLINE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "att_cos": "ATT-COS", "cam_cos": "CAM-COS"}
COMPARED = HEADLINE | {  # figures that the report compares face by face: key in metrics.json -> title
    "gradcam_cos": "Grad-CAM-COS",
    "gradcam_pp_cos": "Grad-CAM++-COS",
    "layercam_cos": "LayerCAM-COS",
    **RELIANCE,
}
FACE_MEANS = ("accuracy", *RELIANCE)  # the others are means over expressions
HEADLINE_COSINES = {  # key in metrics.json -> the kind of map whose cosine it is
    "att_cos": "layer5",
    "cam_cos": "cam",
    "gradcam_cos": "gradcam",
    "gradcam_pp_cos": "gradcam_pp",
    "layercam_cos": "layercam",
}
NO_FIGURE = "–"


def format_figure(value: float | None) -> str:
    """Format a figure with three decimals; None, where no test face has a map, becomes a dash."""
    return NO_FIGURE if value is None else f"{value:.3f}"


def format_difference(difference: Interval | None) -> tuple[str, str]:
    """Format a difference and its interval with signs; None becomes a dash and an empty text."""
    if difference is None:
        return NO_FIGURE, ""
    return f"{difference['mean']:+.3f}", f"[{difference['low']:+.3f}, {difference['high']:+.3f}]"
