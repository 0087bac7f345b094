"""The floors: what the figures of the benchmarks, and of the demo, must reach. ``floors.yaml`` holds them.

A floor of a benchmark is a ratio of figures of one run. Times and rates alone depend on the machine.
"""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters.block import Block
from pipeline.runtime.workers import executors
from pipeline.runtime.yaml_files import describe, load_yaml

Number = Annotated[float, Field(strict=False)]


class Floor(Block):
    """How low or how high one figure may be.

    Attributes:
        figure: Path of the figure in the JSON, with slashes. A number is the place in a list; -1 is the last.
        over: Path of another figure of the file by which ``figure`` is divided.
        at_least: Lowest value.
        at_most: Highest value.
        equal: The value on ``Source.processor``, to as many digits as are written here.
        within: Largest difference from ``equal`` on other processors.
        measured: The value from which the floor was set; with ``equal``, that is the same.
        reason: What is wrong if the floor is broken.
    """

    figure: str
    over: str | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    equal: str | None = Field(default=None, pattern=r"^-?\d+(\.\d+)?$")
    within: Number | None = None
    measured: Number | None = None
    reason: str

    @model_validator(mode="after")
    def _one_rule(self) -> "Floor":
        if sum(rule is not None for rule in (self.at_least, self.at_most, self.equal)) != 1:
            raise ValueError("must have one of at_least, at_most and equal")
        if (self.within is None) != (self.equal is None) or (self.measured is None) == (self.equal is None):
            raise ValueError("must have within beside equal, or measured beside at_least or at_most")
        return self

    @property
    def name(self) -> str:
        """The figure, in words for people."""
        return self.figure if self.over is None else f"{self.figure} over {self.over}"

    def value(self, content: object) -> float:
        """Return the figure.

        Raises:
            LookupError: If the JSON has no such number.
        """
        figure = _number_at(content, self.figure)
        return figure if self.over is None else figure / _number_at(content, self.over)

    def is_kept(self, value: float, *, same_processor: bool) -> bool:
        """Return whether a value is as the floor asks."""
        if self.at_least is not None:
            return value >= self.at_least
        if self.at_most is not None:
            return value <= self.at_most
        if not same_processor:
            return abs(value - float(self.equal or 0)) <= (self.within or 0)
        digits = len((self.equal or "").partition(".")[2])
        return f"{value:.{digits}f}" == self.equal

    def rule(self, *, same_processor: bool) -> str:
        """Return what is asked, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return self.equal or "" if same_processor else f"{self.equal} +- {self.within:g}"


class Source(Block):
    """The floors of one JSON file.

    Attributes:
        file: The file, below the folder of the outputs.
        command: Writes the file.
        processor: Where ``equal`` was measured, as ``this_processor`` says it.
        floors: The floors.
    """

    file: str
    command: str
    processor: str | None = None
    floors: tuple[Floor, ...] = Field(strict=False)


class Floors(Block):
    """All floors, by the name of the benchmark."""

    sources: Mapping[str, Source]


def load(path: Path) -> dict[str, Source]:
    """Read a file of floors.

    Returns:
        The floors of each file, by the name that ``aucue bench check`` takes.

    Raises:
        InputError: If the file cannot be read, or has other keys or values; in one line.
    """
    try:
        return dict(Floors.model_validate({"sources": load_yaml(path)}).sources)
    except ValidationError as error:
        raise InputError(f"{path}: {describe(error)}") from None


def this_processor() -> str:
    """Describe what decides the last digits of a training: the kind of processor, and the number of cores."""
    fields: dict[str, str] = {}
    information = Path("/proc/cpuinfo")
    if information.exists():  # the first processor's lines come first
        pairs = (line.partition(":") for line in reversed(information.read_text().splitlines()))
        fields = {name.strip(): value.strip() for name, _, value in pairs}
    named = (fields.get(name, "?") for name in ("vendor_id", "cpu family", "model"))
    kind = " ".join(named) if fields else platform.processor()
    return f"{kind}, {executors.worker_count('auto')} cores"


def _number_at(content: Any, path: str) -> float:
    for key in path.split("/"):
        content = content[int(key)] if isinstance(content, Sequence) else content[key]
    if isinstance(content, bool) or not isinstance(content, int | float):
        raise LookupError(path)
    return float(content)
