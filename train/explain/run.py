"""Explain a trained classifier's answers to photos and videos, row by row, with a picture for each face.

Rows that an earlier run made with the same classifier and settings are taken from the cache of finished work.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path

from pipeline.runtime.finished_work.cache import RowCache, json_digest
from pipeline.runtime.finished_work.resumption import completed
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import DIED, ordered_map
from train.explain.answers.explainer import Explainer
from train.explain.answers.photo_faces import PhotoFaces, faces_in_file, failed_photo
from train.explain.outputs.table import Row
from train.explain.rows import rows_of
from train.explain.settings import Settings
from train.explain.sources import Source
from train.explain.video import VideoRows


def explain_sources(
    explainer: Explainer, sources: Sequence[Source], settings: Settings, finished: RowCache
) -> Iterator[tuple[Source, Iterable[list[Row]]]]:
    """Yield each source with the rows of the photo, or of each frame of the video. The rows must be drawn in this order."""
    for is_video, group in groupby(sources, lambda source: source.is_video):
        if is_video:
            for source in group:
                yield source, VideoRows(explainer, source, settings, finished)
        else:
            photos = _PhotoRows(explainer, list(group), settings, finished)
            yield from ((source, [rows]) for source, rows in photos)


class _PhotoRows:
    """The rows of photos, those of an earlier run among them."""

    def __init__(self, explainer: Explainer, sources: list[Source], settings: Settings, finished: RowCache) -> None:
        self._explainer, self._sources, self._settings, self._finished = explainer, sources, settings, finished

    def __iter__(self) -> Iterator[tuple[Source, list[Row]]]:
        keys = [self._key(source) for source in self._sources]
        earlier = _Earlier(self._finished, self._settings.out)
        for (source, rows, is_new), key in zip(completed(self._sources, keys, earlier, self._made), keys, strict=True):
            if is_new and key:
                self._finished.keep(key, rows)
            yield source, rows

    def _key(self, source: Source) -> str:
        """The key of the photo's rows; empty if the file cannot be read."""
        content = source.digest()
        return json_digest(self._settings.digest, source.name, content, self._settings.pictures) if content else ""

    def _made(self, sources: Sequence[Source]) -> Iterator[list[Row]]:
        find = partial(faces_in_file, settings=self._explainer.settings)
        found = ordered_map(find, [str(source.path) for source in sources], self._settings.workers, _died)
        for batch in in_batches(zip(sources, found, strict=True), self._settings.batch_size):
            answers = self._explainer.explain_all([photo.faces for _, photo in batch])
            for (source, photo), faces in zip(batch, answers, strict=True):
                yield rows_of(source.name, photo, faces, self._settings.out if self._settings.pictures else None)


class _Earlier:
    """Rows of an earlier run, if their pictures are still there."""

    def __init__(self, finished: RowCache, out: Path) -> None:
        self._finished, self._out = finished, out

    def __contains__(self, key: str) -> bool:
        return key in self._finished and self.recall(key) is not None

    def recall(self, key: str) -> list[Row] | None:
        rows: list[Row] = self._finished.recall(key)
        return rows if all(not row["picture"] or (self._out / row["picture"]).is_file() for row in rows) else None


def in_batches(items: Iterable, size: int) -> Iterator[list]:
    """Cut items into lists of ``size``, the last of which may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _died(_: str) -> PhotoFaces:
    return failed_photo(Status.UNREADABLE, DIED)
