"""Find the label of each row where the column label does not hold its name: a column for each label, or names elsewhere."""

from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.ingest.datasets.common.csv_table.column_names import meaning
from pipeline.ingest.datasets.common.csv_table.lines import samples
from pipeline.ingest.datasets.common.numbering import numbers_in
from pipeline.ingest.datasets.csv.columns import FIRST_LINES
from pipeline.ingest.label_names import SYNONYMS, matching_label, meant_label, synonymous_label
from pipeline.runtime.errors import InputError

YES, NO = {"1", "1.0", "true", "yes"}, {"", "0", "0.0", "false", "no"}
EXPRESSIONS = [words[0] for words in SYNONYMS]

Rows = Sequence[tuple[str, dict[str, str]]]  # file and line, values by column


def columns_of_labels(table: Path) -> list[str]:
    """Return the columns of a table of images that has a column of yes and no for each label (``anger``, ``fear``, ...).

    There are none if the table has a column label, or another value in the first row.
    """
    for lines in samples(table, FIRST_LINES):
        if len(lines) > 1 and len(meaning("image", lines[0])) == 1 and not meaning("label", lines[0]):
            first = dict(zip(*lines[:2], strict=False))
            columns = [name for name in first if synonymous_label(name, EXPRESSIONS)]
            if len(columns) > 1 and all(first[name].casefold() in YES | NO for name in columns):
                return columns
    return []


def take_columns_of_labels(table: Rows, columns: Sequence[str]) -> None:
    """Write the column label from columns of yes and no; a row with no in all of them has no label.

    Raises:
        InputError: If a row has several labels, or another value. The error names its line.
    """
    for where, row in table:
        values = {name: row.pop(name, "").casefold() for name in columns}
        other = next((name for name, value in values.items() if value not in YES | NO), None)
        if other:
            raise InputError(
                f"{where}: {other} is {values[other]!r}: write 1 or 0, or one column label for all these columns"
            )
        labels = [name for name, value in values.items() if value in YES]
        if len(labels) > 1:
            raise InputError(f"{where}: the photo has the labels {' and '.join(labels)}: leave one of them")
        row["label"] = labels[0] if labels else ""


def take_names_of_numbers(table: Rows, known: Collection[str]) -> str:
    """Take the labels from another column, if the column label has numbers and the other has the names of labels alone.

    Args:
        table: The rows.
        known: ``ingest.labels``, and the labels in ``ingest.rename``.

    Returns:
        The other column; empty if there is none.
    """
    labels = {row["label"] for _, row in table}
    others = [name for name in meaning("label", table[0][1]) if name != "label"]
    if len(numbers_in(labels)) < len(labels) or any(matching_label(label, known) for label in labels) or len(others) != 1:
        return ""
    names = {row.get(others[0], "") for _, row in table}
    if not all(matching_label(name, known) or meant_label(name, known) for name in names):
        return ""
    for _, row in table:
        row["label"] = row.pop(others[0])
    return others[0]
