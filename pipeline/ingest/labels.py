"""Give photos the labels of ``ingest.labels``, and refuse labels that nobody knows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import click

from pipeline.faces.manifest import Photo
from pipeline.ingest.label_names import as_yaml, matching_label, meant_label, numbered_labels
from pipeline.ingest.split_names import split_named
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

MOST_LABELS = 40  # that a message lists
TO_FILL_IN = "?"  # in a template of ingest.rename


def check_labels(
    photos: Iterable[Photo],
    labels: tuple[str, ...],
    known: Collection[str],
    rename: Mapping[str, str | None] = MappingProxyType({}),
) -> list[Photo]:
    """Rename labels, exclude the photos of classes that are left out, and refuse labels that nobody knows.

    Labels are found in any case (see ``label_names.matching_label``).

    Args:
        photos: Photos with the dataset's labels.
        labels: ``ingest.labels``, the classes to use.
        known: All classes of a public dataset; empty if the user wrote the labels.
        rename: ``ingest.rename``: the dataset's label -> a label, or None to leave the class out.

    Returns:
        The photos. A photo of a known class that is not in ``labels`` is excluded, with the reason.

    Raises:
        InputError: If labels are in neither ``labels`` nor ``known``. The message lists all of them.
    """
    photos = list(photos)
    meanings = {label: _meaning(label, (*labels, *known), rename) for label in {photo.label for photo in photos}}
    _refuse_wrong_names(rename, labels, known)
    counts = Counter(photo.label for photo in photos if photo.status == Status.OK)
    unknown = {label: n for label, n in sorted(counts.items()) if meanings[label] not in (None, *labels, *known)}
    if unknown:
        raise InputError(_describe(unknown, labels))
    unused = [repr(name) for name in rename if not any(matching_label(label, (name,)) for label in meanings)]
    if unused:
        click.echo(f"ingest.rename: no photo has the label {', '.join(unused)}", err=True)
    return [_labelled(photo, meanings[photo.label], labels) for photo in photos]


def _meaning(label: str, names: Collection[str], rename: Mapping[str, str | None]) -> str | None:
    """The name that a dataset's label has here; None if ``rename`` leaves it out."""
    renamed = matching_label(label, rename)
    meaning = label if renamed is None else rename[renamed]
    return meaning and (matching_label(meaning, names) or meaning)


def _labelled(photo: Photo, label: str | None, labels: tuple[str, ...]) -> Photo:
    if label == photo.label and label in labels:
        return photo
    named = replace(photo, label=label or photo.label)
    if photo.status != Status.OK or label in labels:
        return named
    reason = f"label {label} is not in ingest.labels" if label else f"ingest.rename leaves label {photo.label} out"
    return replace(named, status=Status.EXCLUDED, reason=reason)


def _refuse_wrong_names(rename: Mapping[str, str | None], labels: tuple[str, ...], known: Collection[str]) -> None:
    for name, label in rename.items():
        if label is not None and not matching_label(label, (*labels, *known)):
            meant = meant_label(label, labels)
            fix = f"write {meant}" if meant else "write one of them, or null to leave the class out"
            raise InputError(
                f"ingest.rename gives {name!r} the label {label!r}, unknown to ingest.labels ({', '.join(labels)}): {fix}"
            )


def _describe(unknown: Mapping[str, int], labels: tuple[str, ...]) -> str:
    """Describe unknown labels and their fixes in one line."""
    listed = [f"{label!r} ({number:,} photo{'s' * (number > 1)})" for label, number in unknown.items()]
    more = [f"{len(listed) - MOST_LABELS:,} more"] if len(listed) > MOST_LABELS else []
    problem = f"labels unknown to ingest.labels ({', '.join(labels)}): {', '.join(listed[:MOST_LABELS] + more)}"
    numberings = numbered_labels(unknown, labels)
    if numberings:
        fixes = [f"those of {dataset}, write ingest.rename: {as_yaml(rename)}" for dataset, rename in numberings.items()]
        return f"{problem}: look at some photos: if the numbers are {', if they are '.join(fixes)} (null leaves a class out)"
    template = {label: meant_label(label, labels) or TO_FILL_IN for label in list(unknown)[:MOST_LABELS]}
    if any(split_named(label) for label, meant in template.items() if meant == TO_FILL_IN):
        return f"{problem}: ingest.root must hold only folders of splits, or only folders of labels"
    fix = f"write in params.yaml ingest.rename: {as_yaml(template)}"
    if TO_FILL_IN not in template.values():
        return f"{problem}: {fix} if that is meant"
    new = ", ".join(label for label, meant in template.items() if meant == TO_FILL_IN)
    return (
        f"{problem}: {fix} with one of ingest.labels for each {TO_FILL_IN}, or null to leave the class out; or add {new} to "
        "ingest.labels and the codebook; or name in ingest.root the folder that holds the label folders"
    )
