"""Describe a manifest for people: counts by label and split, and warnings of leaks between splits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from pipeline.faces.manifest import SPLITS, Photo
from pipeline.ingest import duplicates
from pipeline.runtime.status import Status

MOST_COPIES = 3  # of a photo, named in a warning


def summarise(photos: Sequence[Photo]) -> str:
    """Write a table of counts, labels down and splits across, then the exclusions with their reasons, then warnings."""
    counts = Counter((photo.label, photo.split) for photo in photos if photo.status == Status.OK)
    labels = sorted({label for label, _ in counts})
    lines = [f"{'':12}" + "".join(f"{split:>12}" for split in SPLITS)]
    lines += [f"{label:12}" + "".join(f"{counts[label, split]:12,}" for split in SPLITS) for label in labels]
    left_out = Counter((photo.status, photo.reason) for photo in photos if photo.status != Status.OK)
    lines += [f"{number:,} {status}: {reason}" for (status, reason), number in sorted(left_out.items())]
    unreadable = [photo.path for photo in photos if photo.status == Status.OK and photo.path and not photo.sha256]
    if unreadable:
        lines.append(f"WARNING: {len(unreadable):,} photos cannot be read, e.g. {unreadable[0]}: detect says why")
    lines += leak_warnings(photos)
    return "\n".join(lines)


def leak_warnings(photos: Sequence[Photo]) -> list[str]:
    """Warn of subjects in several splits, and of photos with the same bytes in several splits or with several labels."""
    usable = [photo for photo in photos if photo.status == Status.OK]
    warnings = []
    if not any(photo.subject for photo in usable):
        warnings.append(
            "WARNING: no photo names its subject: a person may be in several splits (a csv's subject column tells)"
        )
    subjects = _in_several_splits((photo.subject, photo.split) for photo in usable if photo.subject)
    if subjects:
        warnings.append(f"WARNING: {len(subjects):,} subjects are in more than one split, e.g. {subjects[0]}")
    by_problem = attrgetter("problem")
    for problem, group in groupby(sorted(duplicates.find(usable), key=by_problem), key=by_problem):
        copies = list(group)
        same = [copy.id for copy in copies if copy.sha256 == copies[0].sha256]
        named = same if len(same) <= MOST_COPIES else [*same[:MOST_COPIES], f"{len(same) - MOST_COPIES:,} more"]
        warnings.append(
            f"WARNING: {len(copies):,} photos have the same bytes as others, {problem}, e.g. {' and '.join(named)}: "
            "duplicates.csv lists them"
        )
    return warnings


def _in_several_splits(pairs: Iterable[tuple[str, str]]) -> list[str]:
    splits = defaultdict(set)
    for name, split in pairs:
        splits[name].add(split)
    return sorted(name for name, own in splits.items() if len(own) > 1)
