"""Check that a copy of a public dataset numbers its classes as the dataset does, and say what the numbers are read as."""

from collections.abc import Collection

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.runtime.errors import InputError

MOST_OF_A_PART = 2  # numbers without the class 0; more are probably counted from 1


def describe_numbers(
    place: object, noun: str, labels: Collection[str], of_training: Collection[str], names: ClassNames
) -> list[str]:
    """Say what numbers are read as.

    Args:
        place: The folder or file, for messages.
        noun: What has the numbers: folders or labels.
        labels: All labels of the copy. Only those that are numbers count.
        of_training: Those of its training photos, which have all classes. Other parts may lack some.
        names: The dataset's classes.

    Returns:
        A line; none if no label is a number that the dataset gives the meaning of.

    Raises:
        InputError: If the numbers are shifted, and ``ingest.rename`` does not name all.
    """
    numbered = numbers_in(labels)
    in_train = set(numbers_in(of_training).values()) or set(numbered.values())
    may_count_from_1 = names.first == 0 and len(in_train) > MOST_OF_A_PART and 0 not in in_train
    is_shifted = any(in_train == {number + shift for number in names.names} for shift in (-1, 1))
    if (may_count_from_1 or is_shifted) and not names.are_renamed(numbered):
        raise numbered_otherwise(place, noun, labels, of_training, names)
    own = {number: names.names[number] for name, number in numbered.items() if _is_own(name, number, names)}
    meaning = ", ".join(f"{number} {label}" for number, label in sorted(own.items()))
    return [f"{place}: the numbers of the {noun} are read as {meaning}"] if own else []


def numbered_otherwise(
    place: object, noun: str, labels: Collection[str], of_training: Collection[str], names: ClassNames
) -> InputError:
    """Return the error for a copy that numbers its classes otherwise. For the arguments see ``describe_numbers``."""
    numbers = set(numbers_in(labels).values())
    in_train = set(numbers_in(of_training).values()) or numbers
    return InputError(
        f"{place}: {noun} are numbered {min(in_train)} to {max(in_train)}, but this dataset numbers its classes "
        f"{names.range}: look at some photos, and write for all numbers which class they are in params.yaml, such as "
        f"ingest.rename: {names.renumbering(numbers, in_train)}"
    )


def numbers_in(labels: Collection[str]) -> dict[str, int]:
    """Return the labels that are numbers, with their values."""
    values = {label: label.strip().removesuffix(".0") for label in labels}
    return {label: int(value) for label, value in values.items() if value.isdecimal()}


def _is_own(label: str, number: int, names: ClassNames) -> bool:
    return number in names.names and not names.are_renamed([label])
