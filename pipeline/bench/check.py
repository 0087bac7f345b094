"""Compare the figures that the benchmarks wrote with their floors, and say by name which floor is broken."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.bench import floors
from pipeline.bench.floors import Floor, Source
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.file_errors import naming


@dataclass(frozen=True)
class Finding:
    """One figure beside its floor.

    Attributes:
        source: Name of the benchmark.
        floor: The floor.
        value: The figure.
        same_processor: Whether the figure must be equal to its last digit.
    """

    source: str
    floor: Floor
    value: float
    same_processor: bool

    @property
    def is_kept(self) -> bool:
        """Whether the figure is as the floor asks."""
        return self.floor.is_kept(self.value, same_processor=self.same_processor)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the row of the table: verdict, benchmark, figure, value, rule."""
        rule = self.floor.rule(same_processor=self.same_processor)
        return "ok" if self.is_kept else "BROKEN", self.source, self.floor.name, f"{self.value:.4g}", rule


def main(data: Path, names: Collection[str], floors_path: Path, summary: Path | None) -> list[Finding]:
    """Compare figures with their floors, print the table, and append it to a page.

    Args:
        data: Folder of the outputs.
        names: The benchmarks to check; empty = all that have floors.
        floors_path: File of the floors.
        summary: Markdown file to append the table to, or None.

    Returns:
        The broken floors.

    Raises:
        InputError: If there are no floors, or none for a benchmark, or its file is missing or lacks a figure.
    """
    if not floors_path.is_file():
        raise InputError(f"there are no floors {floors_path}: run in the repository's folder, or give --floors")
    sources = floors.load(floors_path)
    for name in names:
        if name not in sources:
            meant = closest_name(name, sources) or ", ".join(sources)
            raise InputError(f"{floors_path} has no floors for {name}: give {meant}")
    findings = [finding for name in names or sources for finding in compare(data, name, sources[name])]
    for finding in findings:
        verdict, source, figure, value, rule = finding.cells()
        click.echo(f"{verdict:6}  {source}: {figure} is {value}, {rule}")
    if summary is not None:
        with naming(summary), summary.open("a", encoding="utf-8") as page:
            page.write(as_markdown(findings))
    return [finding for finding in findings if not finding.is_kept]


def compare(data: Path, name: str, source: Source) -> list[Finding]:
    """Compare the figures of one file with their floors.

    Raises:
        InputError: If the file is missing, or is no JSON, or lacks a figure.
    """
    path = data / source.file
    if not path.is_file():
        raise InputError(f"{path} is missing: run `{source.command}`")
    same_processor = source.processor == floors.this_processor()
    findings = []
    try:
        with naming(path):
            content = json.loads(path.read_bytes())
        for floor in source.floors:
            findings.append(Finding(name, floor, floor.value(content), same_processor))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise InputError(f"{path} is no JSON: delete it and run `{source.command}` again") from None
    except (LookupError, TypeError, ValueError, ZeroDivisionError):
        raise InputError(f"{path} has no figure {floor.name}: run `{source.command}` again") from None
    return findings


def as_markdown(findings: Collection[Finding]) -> str:
    """Return the findings as a table in Markdown, with the figure that each floor was set from."""
    rows = [("", "benchmark", "figure", "value", "must be", "was", "if broken"), ("---",) * 7]
    rows += [
        (*finding.cells(), f"{finding.floor.measured:g}" if finding.floor.measured is not None else "", finding.floor.reason)
        for finding in findings
    ]
    return "\n## Floors of the benchmarks\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)
