"""Check the labels of a dataset against ``ingest.labels``."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.status import Status


def check_labels(photos: Iterable[Photo], labels: tuple[str, ...], known: Collection[str]) -> list[Photo]:
    """Exclude the photos of classes that are left out, and refuse labels that nobody knows.

    Args:
        photos: Photos with the dataset's labels.
        labels: ``ingest.labels``, the classes to use.
        known: All classes of a public dataset; empty if the user wrote the labels.

    Returns:
        The photos. A photo of a known class that is not in ``labels`` is excluded, with the reason.

    Raises:
        InputError: If a label is in neither ``labels`` nor ``known``.
    """
    return [
        photo if photo.label in labels or photo.status != Status.OK else _excluded(photo, labels, known) for photo in photos
    ]


def _excluded(photo: Photo, labels: tuple[str, ...], known: Collection[str]) -> Photo:
    if photo.label not in known:
        meant = closest_name(photo.label, labels)
        fix = f"write {meant} if that is meant" if meant else "correct the label"
        raise InputError(
            f"photo {photo.id!r} has the label {photo.label!r}, unknown to ingest.labels "
            f"({', '.join(labels)}): {fix}, or add it there and to the codebook"
        )
    return replace(photo, status=Status.EXCLUDED, reason=f"label {photo.label} is not in ingest.labels")
