"""The face of one photo: its landmarks and its aligned crop, or the reason why it has none."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.faces.boxes import Box, area, cut, reduced, smallness
from pipeline.faces.detections import Detection
from pipeline.faces.headers import UnreadablePhotoError
from pipeline.faces.manifest import Photo
from pipeline.faces.picture import WHOLE, Picture, read_picture
from pipeline.landmarks import align
from pipeline.landmarks.fit import fit_landmarks
from pipeline.runtime.parameters import Landmarks
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import DIED
from pipeline.shards.crops import encode_crop

FACE_PIXELS = 256  # of a box's side, which a reduced photo leaves


@dataclass(frozen=True)
class Face:
    """The face of one photo, as a row of the face shards stores it, and where it is in the photo."""

    status: str  # a Status
    reason: str  # why the photo has no face; empty if the status is ok
    landmarks: np.ndarray  # (68, 2) float32, (x, y) in crop pixels; zeros unless the status is ok
    crop: np.ndarray  # (n,) uint8, the encoded crop; empty unless the status is ok
    # (68, 2) float32, (x, y) in photo pixels; zeros unless the face was aligned just now. Shards do not keep them.
    photo_landmarks: np.ndarray = field(default_factory=lambda: np.zeros((68, 2), np.float32))


def align_photo(pair: tuple[Photo, Detection], params: Landmarks, predictor: str, fallback: str = "none") -> Face:
    """Place the landmarks of one photo's face and cut its crop.

    Args:
        pair: The photo and its row of the detections.
        params: How to place landmarks and how to store the crop.
        predictor: Path of a 68-point dlib model.
        fallback: With ``image``, the whole photo is tried after a box that gives no trustworthy landmarks.

    Returns:
        The face. A problem with the photo becomes a status and a reason and raises nothing.
    """
    photo, detection = pair
    if detection.status != Status.OK:
        return failed_face(detection.status, detection.reason)
    try:
        picture = read_picture(photo.path, photo.sha256)
        boxes = [detection.box]
        if fallback == "image" and not detection.is_whole_photo:
            width, height = picture.size
            boxes.append((0.0, 0.0, float(width), float(height)))
        return align_face(picture, boxes, params, predictor)
    except UnreadablePhotoError as error:
        return failed_face(error.status, str(error))


def align_face(picture: Picture, boxes: Sequence[Box], params: Landmarks, predictor: str) -> Face:
    """Place the landmarks of a face and cut its crop.

    Args:
        picture: The photo. It is seen reduced, as far as landmarks and crop allow.
        boxes: At least one box around the face, to be tried in order until one gives trustworthy landmarks.
        params: How to place landmarks and how to store the crop.
        predictor: Path of a 68-point dlib model.

    Returns:
        The face. Its status and reason say why there is none.

    Raises:
        UnreadablePhotoError: If the picture is a large photo that turns out to be damaged.
    """
    for box in boxes:
        reduction = picture.reduction(np.sqrt(area(box)), FACE_PIXELS)
        image, seen_box = picture.rgb(reduction), reduced(box, reduction)
        if reason := smallness(box, picture.size):
            continue
        points, reason = fit_landmarks(image, seen_box, predictor, params.max_refinements)
        reason = reason or _blankness(seen_box, image)
        if not reason:
            break
    else:
        return failed_face(Status.LOW_CONFIDENCE, reason)
    points = (points + 0.5) * reduction - 0.5  # from the centres of reduced pixels to those of the photo's pixels
    try:
        matrix = align.similarity(points, params.crop_size)
    except ValueError as error:
        return failed_face(Status.PREDICTOR_FAILED, str(error))
    # The face may be smaller than its box was.
    reduction = min(reduction, picture.reduction(params.crop_size / align.scale(matrix), params.crop_size))
    image, from_image = picture.rgb(reduction), align.reduced(matrix, reduction)
    if picture.longer > WHOLE:
        image, from_image = align.surroundings(image, from_image, params.crop_size)
    crop = align.crop(image, from_image, params.crop_size)
    encoded = encode_crop(crop, params.encoding, params.jpeg_quality)
    in_crop = align.transform(points, matrix).astype(np.float32)
    return Face(Status.OK, "", in_crop, encoded, points.astype(np.float32))


def _blankness(box: Box, image: np.ndarray) -> str:
    """The reason why a box shows no face if it is of one colour; otherwise empty text."""
    pixels = cut(box, image)
    # The first row alone decides on most faces, in less time.
    is_blank = (pixels[0] == pixels[0, 0]).all() and (pixels == pixels[0, 0]).all()
    return "the face is of one colour" if is_blank else ""


def failed_face(status: str, reason: str) -> Face:
    """Make the row of a photo without a face: zeros for the landmarks, and an empty crop."""
    return Face(status, reason, np.zeros((68, 2), np.float32), np.zeros(0, np.uint8))


def crashed_face(_: tuple[Photo, Detection]) -> Face:
    """Make the row of a photo that crashed the process that worked on it."""
    return failed_face(Status.UNREADABLE, DIED)
