"""Sentences for people on what the figures of an evaluation do not show."""

from collections.abc import Mapping

import numpy as np

from train.evaluate.figures import HEADLINE_COSINES
from train.evaluate.measurements import Predictions
from train.models.guidance import Guidance

COLLAPSED = 0.9  # a classifier that predicts one expression for this share of the faces tells no expressions apart


def collapse_notes(predictions: Predictions, classes: tuple[str, ...], variant: str) -> list[str]:
    """Return a sentence if nearly all faces get the same prediction though they do not have the same label."""
    counts = np.bincount(predictions.predicted, minlength=len(classes))
    share, most = counts.max() / counts.sum(), int(counts.argmax())
    if share < COLLAPSED or (predictions.actual == most).mean() >= COLLAPSED:
        return []
    note = f"The {variant} classifier calls {share:.0%} of the test faces {classes[most]}: "
    return [f"{note}it tells no expressions apart, and its maps explain nothing."]


def guidance_notes(
    metrics: Mapping[str, float | None], controls: Mapping[str, Mapping[str, float | None]], guidance: Guidance
) -> list[str]:
    """Return a sentence for every guided kind of map that has learnt nothing about single expressions.

    This is so where its cosine does not exceed the cosine of the mean map of all training faces, which depends on no face
    and on no expression.

    Args:
        metrics: The headline figures.
        controls: Per kind of map, the cosines of ``aggregate.control_cosines``.
        guidance: What guided the training.
    """
    guided = {"attention": ("Guided attention", "att_cos"), "cam": ("Guided CAM", "cam_cos")}
    notes = []
    for title, metric in (guided[kind] for kind in guidance.align):
        reached, constant = metrics[metric], controls.get(HEADLINE_COSINES[metric], {}).get("training_mean")
        if reached is not None and constant is not None and reached <= constant:
            notes.append(
                f"{title} does not beat the mean map of all training faces ({reached:.3f}; {constant:.3f}): it has not "
                "learnt which action units belong to an expression."
            )
    return notes


def codebook_notes(*, found: bool) -> list[str]:
    """Return a sentence if the codebook of the heatmaps was not found."""
    return [] if found else ["The codebook of the heatmaps was not found, so action units were not measured one by one."]


def source_notes(source_bias: list[str]) -> list[str]:
    """Turn the notes of ``source_bias``, on what a classifier may have learnt in place of expressions, into sentences."""
    return [f"{note[0].upper()}{note[1:]}." for note in source_bias]
