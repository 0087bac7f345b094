"""Read the rows of a user's table, with their labels, and check its columns."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.ingest.datasets.csv.columns import column_of_images, guess_header, guess_image
from pipeline.ingest.datasets.csv.label_columns import columns_of_labels, take_columns_of_labels, take_names_of_numbers
from pipeline.runtime.errors import InputError, closest_name

COLUMNS = ("image", "label", "subject", "split", "box")


def table_rows(table: Path, known: Collection[str]) -> list[tuple[str, dict[str, str]]]:
    """Read a table, and say which columns are taken as image and label, if that may surprise.

    Args:
        table: The table.
        known: ``ingest.labels``, and the labels in ``ingest.rename``.

    Returns:
        File and line, and values by column, of each row.

    Raises:
        InputError: If the table cannot be read, or a label is broken.
    """
    if columns := columns_of_labels(table):
        lines = rows(table, filled=("image",), optional=COLUMNS[2:], guess=guess_image)
        take_columns_of_labels(lines, columns)
        click.echo(f"{table}: yes and no in {', '.join(columns)} are taken as label", err=True)
    else:
        guess = partial(guess_header, table.parent, images=column_of_images(table))
        lines = rows(table, filled=("image",), present=("label",), optional=COLUMNS[2:], guess=guess)
    broken = next((where for where, row in lines if "\n" in row["label"]), None)
    if broken:
        raise InputError(f"{broken}: the label has a line break: close the quotation mark that is open before this line")
    if taken := take_names_of_numbers(lines, known):
        click.echo(f"{table}: the labels are numbers, so the column {taken!r} is taken as label", err=True)
    return lines


def refuse_unread(table: Path, names: Collection[str]) -> None:
    """Say which columns are not read.

    Args:
        table: The table, for messages.
        names: The names of its columns.

    Raises:
        InputError: If one is probably a misspelt optional column. Otherwise aucue would make splits, or detect boxes, that
            the table gives.
    """
    absent = [column for column in COLUMNS if column not in names]
    for name in names:
        column = None if name in COLUMNS else closest_name(name, absent)
        if column:
            raise InputError(f"{table} has the column {name!r}: write {column}, or rename it if it is not meant to be read")
    unread = [repr(name) for name in names if name not in COLUMNS and name.strip()]
    if unread:
        click.echo(f"{table}: not read: {', '.join(unread)} (columns that are read: {', '.join(COLUMNS)})", err=True)
