"""Explain a trained classifier's answers to new photos: where it looks on a face, and what its answer needs."""

from train.explain.explainer import Explainer, FaceExplanation
from train.explain.words import Unit

__all__ = ["Explainer", "FaceExplanation", "Unit"]
