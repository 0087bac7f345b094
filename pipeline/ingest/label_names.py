"""The names that people and datasets give to expressions: which mean the same, and how datasets number them."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from pipeline.runtime.errors import closest_name

# Words for one expression. The short ones are the codes of JAFFE, KDEF and RaFD; "suprise" is a folder in copies of FERPlus.
SYNONYMS = (
    ("anger", "angry", "mad", "rage", "furious", "an", "ang"),
    ("contempt", "contemptuous", "disdain", "scorn", "co", "con"),
    ("disgust", "disgusted", "di", "dis"),
    ("fear", "fearful", "afraid", "scared", "frightened", "af", "fe", "afr"),
    ("happiness", "happy", "joy", "joyful", "smile", "smiling", "ha", "hap"),
    ("neutral", "neutrality", "calm", "normal", "ne", "neu"),
    ("pain", "painful", "hurt"),
    ("sadness", "sad", "sorrow", "unhappy", "sa"),
    ("surprise", "surprised", "astonished", "astonishment", "amazed", "suprise", "su", "sur"),
)
YAML_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}  # of YAML 1.1 and 1.2, that are no text
SHORTEST_MISSPELT = 5  # letters: of shorter words too many are alike (fer is a dataset, not fear)
_AFFECTNET = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
NUMBERINGS = {  # dataset -> its classes by number
    "RAF-DB": dict(enumerate(("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"), start=1)),
    "FER2013": dict(enumerate(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"))),
    "AffectNet without contempt": dict(enumerate(_AFFECTNET[:7])),
    "AffectNet": dict(enumerate(_AFFECTNET)),
}


def matching_label(text: str, labels: Iterable[str]) -> str | None:
    """Return the label that a dataset's text spells.

    Case, blanks, hyphens, underscores, Unicode forms and the zeros of numbers (``01``, ``1.0``) make no difference.

    Args:
        text: The label as the dataset writes it.
        labels: The labels to choose from. A label with the same spelling comes first.
    """
    labels = list(labels)
    return text if text in labels else next((label for label in labels if _folded(label) == _folded(text)), None)


def meant_label(text: str, labels: Collection[str]) -> str | None:
    """Guess which label a dataset's text means: a synonym (angry), a misspelling, or a name with a number (``1_angry``).

    Args:
        text: The label as the dataset writes it.
        labels: The labels to choose from.
    """
    words, word = _words_for(labels), _word(text)
    close = closest_name(word, words) if len(word) >= SHORTEST_MISSPELT and word not in words else word
    return words.get(close or "")


def synonymous_label(text: str, labels: Collection[str]) -> str | None:
    """Return the label of which a dataset's text is a synonym (angry), perhaps with a number (``1_angry``).

    Args:
        text: The label as the dataset writes it.
        labels: The labels to choose from.
    """
    return _words_for(labels).get(_word(text))


def _words_for(labels: Collection[str]) -> dict[str, str]:
    """Each known word -> the label that it means."""
    words = {_folded(label): label for label in labels}
    for synonyms in SYNONYMS:
        label = next((label for label in labels if _folded(label) in synonyms), None)
        if label is not None:
            words = dict.fromkeys(synonyms, label) | words
    return words


def _word(text: str) -> str:
    """The text without its numbers and signs."""
    return re.sub(r"[\W\d_]+", " ", _folded(text)).strip()


def numbered_labels(numbers: Collection[str], labels: Collection[str]) -> dict[str, dict[str, str | None]]:
    """Guess which labels a dataset's numbers mean.

    Args:
        numbers: The dataset's labels.
        labels: The labels to choose from.

    Returns:
        For each public dataset whose numbers fit best: number -> label, or None for a class that is not in ``labels``.
        Empty if not all the dataset's labels are numbers.
    """
    if not all(re.fullmatch(r"\d{1,9}", _folded(number)) for number in numbers):
        return {}
    wanted = {number: int(_folded(number)) for number in sorted(numbers)}
    fitting = {name: classes for name, classes in NUMBERINGS.items() if set(wanted.values()) <= set(classes)}
    fewest = min(map(len, fitting.values()), default=0)
    return {
        name: {number: meant_label(classes[value], labels) for number, value in wanted.items()}
        for name, classes in fitting.items()
        if len(classes) == fewest
    }


def as_yaml(rename: Mapping[str, str | None]) -> str:
    """Write a mapping of labels as YAML on one line, to be pasted into params.yaml."""
    return "{" + ", ".join(f"{_scalar(name)}: {_scalar(label)}" for name, label in rename.items()) + "}"


def _scalar(text: str | None) -> str:
    if text is None:
        return "null"
    # Numbers are quoted, since DVC refuses a mapping whose names are numbers and words.
    is_plain = re.fullmatch(r"[^\W\d][\w-]*", text) and text.casefold() not in YAML_WORDS
    return text if is_plain else "'" + text.replace("'", "''") + "'"


@lru_cache(maxsize=4096)  # the rows of a table have few labels
def _folded(text: str) -> str:
    words = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()
    number = re.fullmatch(r"0*(\d+)(?:\.0*)?", words)
    return number[1] if number else words
