"""Explain a classifier's answers to the frames of a video, one after another, in memory that does not grow."""

from collections import deque
from collections.abc import Container, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from pipeline.faces.boxes import area
from pipeline.faces.picture import Picture
from pipeline.runtime.finished_work.cache import RowCache, json_digest
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import DIED, streamed_map
from train.explain.answers.explainer import Explainer
from train.explain.answers.face_explanation import FaceExplanation
from train.explain.answers.photo_faces import FaceSettings, PhotoFaces, faces_in_photo, failed_photo
from train.explain.frames import Frame, frames
from train.explain.outputs.picture_files import write_picture
from train.explain.outputs.table import Row, row_of
from train.explain.rows import rows_of
from train.explain.settings import Settings
from train.explain.sources import Source


class VideoRows:
    """The rows of each frame of a video, those of an earlier run among them.

    Iterating looks at the video. A video that is damaged, or ends early, has a last row that says so.
    """

    def __init__(self, explainer: Explainer, source: Source, settings: Settings, finished: RowCache) -> None:
        self._explainer, self._source, self._settings, self._finished = explainer, source, settings, finished
        self._problem = ""
        self._order: deque[Frame] = deque()  # frames that were decoded, and whose rows are still to come

    def __iter__(self) -> Iterator[list[Row]]:
        self._key = partial(json_digest, self._settings.digest, self._source.name, self._source.digest())
        find = partial(_faces_in_frame, settings=self._explainer.settings)
        found = streamed_map(find, self._missing(), self._settings.workers, _died)
        batch: list[tuple[Frame, PhotoFaces]] = []
        for photo in found:
            if len(batch) == self._settings.batch_size or self._is_earlier_next():  # rows stay in the order of the frames
                yield from self._made_rows(batch)
                batch = []
            yield from self._earlier_rows()
            batch.append((self._order.popleft(), photo))
        yield from self._made_rows(batch)
        yield from self._earlier_rows()
        if self._problem:
            failed = FaceExplanation(Status.UNREADABLE, self._problem)
            yield [row_of(self._source.name, None, None, 0, failed, "")]

    def _missing(self) -> Iterator[Frame]:
        """Decode the video, note the order of its frames, and yield those that no earlier run has explained."""
        try:
            for frame in frames(self._source.path, self._settings.every, self):
                self._order.append(frame)
                if frame.image is not None:
                    yield frame
        except ValueError as error:
            self._problem = str(error)

    def __contains__(self, number: object) -> bool:
        """Whether the image of a frame is wanted: no earlier run has explained it."""
        return self._key(number) not in self._finished

    def _is_earlier_next(self) -> bool:
        return bool(self._order) and self._order[0].image is None

    def _earlier_rows(self) -> Iterator[list[Row]]:
        while self._is_earlier_next():
            yield self._finished.recall(self._key(self._order.popleft().number))

    def _made_rows(self, batch: list[tuple[Frame, PhotoFaces]]) -> Iterator[list[Row]]:
        answers = self._explainer.explain_all([photo.faces for _, photo in batch])
        for (frame, photo), faces in zip(batch, answers, strict=True):
            rows = rows_of(self._source.name, photo, faces, frame=frame)
            self._finished.keep(self._key(frame.number), rows)
            yield rows


def draw_frames(explainer: Explainer, source: Source, wanted: dict[int, str], out: Path) -> dict[int, str]:
    """Draw the largest face of some frames of a video, which is decoded again as far as the last of them.

    Args:
        explainer: The classifier.
        source: The video.
        wanted: Number of a frame -> name of the picture to write.
        out: Folder of the pictures.

    Returns:
        Number of a frame -> name of its picture, for the frames in which a face was found again.
    """
    drawn = {}
    for frame in islice(_wanted_frames(source.path, wanted), len(wanted)):
        photo = _faces_in_frame(frame, explainer.settings)
        (faces,) = explainer.explain_all([photo.faces])
        face = largest(faces)
        if face:
            write_picture(out / wanted[frame.number], face, photo)
            drawn[frame.number] = wanted[frame.number]
    return drawn


def _wanted_frames(video: Path, wanted: Container[int]) -> Iterator[Frame]:
    """The wanted frames of a video, as far as it can be decoded: its rows say where it ends."""
    with suppress(ValueError):
        yield from (frame for frame in frames(video, 0, wanted) if frame.image is not None)


def largest(faces: list[FaceExplanation]) -> FaceExplanation | None:
    """Return the explained face with the largest box; None if there is none."""
    explained = [(area(face.box), place) for place, face in enumerate(faces) if face.status == Status.OK and face.box]
    return faces[max(explained)[1]] if explained else None


def _faces_in_frame(frame: Frame, settings: FaceSettings) -> PhotoFaces:
    if frame.image is None:
        raise ValueError("a frame without its image")
    return faces_in_photo(Picture(frame.image), settings)


def _died(_: Frame) -> PhotoFaces:
    return failed_photo(Status.UNREADABLE, DIED)
