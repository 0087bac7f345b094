"""Tell the classes of FERPlus from those of FER2013, which has 7 of its 8."""

from collections.abc import Collection
from pathlib import Path

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.folders.tree import Tree
from pipeline.ingest.datasets.common.numbering import numbers_in
from pipeline.ingest.datasets.ferplus.labelled import note_original
from pipeline.ingest.datasets.ferplus.tables import ORIGINAL
from pipeline.ingest.datasets.ferplus.votes import VOTES
from pipeline.ingest.label_names import as_yaml, synonymous_label
from pipeline.runtime.errors import InputError

LABELS = dict(enumerate(VOTES))
CONTEMPT = "contempt"  # a class of FERPlus alone


def names_for(tree: Tree, table: Path, labels: Collection[str], names: ClassNames) -> ClassNames:
    """Return the classes that the labels of a table are of, and note which dataset has them.

    Args:
        tree: The dataset.
        table: The table.
        labels: All its labels.
        names: The classes of FER2013.

    Raises:
        InputError: If they are numbers of FERPlus's classes, of which ``ingest.rename`` does not name all.
    """
    if not _are_of_ferplus(labels):
        note_original(tree, table.parent)
        return names
    ferplus = ClassNames(LABELS, names.rename)
    note_ferplus(tree, table, labels, ferplus)
    return ferplus


def note_ferplus(tree: Tree, place: Path, labels: Collection[str], names: ClassNames) -> None:
    """Note that a copy has the classes of FERPlus.

    Raises:
        InputError: If they have numbers, of which ``ingest.rename`` does not name all.
    """
    numbers = numbers_in(labels)
    if numbers and not names.are_renamed(numbers):
        meanings = ({number: VOTES[number] for number in range(8)}, ORIGINAL | {7: CONTEMPT})
        ways = [as_yaml({str(number): label for number, label in meaning.items()}) for meaning in meanings]
        raise InputError(
            f"{place}: copies of FERPlus number its 8 classes in two ways: look at some photos, and write in params.yaml "
            f"ingest.rename: {ways[0]}, or ingest.rename: {ways[1]}"
        )
    tree.notes.append(f"{place} has 8 classes: the labels are those of a copy of FERPlus, not of FER2013")


def _are_of_ferplus(labels: Collection[str]) -> bool:
    """Whether labels are 8 numbers, from 0 to 7, or one means contempt, which FER2013 does not have."""
    return {0, 7} <= set(numbers_in(labels).values()) or any(synonymous_label(label, (CONTEMPT,)) for label in labels)
