"""The figures that are shown first, and how figures are written for people."""

HEADLINE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "att_cos": "ATT-COS", "cam_cos": "CAM-COS"}
COMPARED = HEADLINE | {  # of two variants, face by face
    "gradcam_cos": "Grad-CAM-COS",
    "gradcam_pp_cos": "Grad-CAM++-COS",
    "layercam_cos": "LayerCAM-COS",
}
HEADLINE_COSINES = {  # of metrics.json, and the kind of map each is of
    "att_cos": "layer5",
    "cam_cos": "cam",
    "gradcam_cos": "gradcam",
    "gradcam_pp_cos": "gradcam_pp",
    "layercam_cos": "layercam",
}


def shown(value: float | None) -> str:
    """A figure with three decimals; a dash where there is none, because no test face has a map."""
    return "–" if value is None else f"{value:.3f}"


def unlearnt(what: str, reached: float | None, constant: float | None) -> str:
    """A sentence where a cosine does not beat that of the mean map of all training faces, which knows no face and no
    expression; empty where it does, or there is nothing to compare."""
    if reached is None or constant is None or reached > constant:
        return ""
    return (
        f"{what} does not beat the mean map of all training faces ({reached:.3f}; {constant:.3f}): it has not learnt which "
        "action units belong to an expression."
    )
