"""The classifiers that explain photos. This is the only module of the page that touches ``train.explain``."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.runtime.commands import paths
from pipeline.shards.index import INDEX
from train import VARIANTS
from train.page.settings import Settings

if TYPE_CHECKING:  # imports torch, which nobody needs to edit a codebook
    from train.explain import Explainer, FaceExplanation
    from train.explain.outputs.figures import Figures


@dataclass(frozen=True)
class Answer:
    """What a classifier says about a photo.

    Attributes:
        faces: The explanations of the photo's faces.
        notes: Sentences that a reader should know.
        figures: Its own figures on its test faces; None without an evaluation of it.
    """

    faces: "Sequence[FaceExplanation]"
    notes: Sequence[str]
    figures: "Figures | None"


@dataclass
class Classifiers:
    """The trained variants of a folder. Each is loaded when it is first asked, and again when a file of it has changed.

    Attributes:
        settings: Where checkpoints, evaluations and shards are.
        load: Loads the classifier of a checkpoint, and finds its figures.
    """

    settings: Settings
    load: "Callable[[Path, Settings], tuple[Explainer, Figures | None]]" = field(default_factory=lambda: load_classifier)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # one photo at a time: a forward pass takes all cores
        self._loaded: dict[Path, tuple[tuple[int, ...], Explainer, Figures | None]] = {}

    def checkpoints(self) -> dict[str, Path]:
        """The variants that are trained, with their checkpoints."""
        found = {name: self.settings.checkpoint_dir / name / paths.CHECKPOINT for name in VARIANTS}
        return {name: path for name, path in found.items() if path.is_file()}

    def explain(self, image: np.ndarray) -> dict[str, Answer]:
        """Explain a photo with each trained variant.

        Args:
            image: Upright RGB photo (H, W, 3) uint8.

        Returns:
            The answers, by variant.
        """
        with self._lock:
            return {name: self._answer(path, image) for name, path in self.checkpoints().items()}

    def _answer(self, checkpoint: Path, image: np.ndarray) -> Answer:
        changed = tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in self._files(checkpoint))
        if checkpoint not in self._loaded or self._loaded[checkpoint][0] != changed:
            self._loaded[checkpoint] = (changed, *self.load(checkpoint, self.settings))
        _, explainer, figures = self._loaded[checkpoint]
        return Answer(explainer(image), explainer.notes, figures)

    def _files(self, checkpoint: Path) -> tuple[Path, ...]:
        """The files that tell whether what a classifier says is of yesterday; each is written last by its stage."""
        from train.evaluate.artifacts import METRICS

        figures = self.settings.evaluation / checkpoint.parent.name / METRICS
        return (checkpoint, figures, *(folder / INDEX for folder in (self.settings.faces, self.settings.heatmaps)))


def load_classifier(checkpoint: Path, settings: Settings) -> "tuple[Explainer, Figures | None]":
    """Load a classifier, with the neutral faces that stand in for regions and its own test figures where they are."""
    from train.explain import Explainer
    from train.explain.outputs.figures import find_figures

    shards = (settings.faces, settings.heatmaps)
    explainer = Explainer(checkpoint, shards=shards if all(folder.is_dir() for folder in shards) else None)
    return explainer, find_figures(settings.evaluation / checkpoint.parent.name, explainer.config.run)


def shown_tiles(picture: np.ndarray) -> list[np.ndarray]:
    """Cut the picture (h, w, 3) of an explanation into its tiles, but for the bars, which the page shows as a table."""
    from train.explain.answers.pictures import tiles

    return tiles(picture)[:-1]
