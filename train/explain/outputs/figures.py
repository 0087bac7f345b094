"""A classifier's own figures on its test faces, which every page of explanations tells, and the controls beside them."""

from pathlib import Path
from typing import NamedTuple

from pipeline.runtime.errors import InputError
from train.evaluate.artifacts import read

LITTLE = 0.05  # of ``needed``, below which what is seen says little about what decides


class Figures(NamedTuple):
    """A classifier's own figures on its test faces."""

    faces: int
    accuracy: float
    ece: float  # expected calibration error
    att_cos: float | None  # None without heatmaps
    constant: float | None  # ATT-COS of one constant map, a control
    needed: float | None  # what decisions lean on, as evaluate measures it; None if it was not measured

    @property
    def leans_little(self) -> bool:
        """Whether it was measured that decisions hardly lean on the regions of action units."""
        return self.needed is not None and self.needed < LITTLE

    def in_words(self) -> str:
        """Tell the figures in sentences."""
        accuracy = f"On its {self.faces:,} test faces this classifier is right for {100 * self.accuracy:.1f} %"
        sentences = [f"{accuracy}, and its probabilities are off by {self.ece:.3f} on average (expected calibration error)."]
        if self.att_cos is not None and self.constant is not None:
            sentences.append(
                f"Its attention has a cosine of {self.att_cos:.2f} with the codebook's heatmaps, where one constant map has "
                f"{self.constant:.2f}."
            )
        if self.needed is not None:
            sentences.append(
                f"Its decisions lean on the regions of the right action units by {self.needed:.3f} "
                "(0: on all regions alike)."
            )
        return " ".join(sentences)


def find_figures(evaluation: Path, run: str) -> Figures | None:
    """Read the evaluation of a classifier.

    Args:
        evaluation: Folder of the evaluation.
        run: ``run`` of the classifier's config.

    Returns:
        Its figures; None if there is no evaluation, or one of another classifier or version.
    """
    try:
        found = read(evaluation, "")
        if found.details["trained"]["run"] != run:
            return None
        metrics, constant = found.metrics, found.details["controls"]["training_mean"]
        return Figures(
            metrics["faces"], metrics["accuracy"], metrics["ece"], metrics["att_cos"], constant, metrics.get("needed")
        )
    except (InputError, OSError, KeyError, TypeError):
        return None
