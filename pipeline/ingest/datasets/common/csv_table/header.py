"""Find out what the columns of a table are: from its header, or from its first line if it has none."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from pipeline.runtime.errors import InputError

MOST_NAMES, LONGEST_NAME = 20, 40  # columns, and characters of a column's name, in a message


class Header(NamedTuple):
    """The names of a table's columns, and whether the line that they are known from is a row already."""

    names: list[str]
    is_row: bool = False


Guess = Callable[[list[str]], Header | None]  # names the columns from the first line, or returns None


class Columns:
    """The columns of a table.

    Args:
        path: The table, for messages.
        required: Columns that must exist.
        optional: Other columns that the caller knows.
        published: All columns of a public dataset's table, which may lack its header. Empty for other tables.
        guess: Names the columns from a first line in which columns that must exist are missing.
    """

    def __init__(
        self, path: Path, required: Sequence[str], optional: Sequence[str], published: Sequence[str], guess: Guess
    ) -> None:
        self._path = path
        self._required = required
        self._published = published
        self._guess = guess
        self._spellings = {name.casefold(): name for name in (*required, *optional)}
        self._words: set[str] = set()  # that a header begins with
        self._notes: list[str] = []
        self._repeated = 0

    def score(self, first: list[str]) -> int:
        """Rate the first line as a header: how many of the columns that must exist it has. Guesses count less."""
        names = self._spelt(first)
        known = sum(column in names for column in self._required)
        return 2 * known + (self._guess(first) is not None or len(first) == len(self._published))

    def header(self, first: list[str]) -> Header:
        """Return the columns of a table that begins with a line.

        Raises:
            InputError: If a column is missing, or there are several of its name.
        """
        header = self._header(first)
        self._words = {*self._spellings, *(name.casefold() for name in first if not header.is_row)}
        return header

    def _header(self, first: list[str]) -> Header:
        names = self._spelt(first)
        if len(first) == len(self._published) and not set(names) & set(self._published):
            return Header(list(self._published), is_row=True)
        repeated = [name for name in self._spellings.values() if names.count(name) > 1]
        if repeated:
            raise InputError(f"{self._path} has several columns {repeated[0]}: keep one of them")
        missing = [column for column in self._required if column not in names]
        if not missing:
            return Header(names)
        guessed = self._guess(first)
        if guessed is None:
            has = f"it has {_listed(names)}: name the columns in the first line"
            raise InputError(f"{self._path} has no column {', '.join(missing)}: {has}")
        self._notes.append(_describe(first, guessed))
        return guessed

    def header_again(self, values: list[str]) -> Header | None:
        """Return the columns that a line between the rows names; None if the line is a row, as nearly all are."""
        if not self._required or values[0].casefold() not in self._words:
            return None
        names = self._spelt(values)
        header = Header(names) if set(self._required) <= set(names) else self._guess(values)
        if header is None or header.is_row:
            return None
        self._repeated += 1
        return header

    def report(self) -> None:
        """Say which columns were guessed, and how many lines between the rows are headers."""
        if self._repeated:
            lines = "1 line is" if self._repeated == 1 else f"{self._repeated:,} lines are"
            self._notes.append(f"{lines} the header again, and no row")
        for note in self._notes:
            click.echo(f"{self._path}: {note}", err=True)

    def _spelt(self, names: Sequence[str]) -> list[str]:
        """The names of columns, with known names as the caller writes them."""
        return [self._spellings.get(name.casefold(), name) for name in names]


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - MOST_NAMES:,} more"] if len(names) > MOST_NAMES else []
    return ", ".join([name[:LONGEST_NAME] for name in names[:MOST_NAMES]] + more)


def _describe(first: list[str], header: Header) -> str:
    if header.is_row:
        return f"there is no header: the columns are taken as {', '.join(name or 'unknown' for name in header.names)}"
    pairs = zip(first, header.names, strict=True)
    taken = [f"{name!r} as {column}" for name, column in pairs if name.casefold() != column.casefold()]
    return f"columns under other names are taken: {', '.join(taken)}"
