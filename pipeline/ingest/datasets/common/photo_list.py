"""Collect the photos of a public dataset. An unusable photo keeps its row, with the reason; most must be usable."""

from collections import Counter, defaultdict
from dataclasses import replace

from pipeline.faces.boxes import Box
from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.common.class_names import UnknownLabelError
from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status

MOST_UNUSABLE = 0.5  # share of the rows of a split; from there on, the table is damaged or of another dataset
MOST_UNKNOWN = 0.02  # share of the rows with one unknown label; beyond, the copy numbers its classes otherwise
MOST_NAMED = 3  # labels in a reason
FEW = 3  # rows with one unknown label, which prove nothing


class PhotoList:
    """Photos in the order of the dataset, with unique ids."""

    def __init__(self) -> None:
        self._photos: dict[str, Photo] = {}
        self._seen: set[Photo] = set()  # as they were listed
        self._copies: Counter[str] = Counter()
        self._unusable: dict[str, list[str]] = {}  # by split, messages that name the place
        self._unknown: dict[str, list[str]] = {}  # by unknown label, the same
        self._renames: dict[str, str] = {}  # by unknown label, the entry for ingest.rename that it needs

    def add(self, photo: Photo) -> None:
        """Append a photo.

        A photo may be listed again, for example for its second face. Then it has a second row, whose id ends in ``#2``. A
        row that repeats an earlier row is excluded.
        """
        name = photo.id
        if name in self._photos:
            if photo in self._seen and photo.status == Status.OK:
                photo = replace(photo, status=Status.EXCLUDED, reason="an earlier row is the same")
            self._seen.add(photo)
            while name in self._photos:
                self._copies[photo.id] += 1
                name = f"{photo.id}#{self._copies[photo.id] + 1}"
            photo = replace(photo, id=name)
        else:
            self._seen.add(photo)
        self._photos[name] = photo

    def add_labelled(self, photo: Photo, label: str, box: Box | None = None) -> None:
        """Append a photo with its label, and with the box that the dataset gives."""
        self.add(replace(photo, label=label, box=box))

    def add_unusable(self, photo: Photo, where: str, error: Exception, status: Status = Status.EXCLUDED) -> None:
        """Append the photo of a row that cannot be used.

        Args:
            photo: The photo.
            where: File and line, for the message if too many rows cannot be used.
            error: Its message becomes the reason.
            status: The status.
        """
        self.add(replace(photo, label="", status=status, reason=str(error)))
        self._unusable.setdefault(photo.split, []).append(f"{where}: {error}")
        if isinstance(error, UnknownLabelError):
            self._unknown.setdefault(str(error), []).append(f"{where}: {error}")
            self._renames[str(error)] = error.rename

    def finish(self) -> list[Photo]:
        """Return the photos.

        Raises:
            InputError: If half or more of the rows of a split cannot be used, or many rows have the same unknown label,
                as in a copy that numbers its classes otherwise.
        """
        photos = _without_contradictions(list(self._photos.values()))
        sizes = Counter(photo.split for photo in photos)
        for split, messages in self._unusable.items():
            size = sizes[split] if split else len(photos)
            if len(messages) >= MOST_UNUSABLE * size:
                raise InputError(
                    f"{messages[0]} ({len(messages):,} of {size:,} rows cannot be used): restore the published file"
                )
        for label, messages in self._unknown.items():
            if len(messages) > max(FEW, MOST_UNKNOWN * len(photos)):
                fix = "restore the published labels, or write in params.yaml which class each label is, such as "
                raise InputError(f"{messages[0]} ({len(messages):,} rows): {fix}ingest.rename: {self._renames[label]}")
        return photos


def _without_contradictions(photos: list[Photo]) -> list[Photo]:
    """Exclude the rows that give one face several labels: which of them is right is not known."""
    labels = defaultdict(set)
    for photo in photos:
        if photo.status == Status.OK:
            labels[photo.path, photo.box].add(photo.label)
    several = {face: ", ".join(sorted(its)[:MOST_NAMED]) for face, its in labels.items() if len(its) > 1}
    return [
        replace(photo, status=Status.EXCLUDED, reason=f"other rows give it another label ({several[photo.path, photo.box]})")
        if photo.status == Status.OK and (photo.path, photo.box) in several
        else photo
        for photo in photos
    ]
