"""The chart of metrics over lambda, the weight of the alignment of attention (the paper's figure 5)."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from train.report.chart_style import CHART_STYLE
from train.tables.evaluated_runs import Groups
from train.tables.run_statistics import mean_and_range

METRICS = {"accuracy": "accuracy", "att_cos": "ATT-COS", "cam_cos": "CAM-COS"}  # key in metrics.json -> title
LEGEND_COLUMNS = 3
DPI = 150

Point = Mapping[str, Any]  # a row of lambda.csv


def chart_points(groups: Groups) -> list[dict[str, Any]]:
    """Compute one point per config.

    Returns:
        The columns of the config, the number of ``seeds``, and per metric its mean over them (``att_cos``), its lowest
        (``att_cos_low``) and its highest value (``att_cos_high``); None where no run has a value.
    """
    points = []
    for config, runs in groups.items():
        point = {**config.columns(), "seeds": len(runs)}
        for metric in METRICS:
            mean, low, high = mean_and_range(runs, metric) or (None, None, None)
            point |= {metric: mean, f"{metric}_low": low, f"{metric}_high": high}
        points.append(point)
    return points


def lines_by_label(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Sort points into lines, by their labels.

    There is one line for every combination of method, guided layers, lambda of the CAM and whatever else differs. A line
    begins with the point that differs only in that no attention is guided, if there is such a point. If a point without
    guided attention begins no such line, it gets a line of its own.
    """
    starts = {_family(point): point for point in points if point["layers"] == "none"}
    lines: dict[str, list[Point]] = {}
    for point in points:
        start = starts.get(_family(point))
        if point is not start:
            lines.setdefault(_label(point), [start] if start else []).append(point)
    drawn = [point for line in lines.values() for point in line]
    return lines | {_label(start): [start] for start in starts.values() if not any(point is start for point in drawn)}


def _family(point: Point) -> tuple[str, float, float, str]:
    """What the points of a line have in common with the point that begins it."""
    return point["method"], point["cam_lambda"], point["evidence_share"], point["otherwise"]


def _label(point: Point) -> str:
    layers = "" if point["layers"] == "none" else f"layers {point['layers']}"
    cam = f"CAM {point['cam_lambda']:g}" if point["cam_lambda"] else ""
    evidence = f"evidence {point['evidence_share']:g}" if point["evidence_share"] else ""
    return ", ".join(part for part in (point["method"], layers, cam, evidence, point["otherwise"]) if part)


def draw(points: Sequence[Point], metrics: Mapping[str, str]) -> bytes:
    """Draw one chart per metric, side by side: lines through the means, in bands from the lowest to the highest seed.

    Args:
        points: Points as ``chart_points`` returns them.
        metrics: Key of each metric in the points -> title of its chart.

    Returns:
        A PNG file.
    """
    lines = lines_by_label(points)
    with mpl.rc_context(CHART_STYLE):
        legend_rows = math.ceil(len(lines) / LEGEND_COLUMNS)
        figure = Figure(figsize=(3.4 * len(metrics), 2.8 + 0.18 * legend_rows), layout="constrained")
        for axes, (metric, title) in zip(np.atleast_1d(figure.subplots(1, len(metrics))), metrics.items(), strict=True):
            for label, members in lines.items():
                line = [point for point in sorted(members, key=lambda point: point["lambda"]) if point[metric] is not None]
                columns = [[point[name] for point in line] for name in ("lambda", metric, f"{metric}_low", f"{metric}_high")]
                axes.plot(*columns[:2], label=label, marker="o", markersize=3)
                axes.fill_between(columns[0], *columns[2:], alpha=0.2)
            axes.set_title(title, loc="left", fontsize=9)
            axes.set_xlabel("lambda")
            axes.grid(alpha=0.25)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=LEGEND_COLUMNS, frameon=False, fontsize=7)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()
