"""Tell the faces of one photo apart, where a table lists a photo in several rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from pipeline.faces.manifest import Photo
from pipeline.ingest.label_names import matching_label
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status


def with_own_ids(rows: Iterable[tuple[str, Photo]]) -> list[Photo]:
    """Give the further faces of a photo ids of their own, and exclude the rows that only repeat another row.

    Args:
        rows: (file and line, photo) of each row. The id of a photo is its path.

    Returns:
        The photos in the same order. The second face of ``a.jpg`` is ``a.jpg#2``.

    Raises:
        InputError: If two rows of a photo have the same box, or one has none, but they do not say the same.
    """
    rows = list(rows)
    taken = {photo.id for _, photo in rows}
    rows_of: dict[str, list[tuple[str, Photo]]] = defaultdict(list)  # the photo's id -> the rows of its faces so far
    photos = []
    for where, photo in rows:
        same = next((row for row in rows_of[photo.id] if _may_be_one_face(row[1], photo)), None)
        if same and not _say_the_same(same[1], photo):
            raise InputError(f"{where}: {photo.id} is also in {_place(same[0], where)}, {_difference(same[1], photo)}")
        numbered = replace(photo, id=_free_id(photo.id, len(rows_of[photo.id]), taken)) if rows_of[photo.id] else photo
        if same:
            numbered = replace(numbered, status=Status.EXCLUDED, reason=f"it repeats {_repeated(same[0], where)}")
        rows_of[photo.id].append((where, photo))
        photos.append(numbered)
    return photos


def _may_be_one_face(one: Photo, other: Photo) -> bool:
    """Without a box, stage detect might find the other row's face."""
    return one.box == other.box or one.box is None or other.box is None


def _free_id(name: str, earlier: int, taken: set[str]) -> str:
    """The name with the first free number, and mark it as taken."""
    number = earlier + 1
    while f"{name}#{number}" in taken:
        number += 1
    taken.add(f"{name}#{number}")
    return f"{name}#{number}"


def _say_the_same(one: Photo, other: Photo) -> bool:
    """Whether two rows are the same but for the way in which they write the label."""
    return matching_label(one.label, (other.label,)) is not None and replace(one, label=other.label) == other


def _difference(one: Photo, other: Photo) -> str:
    """What differs between two rows of a face, and the fix."""
    if one.split != other.split and _say_the_same(one, replace(other, split=one.split)):
        return f"so it is in both {one.split} and {other.split}: keep one of the lines"
    return "with other values: keep the right line, or give each of the two faces its own box"


def _place(where: str, seen_from: str) -> str:
    """File and line, or the line alone if it is of the same file."""
    file, _, line = where.rpartition(" line ")
    return f"line {line}" if seen_from.startswith(f"{file} line ") else where


def _repeated(where: str, seen_from: str) -> str:
    place = _place(where, seen_from)
    return place if place == where else f"{place} of the table"
