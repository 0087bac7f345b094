"""The words for the outcome of a photo."""

from enum import StrEnum


class Status(StrEnum):
    """The outcome of a photo: the column ``status`` of the manifest, the detections and the face shards."""

    OK = "ok"  # the photo has a face
    EXCLUDED = "excluded"  # the dataset or ingest.labels leaves the photo out
    UNREADABLE = "unreadable"  # the file is missing or cannot be decoded, or decoding it killed the process
    TOO_LARGE = "too_large"  # the photo is refused for its size
    NO_FACE = "no_face"  # no level of the search finds a face
    MULTI_FACE = "multi_face"  # the photo shows several faces, and detect.on_multiple is fail
    LOW_CONFIDENCE = "low_confidence"  # landmarks do not settle or cannot be a face's; a box is too small, or outside
    PREDICTOR_FAILED = "predictor_failed"  # the landmarks cannot be aligned
