"""Read the lines of a table as text: its encoding, its separator, and lines that are quoted as a whole."""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from pipeline.runtime.errors import InputError

SEPARATORS = ",;\t|"  # Excel writes semicolons where a comma is the decimal sign, and tabs as "Unicode text"
BLANKS = " \t\r\n\xa0\u200b\ufeff"  # around a name or value: also the blanks that nobody sees
MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # UTF-32 first
SAMPLE = 1000  # bytes that show whether a text without a mark is UTF-16
LONGEST = 1_000_000  # characters of a line in a sample


def encodings_of(path: Path) -> Sequence[str]:
    """Return the encodings that a table may have, in the order in which they are to be tried."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    marked = next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), None)
    if marked:
        return (marked,)
    if _are_mostly_zero(start[1::2]) and 0 not in start[::2]:
        return ("utf-16-le",)
    if _are_mostly_zero(start[::2]) and 0 not in start[1::2]:
        return ("utf-16-be",)
    return ("utf-8-sig", "cp1252")


def separators_of(path: Path) -> str:
    """Return the separators that a table may have. Text files have blanks, too."""
    return SEPARATORS + " " * (path.suffix.casefold() == ".txt")


def samples(path: Path, number: int) -> Iterator[list[list[str]]]:
    """Yield the values of a table's first lines, once for each separator.

    Args:
        path: The file.
        number: The number of lines to read.
    """
    with path.open(encoding=encodings_of(path)[0], errors="replace", newline="") as stream:
        text = list(filter(str.strip, (stream.readline(LONGEST) for _ in range(number))))
    for separator in separators_of(path):
        try:
            yield list(Lines(text, separator))
        except csv.Error:
            yield []


def _are_mostly_zero(content: bytes) -> bool:
    return content.count(0) * 2 > len(content)


def separator_of(path: Path, stream: TextIO, score: Callable[[list[str]], int]) -> str:
    """Return the separator that gives the first line the highest score. The stream is rewound.

    Args:
        path: The file, for the error.
        stream: Its text.
        score: Rates the values of a line as a header.

    Raises:
        InputError: If the file is binary or empty.
    """
    first = next((line for line in stream if line.strip(BLANKS + SEPARATORS + '"') and not _names_separator(line)), "")
    if "\0" in first or first.startswith("PK\3\4"):
        raise InputError(f"{path} is a workbook or another binary file: save it as CSV")
    if not first:
        raise InputError(f"{path} is empty: it must have a header, and a line for each photo")
    stream.seek(0)
    lines = {separator: next(Lines([first], separator), []) for separator in separators_of(path)}
    return max(lines, key=lambda separator: (score(lines[separator]), len(lines[separator])))


class Lines:
    """The lines of a table that hold a value, as lists of values without the blanks around them.

    Attributes:
        number: The number of the current line, as an editor counts.
    """

    def __init__(self, stream: TextIO | list[str], separator: str) -> None:
        self._reader = csv.reader(stream, delimiter=separator, skipinitialspace=True)
        self._separator = separator

    @property
    def number(self) -> int:
        """The number of the current line."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        for line in self._reader:
            values = [value.strip(BLANKS) for value in self._unquoted(line)]
            if any(values) and not _names_separator(values[0]):
                return values
        raise StopIteration

    def _unquoted(self, line: list[str]) -> list[str]:
        """The values of a line. Some programs quote a line as a whole: ``"a.jpg,anger"``."""
        if len(line) == 1 and self._separator in line[0]:
            if "\n" in line[0]:
                raise csv.Error(f"a quotation mark is not closed, in the lines before line {self.number + 1}")
            return next(csv.reader(line, delimiter=self._separator, skipinitialspace=True), line)
        return line


def _names_separator(text: str) -> bool:
    """Whether this is the line ``sep=;``, which tells Excel the separator."""
    return text.startswith("sep=") and len(text.strip(BLANKS)) <= len("sep=;")
