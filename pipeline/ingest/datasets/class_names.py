"""Read a label of a public dataset: the dataset's own number, or the name of the expression as re-packed copies write it."""

import re
from collections.abc import Mapping

SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "scared": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "suprise": "surprise",
    "suprised": "surprise",
    "contemptuous": "contempt",
    "normal": "neutral",
}
NUMBERED = re.compile(r"\d+[\s_.-]+(?P<name>[a-z].*)")  # 0_neutral, 1-happy
COUNTED = re.compile(r"class[\s_-]*(?P<place>\d+)")  # class001: the first class


class UnknownLabelError(ValueError):
    """A label that the dataset does not have. The message is a sentence without the place of the label."""


def name_of(label: str, names: Mapping[int, str]) -> str:
    """Translate a label of a dataset.

    Args:
        label: A class number (``6``, or ``6.0`` as pandas writes it) or the name of an expression (``Anger``, ``angry``).
        names: The name of each class.

    Returns:
        The name of the class.

    Raises:
        UnknownLabelError: If the dataset has no such class.
    """
    try:
        return names[_integer(label)]
    except (ValueError, KeyError):
        text = label.strip().casefold()
        name = SYNONYMS.get(text, text)
    for known in names.values():
        if known.casefold() == name:
            return known
    raise UnknownLabelError(f"label {label!r} is unknown: this dataset numbers its classes {min(names)} to {max(names)}")


def name_of_folder(folder: str, names: Mapping[int, str]) -> str:
    """Translate the name of a folder of photos: a label, ``0_neutral``, or ``class001`` for the first class.

    Raises:
        UnknownLabelError: If the dataset has no such class.
    """
    text = folder.strip().casefold()
    if counted := COUNTED.fullmatch(text):
        return name_of(str(min(names) + int(counted["place"]) - 1), names)
    numbered = NUMBERED.fullmatch(text)
    return name_of(numbered["name"] if numbered else folder, names)


def _integer(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError
    return int(number)
