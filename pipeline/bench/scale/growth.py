"""How the cost of a face grows with the number of faces, and the limits of that."""

from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 0.2  # of the processor: a smaller cost cannot be told from chance
BYTES = 50e6  # the same of memory


@dataclass(frozen=True)
class Cost:
    """What a command, or a part of it, costs with a dataset beyond what it costs with a small one."""

    rows: int
    added_rows: int  # beyond those of the small dataset
    seconds: float  # of the processor, for the added rows
    peak_bytes: int  # of the whole process
    added_bytes: int  # of memory, for the added rows
    silence: float  # seconds of the clock without a line of progress

    def beside(self, smaller: Sequence["Cost"]) -> dict[str, float]:
        """Return the figures of this cost, with the ratios of its cost per face to that in a smaller dataset.

        Args:
            smaller: The costs with the smaller datasets, the smallest first. The first that can be told from chance counts;
                if there is none, the largest of them counts as if it could just be told.
        """
        seconds, memory = self.seconds / self.added_rows, self.added_bytes / self.added_rows
        return {
            "rows": self.rows,
            "seconds": self.seconds,
            "microseconds_per_face": seconds * 1e6,
            "time_ratio": _ratio(seconds, [(cost.seconds, cost.added_rows) for cost in smaller], SECONDS),
            "peak_megabytes": self.peak_bytes / 1e6,
            "bytes_per_face": memory,
            "memory_ratio": _ratio(memory, [(cost.added_bytes, cost.added_rows) for cost in smaller], BYTES),
            "silent_seconds": self.silence,
        }


def _ratio(per_face: float, smaller: Sequence[tuple[float, int]], least: float) -> float:
    """The ratio of a cost per face to that of the first of smaller costs (cost, faces) that reaches ``least``."""
    if not smaller:
        return 1.0
    cost, faces = next((each for each in smaller if each[0] >= least), (least, smaller[-1][1]))
    return per_face / (cost / faces)


RATIOS = {"time_ratio": "processor time", "memory_ratio": "memory"}


def broken_limits(name: str, figures: Sequence[dict[str, float]], most: float, most_megabytes: float) -> list[str]:
    """Describe the limits that a command breaks.

    Args:
        name: Name of the command.
        figures: Its figures with each dataset, the smallest first (see ``Cost.beside``).
        most: Largest ratio of the cost of a face to its cost in a smaller dataset.
        most_megabytes: Largest peak memory.
    """
    problems = []
    for entry in figures:
        where = f"{name} with {entry['rows']:,} rows"
        problems += [
            f"{where} takes {entry[ratio]:.2f} times the {title} for a face that it takes with fewer rows, more than "
            f"{most:g}"
            for ratio, title in RATIOS.items()
            if entry[ratio] > most
        ]
        if entry["peak_megabytes"] > most_megabytes:
            problems.append(f"{where} takes {entry['peak_megabytes']:,.0f} MB of memory, more than {most_megabytes:,g}")
    return problems
