"""Read a label of a public dataset: the dataset's own number, or the name of the expression as copies write it."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.ingest.label_names import as_yaml, matching_label, meant_label, synonymous_label

COUNTED = re.compile(r"class[\s_-]*(?P<place>\d+)")  # class001: the first class


class UnknownLabelError(ValueError):
    """A label that the dataset does not have. The message is a sentence without the place of the label.

    Attributes:
        rename: The entry for ``ingest.rename`` that the label would need, to be pasted.
    """

    def __init__(self, message: str, rename: str = "") -> None:
        super().__init__(message)
        self.rename = rename


@dataclass(frozen=True)
class ClassNames:
    """The classes of a public dataset, as a copy writes them.

    A label that the user names in ``ingest.rename`` is left as it is written, since ``labels.check_labels`` renames it. So a
    copy may number its classes otherwise than the dataset.

    Attributes:
        names: The dataset's numbers and names of its classes.
        rename: ``ingest.rename``.
    """

    names: Mapping[int, str]
    rename: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The lowest number of a class."""
        return min(self.names)

    @property
    def range(self) -> str:
        """The lowest and the highest number, for messages."""
        return f"{self.first} to {max(self.names)}"

    def name_of(self, label: str) -> str:
        """Translate a label.

        Args:
            label: A label in ``ingest.rename``, a class number (``6``, or ``6.0`` as pandas writes it) or a name of the
                expression (``Anger``, ``angry``). A misspelt name is unknown: ``danger`` is no anger.

        Returns:
            The name of the class, or the label as ``ingest.rename`` writes it.

        Raises:
            UnknownLabelError: If the dataset has no such class.
        """
        if (renamed := matching_label(label, self.rename)) is not None:
            return renamed
        try:
            return self.names[_integer(label)]
        except (ValueError, KeyError):
            name = matching_label(label, self.names.values()) or synonymous_label(label, list(self.names.values()))
        if name is None:
            raise self._unknown(label)
        return name

    def name_of_folder(self, folder: str) -> str:
        """Translate the name of a folder of photos: a label, ``0_neutral``, or ``class001`` for the first class.

        Raises:
            UnknownLabelError: If the dataset has no such class.
        """
        counted = COUNTED.fullmatch(folder.strip().casefold())
        if counted and matching_label(folder, self.rename) is None:
            return self.name_of(str(self.first + int(counted["place"]) - 1))
        return self.name_of(folder)

    def are_renamed(self, labels: Iterable[str]) -> bool:
        """Return whether ``ingest.rename`` names all these labels."""
        return all(matching_label(label, self.rename) is not None for label in labels)

    def may_have(self, numbers: Collection[int]) -> bool:
        """Return whether numbers may be those of classes: the own from the first on, or all of them shifted by 1."""
        own, given = set(self.names), set(numbers)
        is_own = self.first in given and given <= own
        return not given or is_own or any(given == {number + shift for number in own} for shift in (-1, 1))

    def renumbering(self, numbers: Collection[int], in_train: Collection[int]) -> str:
        """Suggest an ``ingest.rename`` for a copy that numbers its classes otherwise: the dataset's classes in their order.

        Args:
            numbers: All numbers in the copy.
            in_train: Those of its training photos, by which the numbering is recognised.
        """
        shift = -1 if self.first - 1 in in_train else 1
        if not all(number - shift in self.names for number in in_train):
            shift = 0
        return as_yaml({str(number): self.names.get(number - shift) for number in sorted(numbers)})

    def close_to(self, label: str) -> str | None:
        """Return the class that an unknown label may mean, such as happiness for ``hapiness``; None if there is none."""
        return meant_label(label, list(self.names.values()))

    def _unknown(self, label: str) -> UnknownLabelError:
        close = self.close_to(label)
        fix = f"write {close} if that is meant" if close else f"this dataset numbers its classes {self.range}"
        return UnknownLabelError(f"label {label!r} is unknown: {fix}", self._rename_for(label, close))

    def _rename_for(self, label: str, close: str | None) -> str:
        """The whole numbering, shifted, for a number next to the dataset's own; else an entry for the label alone."""
        for shift, number in ((-1, self.first - 1), (1, max(self.names) + 1)):
            if matching_label(label, (str(number),)):
                numbers = [own + shift for own in self.names]
                return self.renumbering(numbers, numbers)
        return as_yaml({label: close})


def _integer(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError
    return int(number)
