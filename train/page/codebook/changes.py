"""A change as the browser sends it: the content so far, and what somebody did to it."""

import copy
import json
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from pipeline.codebook.loading import check
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.schema import Document
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters.block import Block
from pipeline.runtime.yaml_files import describe
from train.page.codebook.faces import Face
from train.page.codebook.gestures import Gesture, apply
from train.page.codebook.lengths import in_unit

NOT_OURS = "the page and the server do not understand each other: load the page again"


class UnitChange(Block):
    """Another unit for a length that stays as long on the face.

    Attributes:
        place: Keys and indices to the length.
        unit: The new unit.
    """

    place: Annotated[tuple[str | int, ...], Field(strict=False)]
    unit: str


class Change(Block):
    """One change of a codebook on the page.

    Attributes:
        content: The content of the codebook before the gesture, or after a change in a field.
        codebook: Name of the codebook that it came from.
        face: Name of the face that it is shown on.
        expression: The chosen expression.
        region: The chosen region.
        panels: Whether the fields are to be written anew.
        gesture: A drag or a key on a shape.
        unit: Another unit for a length.
    """

    content: dict[str, Any]
    codebook: str
    face: str
    expression: str
    region: str
    panels: bool = False
    gesture: Gesture | None = None
    unit: UnitChange | None = None

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a change from JSON.

        Raises:
            InputError: If it is none.
        """
        try:
            return cls.model_validate(_parse_json(body))
        except ValidationError as error:
            raise InputError(f"{describe(error)}: load the page again") from error

    @staticmethod
    def content_of(text: str) -> dict[str, Any]:
        """Read a codebook's content from JSON.

        Raises:
            InputError: If it is none.
        """
        content = _parse_json(text.encode())
        if not isinstance(content, dict):
            raise InputError(NOT_OURS)
        return content


def apply_change(change: Change, face: Face) -> dict[str, Any]:
    """Return the content after a gesture or a change of unit. Content with mistakes stays as it is: it has no shapes."""
    if change.gesture is None and change.unit is None:
        return change.content
    book, mistakes = check(change.content)
    if book is None or mistakes:
        return change.content
    faces = face.batch(book.reference_size, book.render.whole_pixels)
    if change.gesture is not None:
        return apply(change.content, Document.model_validate(change.content), change.gesture, faces)
    return _change_unit(change.content, change.unit, faces) if change.unit else change.content


def _change_unit(content: dict[str, Any], change: UnitChange, faces: LandmarkBatch) -> dict[str, Any]:
    content = copy.deepcopy(content)
    *path, last = change.place
    inner: Any = content
    try:
        for step in path:
            inner = inner[step]
        inner[last] = in_unit(inner[last], change.unit, faces)
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(NOT_OURS) from error
    return content


def _parse_json(body: bytes) -> object:
    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(NOT_OURS) from error
