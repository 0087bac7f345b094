"""The comparison of both variants: their differences face by face, and their figures as text.

The question is how much better the guided variant is, and whether the choice of test faces alone can explain the difference.
Two evaluations go by the names of ``train.VARIANTS``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import SILENT_SECONDS, progress
from pipeline.shards import ShardSet
from train import VARIANTS, WITHOUT_EFFECT
from train.evaluate.artifacts import Evaluation
from train.evaluate.bootstrap import Interval, percentile_interval
from train.evaluate.figures import COMPARED, FACE_MEANS, HEADLINE, format_difference, format_figure

MAP_TITLES = {  # of the kinds of map that are not layers
    "cam": "CAM",
    "gradcam": "Grad-CAM",
    "gradcam_pp": "Grad-CAM++",
    "gradcam_pp_divided": "Grad-CAM++, divided",
    "layercam": "LayerCAM",
}
AGREEMENT = ("cos", "energy", "pointing", "iou")  # keys of details.json, in the order of the page's columns
ALIKE = 0.01  # cosines that are closer to each other than this count as equal

Evaluations = Mapping[str, Evaluation]
Differences = Mapping[str, Interval | None]


class FigureRow(TypedDict):
    """A row of the page's table of figures, as text."""

    title: str
    values: list[str]  # one per variant
    change: str
    interval: str


class MapRow(TypedDict):
    """A row of the page's table of maps, as text."""

    title: str
    size: str
    controls: dict[str, str]
    measures: list[tuple[str, str]]  # (baseline, guided) of each measure of AGREEMENT


def check_comparable(evaluations: Evaluations, heatmaps: ShardSet, evaluation_dir: Path) -> None:
    """Make sure that the variants differ in their guidance alone, and that their faces are those of the shards.

    The report says the first and shows the second.

    Raises:
        InputError: If an evaluation is of other heatmaps or of another variant, or the trainings had different parameters.
    """
    settings = []
    for name, evaluation in evaluations.items():
        trained = evaluation.details.get("trained")
        if trained is None or trained["heatmaps"] != heatmaps.provenance:
            raise InputError(
                f"{evaluation_dir / name} is of other heatmaps than {heatmaps.folder}: train and evaluate again"
            )
        if trained["variant"] != name:
            raise InputError(
                f"{evaluation_dir / name} is of a {trained['variant']} model: evaluate the {name} model into this folder"
            )
        # The weights of the guidance have no effect on a baseline. The layers do have an effect: they decide which curve it
        # writes.
        ignored = dict.fromkeys(("align", "lambda", "cam_lambda", "evidence_share", *WITHOUT_EFFECT))
        settings.append({**trained["train"], "seed": trained["seed"], **ignored})
    if settings[0] != settings[1]:
        raise InputError(f"the variants under {evaluation_dir} were trained with different parameters: train both again")


def paired_differences(baseline: Evaluation, guided: Evaluation) -> dict[str, Interval | None]:
    """Compute guided minus baseline for every metric of ``figures.COMPARED``, with the interval of the paired bootstrap.

    Both variants are measured on the same resampled faces (``train/evaluate/bootstrap.py``).

    Returns:
        The difference and its 95 % interval per metric; None where a variant has no value.

    Raises:
        InputError: If the variants were not evaluated on the same faces.
    """
    faces = [[(face["id"], face["actual"]) for face in each.predictions] for each in (baseline, guided)]
    if faces[0] != faces[1]:
        raise InputError("the variants were evaluated on different test faces: run `aucue evaluate` for both again")
    actual = np.array([face["actual"] for face in guided.predictions])
    changes = {metric: guided.per_face(metric) - baseline.per_face(metric) for metric in COMPARED}
    pairs = changes.items()
    listed = progress(pairs, total=len(pairs), title="intervals", unit="figures", delay=SILENT_SECONDS)
    return {metric: percentile_interval(values, actual, macro=metric not in FACE_MEANS) for metric, values in listed}


def text_table(evaluations: Evaluations, differences: Differences) -> str:
    """Format the headline figures for a terminal: a line per variant, their difference, and its interval."""
    lines = [f"{'':10}" + "".join(f"{title:>19}" for title in HEADLINE.values())]
    for name, evaluation in evaluations.items():
        lines.append(f"{name:10}" + "".join(f"{format_figure(evaluation.metrics[metric]):>19}" for metric in HEADLINE))
    texts = zip(*(format_difference(differences[metric]) for metric in HEADLINE), strict=True)
    for title, cells in zip(("difference", "  95 %"), texts, strict=True):
        lines.append(f"{title:10}" + "".join(f"{cell:>19}" for cell in cells))
    return "\n".join(lines)


def figure_rows(evaluations: Evaluations, differences: Differences) -> list[FigureRow]:
    """Format every metric of ``figures.COMPARED`` for the page."""
    rows: list[FigureRow] = []
    for metric, title in COMPARED.items():
        change, interval = format_difference(differences[metric])
        values = [format_figure(evaluations[name].metrics[metric]) for name in VARIANTS]
        rows.append({"title": title, "values": values, "change": change, "interval": interval})
    return rows


def map_rows(baseline: Evaluation, guided: Evaluation) -> list[MapRow]:
    """Format the measures of every kind of map, and its controls, for the page."""
    rows: list[MapRow] = []
    for kind, after in guided.details["maps"].items():
        before = baseline.details["maps"][kind]
        rows.append(
            {
                "title": MAP_TITLES.get(kind, kind.replace("layer", "layer ")),
                "size": "x".join(map(str, after["size"])),
                "controls": {name: format_figure(value) for name, value in after["controls"].items()},
                "measures": [(format_figure(before[name]), format_figure(after[name])) for name in AGREEMENT],
            }
        )
    return rows


def verdict(evaluations: Evaluations) -> str:
    """Say in words how guided attention compares with one map for all faces, and how often it tells expressions apart."""
    baseline, guided = (evaluations[name] for name in VARIANTS)
    reached, constant = guided.metrics["att_cos"], guided.details["controls"]["training_mean"]
    if reached is None or constant is None:
        return "No test face has a heatmap, so attention could not be compared with a constant map."
    rates = [each.details["own_expression"]["rate"] for each in (baseline, guided)]
    chance = guided.details["own_expression"]["chance"]
    beside = "better than" if reached > constant else "worse than"
    beside = "about as well as" if abs(reached - constant) < ALIKE else beside
    return (
        f"Guided attention agrees with each face's own heatmap {beside} one constant map does "
        f"({reached:.3f}; {constant:.3f}). Among the mean heatmaps of all expressions, it is closest to the one of the "
        f"face's own expression on {rates[1]:.0%} of the faces (baseline {rates[0]:.0%}, chance {chance:.0%}; mean over "
        "expressions)."
    )
