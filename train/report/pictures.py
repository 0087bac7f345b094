"""Pictures of the report: faces under maps, charts, and their embedding in a page. Images are (h, w, 3) uint8 RGB."""

import base64
import io
import math
from collections.abc import Mapping, Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

BASELINE, GUIDED = "#8a8f98", "#d1495b"
LEGEND_COLUMNS = 3
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "aucue",  # the same ids, and so the same bytes, in every run
}


def overlay(image: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Lay a map (n, n) in [0, 1] over a face in colours from blue (0) to red (1)."""
    height, width = image.shape[:2]
    enlarged = cv2.resize(np.asarray(heatmap, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.rint(enlarged.clip(0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None]
    return np.rint(0.5 * grey + 0.5 * colours).astype(np.uint8)


def with_landmarks(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Mark landmarks (68, 2) in pixels of the image; those outside are clipped away by drawing."""
    marked = image.copy()
    for x, y in landmarks:
        cv2.circle(
            marked, (round(float(x)), round(float(y))), max(1, image.shape[0] // 110), (80, 255, 120), -1, cv2.LINE_AA
        )
    return marked


def jpeg_uri(image: np.ndarray, side: int) -> str:
    """The image, ``side`` pixels wide, as a data URI."""
    height = round(image.shape[0] * side / image.shape[1])
    small = cv2.resize(image, (side, height), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"


def curves(series: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Line charts as SVG, one per metric: {title: {variant: value per epoch}}."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * len(series), 2.5), layout="constrained")
        for axes, (title, lines) in zip(np.atleast_1d(figure.subplots(1, len(series))), series.items(), strict=True):
            for variant, values in lines.items():
                colour = BASELINE if variant == "baseline" else GUIDED
                axes.plot(range(1, len(values) + 1), values, color=colour, label=variant, marker="o", markersize=3)
            axes.set_title(title, loc="left", fontsize=9)
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        return _svg(figure)


def lines_over_lambda(points: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """The lines of ``sweep``, by label: one for every method, guided layers, lambda of the CAM and whatever else differs.
    Each begins with the point where all is the same but attention is not guided, if there is one."""

    def family(point: Mapping) -> tuple:
        return point["method"], point["cam_lambda"], point["otherwise"]

    def label(point: Mapping) -> str:
        layers = "" if point["layers"] == "none" else f"layers {point['layers']}"
        cam = f"CAM {point['cam_lambda']:g}" if point["cam_lambda"] else ""
        return ", ".join(part for part in (point["method"], layers, cam, point["otherwise"]) if part)

    starts = {family(point): point for point in points if point["layers"] == "none"}
    lines: dict[str, list[Mapping]] = {}
    for point in points:
        start = starts.get(family(point))
        if point is not start:
            lines.setdefault(label(point), [start] if start else []).append(point)
    begun = [point for line in lines.values() for point in line]
    return lines | {label(start): [start] for start in starts.values() if not any(point is start for point in begun)}


def sweep(points: Sequence[Mapping], metrics: Mapping[str, str]) -> bytes:
    """Charts of metrics over lambda as PNG, one per metric {key: title}: lines through the means, in bands from the lowest
    to the highest seed. A point has the keys of tables.sweep."""
    lines = lines_over_lambda(points)
    with matplotlib.rc_context(STYLE):
        rows = math.ceil(len(lines) / LEGEND_COLUMNS)  # of the legend, below the charts
        figure = Figure(figsize=(3.4 * len(metrics), 2.8 + 0.18 * rows), layout="constrained")
        for axes, (metric, title) in zip(np.atleast_1d(figure.subplots(1, len(metrics))), metrics.items(), strict=True):
            for label, found in lines.items():
                line = [point for point in sorted(found, key=lambda point: point["lambda"]) if point[metric] is not None]
                columns = [[point[name] for point in line] for name in ("lambda", metric, f"{metric}_low", f"{metric}_high")]
                axes.plot(*columns[:2], label=label, marker="o", markersize=3)
                axes.fill_between(columns[0], *columns[2:], alpha=0.2)
            axes.set_title(title, loc="left", fontsize=9)
            axes.set_xlabel("lambda")
            axes.grid(alpha=0.25)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=LEGEND_COLUMNS, frameon=False, fontsize=7)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
        return buffer.getvalue()


def confusion(counts: Mapping[str, Mapping[str, int]], title: str) -> str:
    """A confusion matrix as SVG: {actual: {predicted: count}}, coloured by the share of the actual class."""
    names = list(counts)
    matrix = np.array([[counts[actual][predicted] for predicted in names] for actual in names])
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(matrix):
            if count:
                axes.text(j, i, count, ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="actual")
        axes.set_title(title, loc="left", fontsize=9)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
