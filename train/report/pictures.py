"""Pictures of the report: faces under maps, charts, and their encoding as data URIs and SVG.

Images are (h, w, 3) uint8 RGB, coordinates (x, y) in pixels with the origin at the top left.
"""

import base64
import io
from collections.abc import Mapping, Sequence

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from train.report.chart_style import CHART_STYLE

BASELINE, GUIDED = "#8a8f98", "#d1495b"
JPEG_QUALITY = 88


def overlay(image: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Lay a map (n, n) in [0, 1] over a face (h, w, 3) in colours from blue (0) to red (1)."""
    height, width = image.shape[:2]
    enlarged = cv2.resize(np.asarray(heatmap, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.rint(enlarged.clip(0, 1) * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None]
    return np.rint(0.5 * grey + 0.5 * colours).astype(np.uint8)


def with_landmarks(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return a copy of the image with landmarks (68, 2) marked; drawing clips away those outside of the image."""
    marked = image.copy()
    for x, y in landmarks:
        cv2.circle(
            marked, (round(float(x)), round(float(y))), max(1, image.shape[0] // 110), (80, 255, 120), -1, cv2.LINE_AA
        )
    return marked


def jpeg_uri(image: np.ndarray, width: int) -> str:
    """Encode an image as a data URI of a JPEG that is ``width`` pixels wide."""
    height = round(image.shape[0] * width / image.shape[1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"


def line_charts(series: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw one line chart per metric, side by side.

    Args:
        series: Title of the chart -> variant -> value per epoch.

    Returns:
        One SVG element.
    """
    with mpl.rc_context(CHART_STYLE):
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


def confusion_matrix(counts: Mapping[str, Mapping[str, int]], title: str) -> str:
    """Draw a confusion matrix, its cells shaded by their share of the faces of the actual class.

    Args:
        counts: Actual class -> predicted class -> number of faces.
        title: The title above the matrix.

    Returns:
        One SVG element.
    """
    names = list(counts)
    matrix = np.array([[counts[actual][predicted] for predicted in names] for actual in names])
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    with mpl.rc_context(CHART_STYLE):
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


def fall_matrix(falls: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Draw how far the probability of the true expression falls when the regions of each expression show a neutral face.

    Args:
        falls: Actual expression -> expression whose regions are replaced -> mean fall. One expression at least; a pair that
            was not measured is missing, and its cell is empty.
        title: The title above the matrix.

    Returns:
        One SVG element.
    """
    actual, hidden = list(falls), sorted({name for row in falls.values() for name in row})
    matrix = np.array([[row.get(name, np.nan) for name in hidden] for row in falls.values()])
    with mpl.rc_context(CHART_STYLE):
        figure = Figure(figsize=(4.2, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1)
        for (i, j), fall in np.ndenumerate(matrix):
            if np.isnan(fall):
                continue
            weight = "bold" if actual[i] == hidden[j] else "normal"
            axes.text(j, i, f"{fall:.2f}", ha="center", va="center", weight=weight, color="white" if fall > 0.5 else "black")
        axes.set_xticks(range(len(hidden)), hidden, rotation=45, ha="right")
        axes.set_yticks(range(len(actual)), actual)
        axes.set(xlabel="regions that show a neutral face", ylabel="actual")
        axes.set_title(title, loc="left", fontsize=9)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    """The SVG element of a figure, without the XML declaration before it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
