"""The words for what became of a photo."""

from enum import StrEnum


class Status(StrEnum):
    """What became of a photo: the column ``status`` of the manifest, the detections and the face shards."""

    OK = "ok"  # has a face
    EXCLUDED = "excluded"  # is left out by the dataset or ingest.labels
    UNREADABLE = "unreadable"  # is missing or cannot be decoded
    TOO_LARGE = "too_large"  # is refused for its size
    NO_FACE = "no_face"  # shows none at any level
    MULTI_FACE = "multi_face"  # shows several, and detect.on_multiple is fail
    LOW_CONFIDENCE = "low_confidence"  # has landmarks that no face has, or a given box beside the photo
    PREDICTOR_FAILED = "predictor_failed"  # has landmarks that cannot be aligned
