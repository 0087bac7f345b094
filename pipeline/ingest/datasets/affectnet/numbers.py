"""Refuse copies of AffectNet in its published layouts whose classes are numbered from 1."""

from collections.abc import Collection

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.numbering import numbered_otherwise, numbers_in

COUNTS = (7, 8)  # of the classes that copies have, without contempt and with it


def refuse_numbers_from_1(place: object, noun: str, labels: Collection[str], names: ClassNames) -> None:
    """Refuse numbers from 1 to 7 or 8. Others may be a part of the classes, such as some expressions without neutral.

    Args:
        place: The folder or file, for the message.
        noun: What has the numbers, in the plural.
        labels: All labels.
        names: The dataset's classes.

    Raises:
        InputError: If the numbers are such, and ``ingest.rename`` does not name all.
    """
    numbers = set(numbers_in(labels).values())
    if any(numbers == set(range(1, count + 1)) for count in COUNTS) and not names.are_renamed(numbers_in(labels)):
        raise numbered_otherwise(place, noun, labels, labels, names)
