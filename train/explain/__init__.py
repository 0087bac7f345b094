"""Explain a trained classifier's answers to new photos: where it looks on a face, and what its answer needs."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from train.explain.answers.explainer import Explainer
    from train.explain.answers.face_explanation import FaceExplanation
    from train.explain.answers.words import Unit

__all__ = ["Explainer", "FaceExplanation", "Unit"]
MODULES = {"Explainer": "answers.explainer", "FaceExplanation": "answers.face_explanation", "Unit": "answers.words"}


def __getattr__(name: str) -> Any:
    """Import a class when it is asked for: PyTorch takes seconds, and ``aucue --help`` does not need it."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{MODULES[name]}"), name)
