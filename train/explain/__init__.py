"""Explain a trained classifier's answers to new photos: where it looks on a face, and what its answer needs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from train.explain.explainer import Explainer, FaceExplanation
    from train.explain.words import Unit

__all__ = ["Explainer", "FaceExplanation", "Unit"]


def __getattr__(name: str) -> Any:
    """Import a class when it is asked for: PyTorch takes seconds, and ``aucue --help`` does not need it."""
    from train.explain import explainer, words

    if name in __all__:
        return getattr(words if name == "Unit" else explainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
