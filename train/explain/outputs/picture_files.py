"""Name, write and recognise the pictures of explanations."""

import re
import zlib
from pathlib import Path

import cv2

from pipeline.runtime.outputs.files import atomic
from train.explain.answers.face_explanation import FaceExplanation
from train.explain.answers.photo_faces import PhotoFaces
from train.explain.outputs.table import CSV, PICTURES

OWN = re.compile(r"-[0-9a-f]{8}(-frame\d+)?-face\d+\.png$")  # the end of every name that picture_name gives


def write_picture(path: Path, face: FaceExplanation, photo: PhotoFaces) -> None:
    """Draw a face's picture as a PNG file."""
    pixels = cv2.cvtColor(face.picture(photo.view, photo.scale), cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]  # 1: a quarter of the time of the default
    with atomic(path, durable=False) as temporary:
        temporary.write_bytes(encoded.tobytes())


def picture_name(source: str, frame: int | None, number: int) -> str:
    """Name the picture of a face: the photo's own name for people, and a digest of its path, since names repeat."""
    stem = re.sub(r"[^\w.-]+", "_", Path(source).stem)[:40]
    of_frame = "" if frame is None else f"-frame{frame:06d}"
    return f"{stem}-{zlib.crc32(source.encode()):08x}{of_frame}-face{number}.png"


def is_own_picture(path: Path) -> bool:
    """Tell whether a file is a picture that an explanation of other photos drew: it lies beside their table."""
    return path.parent.name == PICTURES and bool(OWN.search(path.name)) and (path.parent.parent / CSV).is_file()
