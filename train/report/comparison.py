"""Two variants, face by face: how much better is the one, and could the choice of test faces alone explain it?"""

import numpy as np

from pipeline.runtime.errors import InputError
from train.evaluate.artifacts import Result
from train.evaluate.bootstrap import interval
from train.evaluate.figures import COMPARED, shown

TITLES = {  # of the kinds of map that are not layers
    "cam": "CAM",
    "gradcam": "Grad-CAM",
    "gradcam_pp": "Grad-CAM++",
    "gradcam_pp_divided": "Grad-CAM++, divided",
    "layercam": "LayerCAM",
}


def paired(baseline: Result, guided: Result) -> dict[str, dict[str, float] | None]:
    """Guided minus baseline for every metric of COMPARED: ``mean``, and ``low`` and ``high`` of the paired bootstrap's 95 %
    interval (train/intervals.py): both variants are measured on the same drawn faces. None where a variant has no value.

    Raises InputError where the variants were not evaluated on the same faces.
    """
    faces = [[(face["id"], face["actual"]) for face in result.predictions] for result in (baseline, guided)]
    if faces[0] != faces[1]:
        raise InputError("the variants were evaluated on different test faces: run `aucue evaluate` for both again")
    actual = np.array([face["actual"] for face in guided.predictions])
    changes = {metric: guided.per_face(metric) - baseline.per_face(metric) for metric in COMPARED}
    return {metric: interval(values, actual, macro=metric != "accuracy") for metric, values in changes.items()}


def told(found: dict[str, float] | None) -> tuple[str, str]:
    """A difference, and its interval, for people."""
    if found is None:
        return "–", ""
    return f"{found['mean']:+.3f}", f"[{found['low']:+.3f}, {found['high']:+.3f}]"


def kinds(baseline: Result, guided: Result) -> list[dict]:
    """Per kind of map, of both variants' details: every measure as (baseline, guided), and its controls, for people."""
    rows = []
    for kind, after in guided.details["maps"].items():
        before = baseline.details["maps"][kind]
        rows.append(
            {
                "kind": TITLES.get(kind, kind.replace("layer", "layer ")),
                "size": "x".join(map(str, after["size"])),
                "controls": {name: shown(value) for name, value in after["controls"].items()},
                "measures": [(shown(before[name]), shown(after[name])) for name in ("cos", "energy", "pointing", "iou")],
            }
        )
    return rows
