"""Sentences for people on what the figures of an evaluation do not show."""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.runtime import class_counts
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
    for title, metric in (guided[kind] for kind in guidance.align if kind in guided):
        reached, constant = metrics[metric], controls.get(HEADLINE_COSINES[metric], {}).get("training_mean")
        if reached is not None and constant is not None and reached <= constant:
            notes.append(
                f"{title} does not beat the mean map of all training faces ({reached:.3f}; {constant:.3f}): it has not "
                "learnt which action units belong to an expression."
            )
    return notes


def label_notes(untrained: Mapping[str, int], policy: str, untested: Sequence[str]) -> list[str]:
    """Return sentences on labels without training faces, and on classes without test faces.

    Args:
        untrained: Number of test faces of each label that no training face has.
        policy: ``evaluate.untrained_labels``.
        untested: The classes that no test face has.
    """
    notes = as_sentences(
        [class_counts.untrained_sentence(untrained, "face", policy, "in the test split")] if untrained else []
    )
    if untested:
        notes.append(f"No test face has the label {', '.join(untested)}: means over expressions leave it out.")
    return notes


def codebook_notes(*, found: bool) -> list[str]:
    """Return a sentence if the codebook of the heatmaps was not found."""
    return [] if found else ["The codebook of the heatmaps was not found, so action units were not measured one by one."]


def decision_notes(*, wanted: bool, measured: bool) -> list[str]:
    """Return a sentence if no neutral faces were found, though it was asked for what decisions lean on."""
    if measured or not wanted:
        return []
    needs = "it takes training faces of one label without action units, such as neutral"
    return [f"What decisions lean on was not measured: {needs}."]


def as_sentences(notes: Sequence[str]) -> list[str]:
    """Begin notes with a capital letter and end them with a full stop."""
    return [f"{note[0].upper()}{note[1:]}." for note in notes]
