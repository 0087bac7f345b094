"""A video's probabilities and action units over time, for its chart, and the frames at their peaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline.faces.boxes import area, parse_box
from pipeline.ingest.datasets.common.folders.passed_over import counted
from train.explain.outputs.table import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_UNITS = 4  # action units in the chart: those whose attention varies most
FEW = 60  # frames that are drawn as points, too: one alone is no line
MOST_PEAKS = 6  # frames shown: at the greatest probability of each class that is an answer somewhere


@dataclass
class Timeline:
    """The figures of a video's largest face over time.

    Attributes:
        source: The video's name.
        classes: The classes.
        keys: The action units.
        frames: Number of frames that were looked at, those without a face among them.
        problem: Why the video could not be looked at, or not to its end; empty if it could.
    """

    source: str
    classes: Sequence[str]
    keys: Sequence[str]
    frames: int = 0
    problem: str = ""
    _figures: list[np.ndarray] = field(default_factory=list)  # frame, time, K probabilities, U figures of attention

    def add(self, rows: Sequence[Row]) -> None:
        """Append a frame: its largest face counts. Rows without a frame tell a problem."""
        self.frames += any(row["frame"] is not None for row in rows)
        self.problem += "".join(row["reason"] for row in rows if row["frame"] is None)
        faces = [row for row in rows if row["expression"]]
        if not faces:
            return
        row = max(faces, key=_area)
        values = [row["frame"], row["time"], *(row[name] for name in self.classes)]
        values += [row[f"AU{key} seen"] for key in self.keys]
        self._figures.append(np.array([np.nan if value is None else value for value in values], np.float32))

    @property
    def summary(self) -> str:
        """How much of the video was looked at, and what stopped it, in words."""
        counts = f"{counted(self.frames, 'frame')}, a face in {len(self.figures):,}"
        return f"{counts}; {self.problem}" if self.problem else counts

    @property
    def figures(self) -> np.ndarray:
        """(N, 2 + K + U) float32: frame, time, probabilities and attention of the N frames with a face."""
        width = 2 + len(self.classes) + len(self.keys)
        return np.stack(self._figures) if self._figures else np.zeros((0, width), np.float32)

    def peaks(self) -> dict[int, str]:
        """Return the frames at which each answer is surest: number of the frame -> the class. In the order of time."""
        figures = self.figures
        probabilities = figures[:, 2 : 2 + len(self.classes)]
        found = {}
        answers = probabilities.argmax(axis=1) if len(figures) else np.zeros(0, int)
        for place, name in enumerate(self.classes):
            members = np.flatnonzero(answers == place)
            if len(members):
                best = members[probabilities[members, place].argmax()]
                found[int(figures[best, 0])] = (float(probabilities[best, place]), name)
        surest = sorted(found.items(), key=lambda item: -item[1][0])[:MOST_PEAKS]
        return {frame: name for frame, (_, name) in sorted(surest)}

    def chart(self) -> str:
        """Draw the probabilities and the attention on action units over time, as SVG."""
        from matplotlib.figure import Figure

        figures, classes = self.figures, len(self.classes)
        figure = Figure(figsize=(9, 4.4), layout="constrained")
        above, below = figure.subplots(2, sharex=True)
        times = figures[:, 1]
        style = {"linewidth": 1, "marker": "." if len(times) < FEW else ""}
        for place, name in enumerate(self.classes):
            above.plot(times, figures[:, 2 + place], label=name, **style)
        units = figures[:, 2 + classes :]
        varies = np.ma.masked_invalid(units).std(axis=0).filled(0)  # an empty region has no figure
        for place in np.argsort(-varies)[:MOST_UNITS]:
            below.plot(times, units[:, place], label=f"AU{self.keys[place]}", **style)
        above.set(ylabel="probability", ylim=(0, 1))
        below.set(ylabel="attention, times a flat map", xlabel="seconds")
        for axes in (above, below):
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
            axes.spines[["top", "right"]].set_visible(False)
        return _svg(figure)


def _svg(figure: "Figure") -> str:
    import io

    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "aucue", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()[stream.getvalue().index("<svg") :]


def _area(row: Row) -> float:
    return area(parse_box(str(row["box"])))
