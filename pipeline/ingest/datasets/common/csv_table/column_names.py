"""The names that datasets give to the columns of their tables."""

from collections.abc import Iterable

NAMES = {  # without case, blanks, hyphens and underscores
    "image": {"image", "images", "imageid", "imagefile", "imagename", "imagepath", "img", "imgid", "imgfile", "imgname"}
    | {"imgpath", "file", "filename", "filepath", "fname", "path", "pth", "photo", "photopath", "picture"}
    | {"dateiname", "datei", "bild"},
    "label": {"label", "labels", "emotion", "emotionlabel", "expression", "class", "classname", "target"},
    "subject": {"subject", "person", "personid", "subjectid", "identity", "participant", "participantid"},
    "split": {"split", "set", "usage", "subset", "partition"},
    "name": {"name"},  # of an image or of a person
}


def folded(name: str) -> str:
    """Return the name of a column without its case, blanks, hyphens and underscores."""
    return "".join(letter for letter in name.casefold() if letter not in " -_")


def meaning(column: str, names: Iterable[str]) -> list[str]:
    """Return the names that may be those of a column.

    Args:
        column: A key of ``NAMES``.
        names: The names of a table's columns.
    """
    return [name for name in names if folded(name) in NAMES[column]]
