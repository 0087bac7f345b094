"""Read a label of a public dataset: the dataset's own number, or the name of the expression as copies write it."""

import re
from collections.abc import Mapping

from pipeline.ingest.label_names import matching_label, meant_label, synonymous_label

COUNTED = re.compile(r"class[\s_-]*(?P<place>\d+)")  # class001: the first class


class UnknownLabelError(ValueError):
    """A label that the dataset does not have. The message is a sentence without the place of the label."""


def name_of(label: str, names: Mapping[int, str]) -> str:
    """Translate a label of a dataset.

    Args:
        label: A class number (``6``, or ``6.0`` as pandas writes it) or a name of the expression (``Anger``, ``angry``). A
            misspelt name is unknown: ``danger`` is no anger.
        names: The name of each class.

    Returns:
        The name of the class.

    Raises:
        UnknownLabelError: If the dataset has no such class.
    """
    try:
        return names[_integer(label)]
    except (ValueError, KeyError):
        name = matching_label(label, names.values()) or synonymous_label(label, list(names.values()))
    if name is None:
        close = meant_label(label, list(names.values()))
        fix = (
            f"write {close} if that is meant" if close else f"this dataset numbers its classes {min(names)} to {max(names)}"
        )
        raise UnknownLabelError(f"label {label!r} is unknown: {fix}")
    return name


def name_of_folder(folder: str, names: Mapping[int, str]) -> str:
    """Translate the name of a folder of photos: a label, ``0_neutral``, or ``class001`` for the first class.

    Raises:
        UnknownLabelError: If the dataset has no such class.
    """
    counted = COUNTED.fullmatch(folder.strip().casefold())
    return name_of(str(min(names) + int(counted["place"]) - 1) if counted else folder, names)


def _integer(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError
    return int(number)
