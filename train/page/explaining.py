"""The classifiers that explain photos. This is the only module of the page that touches ``train.explain``."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.runtime.commands import paths
from train import VARIANTS


class Explanation(Protocol):
    """One face of a photo, as ``train.explain`` gives it."""

    status: str
    reason: str
    box: Any
    expression: str
    probability: float
    probabilities: Mapping[str, float]
    sentence: str
    units: Sequence[Any]  # each with key, name, seen, needed and spread

    def picture(self) -> np.ndarray:
        """Draw the explanation, (h, w, 3) RGB uint8."""


Explainer = Callable[[np.ndarray], Sequence[Explanation]]


def _load(checkpoint: Path) -> Explainer:
    return import_module("train.explain").Explainer(checkpoint)  # imports torch, which nobody needs to edit a codebook


@dataclass
class Classifiers:
    """The trained variants of a folder. Each is loaded when it is first asked, and again when its file has changed.

    Attributes:
        folder: Folder of the trained variants.
        load: Makes an explainer from a checkpoint.
    """

    folder: Path
    load: Callable[[Path], Explainer] = _load

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # one photo at a time: a forward pass takes all cores
        self._loaded: dict[Path, tuple[int, Explainer]] = {}

    def checkpoints(self) -> dict[str, Path]:
        """The variants that are trained, with their checkpoints."""
        found = {name: self.folder / name / paths.CHECKPOINT for name in VARIANTS}
        return {name: path for name, path in found.items() if path.is_file()}

    def explain(self, image: np.ndarray) -> dict[str, Sequence[Explanation]]:
        """Explain a photo with each trained variant.

        Args:
            image: Upright RGB photo (H, W, 3) uint8.

        Returns:
            The explanations of its faces, by variant.
        """
        with self._lock:
            return {name: self._explainer(path)(image) for name, path in self.checkpoints().items()}

    def _explainer(self, checkpoint: Path) -> Explainer:
        changed = checkpoint.stat().st_mtime_ns
        if self._loaded.get(checkpoint, (None,))[0] != changed:
            self._loaded[checkpoint] = (changed, self.load(checkpoint))
        return self._loaded[checkpoint][1]
