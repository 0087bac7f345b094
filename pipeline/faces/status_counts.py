"""What became of the photos: how many rows have which status, in all, by label and by split."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from pipeline.faces.manifest import Photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from pipeline.runtime.status import Status

NOT_A_FAILURE = (Status.OK, Status.EXCLUDED)


class StatusCounts(Counter[str]):
    """How many rows have which status."""

    def __init__(self) -> None:
        super().__init__()
        self.by_label: dict[str, Counter[str]] = defaultdict(Counter)
        self.by_split: dict[str, Counter[str]] = defaultdict(Counter)

    def count(self, statuses: Iterable[str], photos: Iterable[Photo]) -> None:
        """Count photos with their statuses."""
        for status, photo in zip(statuses, photos, strict=True):
            for counter in (self, self.by_label[photo.label], self.by_split[photo.split]):
                counter[status] += 1

    def refuse_too_many_failures(self, most: float, reasons: Path) -> None:
        """InputError if a larger share than ``most`` of the photos, besides excluded ones, failed. ``reasons`` is
        where they are."""
        photos = self.total() - self["excluded"]
        failed = {status: number for status, number in self.items() if status not in NOT_A_FAILURE}
        if photos and sum(failed.values()) > most * photos:
            shown = ", ".join(f"{number:,} {status}" for status, number in sorted(failed.items()))
            raise InputError(
                f"{sum(failed.values()):,} of {photos:,} photos failed ({shown}), more than ingest.max_failed_fraction "
                f"allows ({most:g}): {reasons} says why; mend the photos or detect's parameters, or allow more"
            )

    def write(self, path: Path) -> None:
        """As a DVC metric."""
        content = {"total": dict(self), "by_label": self.by_label, "by_split": self.by_split}
        write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")

    def __str__(self) -> str:
        """A table: statuses across, all photos, labels and splits down."""
        statuses = sorted(self, key=lambda status: (status != "ok", status))
        rows = {"all": self, **dict(sorted(self.by_split.items())), **dict(sorted(self.by_label.items()))}
        width = max(map(len, rows))
        lines = [" " * width + "".join(f"{status:>{max(10, len(status) + 2)}}" for status in statuses)]
        lines += [
            f"{name:{width}}" + "".join(f"{counts[status]:{max(10, len(status) + 2)},}" for status in statuses)
            for name, counts in rows.items()
        ]
        return "\n".join(lines)
