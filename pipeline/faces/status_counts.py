"""Counts of photos by status: over all photos, by label and by split."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.status import Status

NO_FAILURES = (Status.OK, Status.EXCLUDED)


class StatusCounts(Counter[str]):
    """The number of photos with each status.

    Attributes:
        by_label: The same of the photos of each label.
        by_split: The same of the photos of each split.
        faces: The number of photos whose status is ok, by label and split.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_label: dict[str, Counter[str]] = defaultdict(Counter)
        self.by_split: dict[str, Counter[str]] = defaultdict(Counter)
        self.faces: Counter[tuple[str, str]] = Counter()

    def count(self, statuses: Iterable[str], photos: Iterable[Photo]) -> None:
        """Add photos to the counts. The statuses are those of the photos, in the same order."""
        for status, photo in zip(statuses, photos, strict=True):
            for counter in (self, self.by_label[photo.label], self.by_split[photo.split]):
                counter[status] += 1
            self.faces[photo.label, photo.split] += status == Status.OK

    def refuse_too_many_failures(self, max_fraction: float, reasons: Path) -> None:
        """Refuse to go on if too many photos failed.

        Args:
            max_fraction: Largest accepted fraction of failed photos; excluded photos do not count.
            reasons: Table that holds the reasons, for the message.

        Raises:
            InputError: If the fraction is larger.
        """
        photos = self.total() - self[Status.EXCLUDED]
        failed = {status: number for status, number in self.items() if status not in NO_FAILURES}
        if photos and sum(failed.values()) > max_fraction * photos:
            by_status = ", ".join(f"{number:,} {status}" for status, number in sorted(failed.items()))
            raise InputError(
                f"{sum(failed.values()):,} of {photos:,} photos failed ({by_status}), more than ingest.max_failed_fraction "
                f"allows ({max_fraction:g}): {reasons} says why; fix the photos or the parameters of detect, or allow more"
            )

    def write(self, path: Path) -> None:
        """Write the counts as a DVC metric: JSON with total, by_label and by_split."""
        refuse_foreign_counts(path)
        content = {"total": dict(self), "by_label": self.by_label, "by_split": self.by_split}
        write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")

    def __str__(self) -> str:
        """Format a table: a column for each status; a row for all photos, for each split and for each label."""
        statuses = sorted(self, key=lambda status: (status != Status.OK, status))
        rows = {"all": self, **dict(sorted(self.by_split.items())), **dict(sorted(self.by_label.items()))}
        width = max(map(len, rows))
        lines = [" " * width + "".join(f"{status:>{max(10, len(status) + 2)}}" for status in statuses)]
        lines += [
            f"{name:{width}}" + "".join(f"{counts[status]:{max(10, len(status) + 2)},}" for status in statuses)
            for name, counts in rows.items()
        ]
        return "\n".join(lines)


def refuse_foreign_counts(path: Path) -> None:
    """Raise InputError if ``path`` is a file that ``StatusCounts.write`` did not write."""
    refuse_foreign(path, json_with("by_label", "by_split", "total"))
