"""Find the faces of one photo, and cut their aligned crops as the pipeline does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from pipeline.detect.face_search import levels, search
from pipeline.detect.stage import detect_face
from pipeline.faces import dlib_models
from pipeline.faces.boxes import Box, area
from pipeline.faces.headers import UnreadablePhotoError
from pipeline.faces.manifest import Photo
from pipeline.faces.picture import Picture, read_picture
from pipeline.landmarks.face import align_face
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import file_digest
from pipeline.runtime.parameters import Detect, Landmarks
from pipeline.runtime.status import Status
from pipeline.shards.crops import decode_crop

VIEW = 320  # pixels of the longer side
Which = Literal["all", "largest"]
DETECT = Detect(  # the block detect of params.yaml
    detector="hog_then_mmod",
    search_sizes=(128, 256, 512, 1024),
    mmod_search_sizes=(128,),
    padding=0.25,
    on_multiple="largest",
    fallback="none",
)


@dataclass(frozen=True)
class FaceSettings:
    """How faces are looked for, and how their crops are cut.

    Attributes:
        detect: The search.
        landmarks: The landmarks and the crop.
        which: Whether all faces of a photo count, or the face that ``detect.on_multiple`` chooses.
        predictor: Path of the 68-point dlib model, whose content was checked once: a digest takes as long as a face.
    """

    detect: Detect
    landmarks: Landmarks
    which: Which
    predictor: str


@dataclass(frozen=True)
class PhotoFace:
    """A face of a photo, or the reason why there is none.

    Attributes:
        status: A Status.
        reason: Why there is no face; empty if the status is ok.
        box: (left, top, right, bottom) in pixels of the photo; None if no face was found.
        landmarks: (68, 2) float32, (x, y) in pixels of the photo; zeros unless the status is ok.
        crop_landmarks: The same in pixels of the crop.
        crop: (S, S, 3) uint8 RGB; empty unless the status is ok.
    """

    status: str
    reason: str
    box: Box | None
    landmarks: np.ndarray
    crop_landmarks: np.ndarray
    crop: np.ndarray


def face_settings(provenance: dict, detect: Detect, predictor: str | None, which: Which) -> FaceSettings:
    """Return the settings that give the crops that a classifier was trained on.

    Args:
        provenance: That of the face shards, from the classifier's config.
        detect: How to look for faces.
        predictor: Path of a 68-point dlib model; None for the packaged model.
        which: Which faces of a photo count.

    Raises:
        InputError: If the predictor is not the one that the classifier's faces were aligned with.
    """
    landmarks = Landmarks(
        predictor=predictor,
        max_refinements=provenance["looks"] - 1,
        crop_size=provenance["crop_size"],
        encoding=provenance["encoding"],
        jpeg_quality=provenance["jpeg_quality"],
    )
    path = dlib_models.predictor_path(predictor)
    sha256 = file_digest(path) if predictor else dlib_models.SHA256[dlib_models.PREDICTOR]
    if sha256 != provenance["predictor_sha256"]:
        raise InputError(f"the classifier's faces were aligned with another predictor than {path}: set landmarks.predictor")
    return FaceSettings(detect.model_copy(update={"fallback": provenance["fallback"]}), landmarks, which, str(path))


@dataclass(frozen=True)
class PhotoFaces:
    """The faces of a photo, small enough to be sent from one process to another.

    Attributes:
        faces: The faces, one entry at least.
        view: (h, w, 3) uint8 RGB, the photo, shrunk to VIEW pixels at most; None if it could not be read.
        scale: Pixels of the view for each pixel of the photo.
    """

    faces: list[PhotoFace]
    view: np.ndarray | None = None
    scale: float = 1.0


def faces_in_file(path: str, settings: FaceSettings) -> PhotoFaces:
    """Find the faces of a photo file. A file that cannot be read gives one entry with its status."""
    try:
        return faces_in_photo(read_picture(path), settings)
    except UnreadablePhotoError as error:
        return failed_photo(error.status, str(error))


def faces_in_photo(picture: Picture, settings: FaceSettings) -> PhotoFaces:
    """Find the faces of a photo, and shrink it for pictures; see ``faces_in``."""
    scale = min(1.0, VIEW / picture.longer)
    size = tuple(max(1, round(scale * length)) for length in picture.size)
    image = picture.rgb(picture.reduction(picture.longer, VIEW))
    return PhotoFaces(faces_in(picture, settings), cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale)


def failed_photo(status: str, reason: str) -> PhotoFaces:
    """Make the result of a photo that cannot be looked at."""
    return PhotoFaces([_no_face(status, reason)])


def faces_in(picture: Picture, settings: FaceSettings) -> list[PhotoFace]:
    """Find the faces of a photo, from left to right.

    Args:
        picture: The photo.
        settings: How to look for faces.

    Returns:
        One entry at least: a photo without a face has the status ``no_face``.

    Raises:
        UnreadablePhotoError: If the picture is a large photo that turns out to be damaged.
    """
    find: Callable[[Picture, FaceSettings], list[Box] | PhotoFace]
    find = _all_boxes if settings.which == "all" else _chosen_box
    found = find(picture, settings)
    if isinstance(found, PhotoFace):
        return [found]
    return [_aligned(picture, box, settings) for box in found]


def _all_boxes(picture: Picture, settings: FaceSettings) -> list[Box] | PhotoFace:
    """The boxes of all faces. The coarse levels of the policy ``largest`` may miss small faces, so they are left out."""
    faces = search(picture, levels(settings.detect.model_copy(update={"on_multiple": "score"})))
    if faces is None:
        return _without_face(picture, settings)
    return sorted(faces.boxes, key=lambda box: (box[0], -area(box)))


def _chosen_box(picture: Picture, settings: FaceSettings) -> list[Box] | PhotoFace:
    detection = detect_face(Photo("", "", "", "", ""), picture, settings.detect)
    if detection.status != Status.OK:
        return _no_face(detection.status, detection.reason)
    return [detection.box]


def _without_face(picture: Picture, settings: FaceSettings) -> list[Box] | PhotoFace:
    if settings.detect.fallback == "image":
        width, height = picture.size
        return [(0.0, 0.0, float(width), float(height))]
    return _no_face(Status.NO_FACE, f"no face at any level ({settings.detect.detector})")


def _aligned(picture: Picture, box: Box, settings: FaceSettings) -> PhotoFace:
    boxes = [box]
    if settings.detect.fallback == "image":
        width, height = picture.size
        boxes.append((0.0, 0.0, float(width), float(height)))
    landmarks = settings.landmarks
    face = align_face(picture, boxes, landmarks, settings.predictor)
    if face.status != Status.OK:
        return PhotoFace(face.status, face.reason, box, face.landmarks, face.landmarks, np.zeros((0, 0, 3), np.uint8))
    crop = decode_crop(face.crop, landmarks.encoding)  # as training saw it: JPEG changes pixels
    if crop is None:
        raise RuntimeError("OpenCV could not decode a crop that it has encoded")
    return PhotoFace(Status.OK, "", box, face.photo_landmarks, face.landmarks, crop)


def _no_face(status: str, reason: str) -> PhotoFace:
    nothing = np.zeros((68, 2), np.float32)
    return PhotoFace(status, reason, None, nothing, nothing, np.zeros((0, 0, 3), np.uint8))
