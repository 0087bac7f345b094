"""Make the rows of a photo or of a video's frame, with the pictures of its faces."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.runtime.status import Status
from train.explain.answers.face_explanation import FaceExplanation
from train.explain.answers.photo_faces import PhotoFaces
from train.explain.frames import Frame
from train.explain.outputs.picture_files import picture_name, write_picture
from train.explain.outputs.table import PICTURES, Row, row_of


def rows_of(
    source: str, photo: PhotoFaces, faces: Sequence[FaceExplanation], out: Path | None = None, frame: Frame | None = None
) -> list[Row]:
    """Make the rows of a photo or frame, and draw its pictures.

    Args:
        source: Name of the photo or video.
        photo: The photo or frame.
        faces: The explanations of its faces.
        out: Folder of the pictures' folder; None draws none.
        frame: The frame; None for a photo.
    """
    number_of_frame, time = (frame.number, frame.time) if frame else (None, None)
    rows = []
    for number, face in enumerate(faces, start=1):
        picture = ""
        if out and face.status == Status.OK:
            picture = f"{PICTURES}/{picture_name(source, number_of_frame, number)}"
            write_picture(out / picture, face, photo)
        rows.append(row_of(source, number_of_frame, time, number if face.box else 0, face, picture))
    return rows
