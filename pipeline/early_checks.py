"""Say before the hours of detection what a later stage would refuse.

The commands from ingest to landmarks call these checks, and their stages do not. So the checks decide no output byte, and a
change of the codebook's room makes no manifest and no face stale.
"""

from collections import Counter
from collections.abc import Iterable, Set
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.faces import dlib_models
from pipeline.faces.manifest import Photo
from pipeline.runtime import class_counts
from pipeline.runtime.class_counts import Counts
from pipeline.runtime.errors import InputError
from pipeline.runtime.messages import warn
from pipeline.runtime.parameters import Heatmaps, Params, Train
from pipeline.runtime.status import Status

BLANK = np.zeros((64, 64, 3), np.uint8)  # a photo on which to try a landmark model


def check_params(params: Params) -> None:
    """Check what the parameters alone tell: models, the codebook and the backbone.

    Raises:
        InputError: If a file that a parameter names is missing or broken, or if parameters exclude each other.
    """
    codebooks.load(params.heatmaps.codebook)
    if params.heatmaps.size > params.landmarks.crop_size:
        size, crop_size = params.heatmaps.size, params.landmarks.crop_size
        raise InputError(f"heatmaps.size is {size}, but landmarks.crop_size is {crop_size}: give {crop_size} or less")
    dlib_models.import_dlib()
    predictor = dlib_models.predictor_path(params.landmarks.predictor)
    if params.landmarks.predictor is not None:  # the packaged model is known by its digest
        dlib_models.predict(BLANK, (0, 0, *BLANK.shape[:2]), str(predictor))
    if params.detect.detector != "hog":
        dlib_models.packaged(dlib_models.CNN_DETECTOR)
    _check_backbone(params.train)


def _check_backbone(train: Train) -> None:
    """Raise InputError for a backbone that cannot be built here. Only a training asks the hub whether it has a model."""
    name = train.backbone.removeprefix("hf:")
    if name != train.backbone and find_spec("transformers") is None:
        warn(  # another machine may train
            f"train.backbone {train.backbone} needs Hugging Face transformers: pip install -c constraints.txt -e "
            "'.[backbones]' where you train, or set it to dlib_resnet"
        )
    if Path(name).is_absolute() and not Path(name).is_dir():
        raise InputError(f"train.backbone {train.backbone} is not a folder: name a folder with config.json, or a model")
    if train.weights == "pretrained" and name != train.backbone and _is_kind(name):
        raise InputError(
            f"train.backbone {train.backbone} names a kind of network, which has no weights: set train.weights to none, or "
            "name a model of the hub, such as hf:microsoft/resnet-50, or a folder"
        )
    if train.method == "tscam" and train.backbone == "dlib_resnet":
        raise InputError(
            "train.method tscam needs a vision transformer, which train.backbone dlib_resnet is not: set train.backbone to "
            "hf:facebook/deit-small-patch16-224 or the like, or use another method"
        )


def _is_kind(name: str) -> bool:
    """Whether a name is a kind of network of transformers, such as resnet; importing that library takes seconds."""
    library = find_spec("transformers")
    folders = library.submodule_search_locations if library else None
    return (
        "/" not in name
        and not Path(name).is_dir()
        and any((Path(folder) / "models" / name).is_dir() for folder in folders or ())
    )


def check_photos(photos: Iterable[Photo], params: Params) -> None:
    """Check the labels of the photos that are not excluded against the codebook and against each other's splits.

    Raises:
        InputError: If the codebook has no expression of a label, or a label has no training photo (see
            ``class_counts.refuse_untrained``).
    """
    counts = _count(photos)
    check_labels({label for label, _ in counts}, params.heatmaps)
    class_counts.refuse_untrained(counts, "photo", params.evaluate.untrained_labels, "add training photos of it")


def check_labels(labels: Set[str], heatmaps: Heatmaps) -> Codebook:
    """Return the codebook of ``heatmaps.codebook``, which must have an expression of each label.

    Raises:
        InputError: If it lacks a label. The message names the codebooks of the package that have them all.
    """
    book = codebooks.load(heatmaps.codebook)
    try:
        book.refuse_unknown(labels)
    except InputError as error:
        fitting = [name for name in codebooks.shipped() if _has(name, labels)]
        raise InputError(
            f"{error}, or set heatmaps.codebook to {' or '.join(fitting)}, which has every label" if fitting else str(error)
        ) from None
    return book


def _has(name: str, labels: Set[str]) -> bool:
    try:
        return labels <= set(codebooks.load(name).cues)
    except InputError:
        return False


def check_faces(faces: Counts, detections: Path, params: Params) -> None:
    """Check that every split has a face, and that every label has a training face.

    Args:
        faces: The numbers of faces by label and split.
        detections: Table that says why photos have no face, for the message.
        params: Its ``evaluate.untrained_labels`` says what becomes of labels without training faces.

    Raises:
        InputError: If a split has no face, or a label has no training face (see ``class_counts.refuse_untrained``).
    """
    class_counts.refuse_empty_splits(faces, "face", f"{detections} says why its photos have none")
    fix = f"{detections} says why its training photos have none"
    class_counts.refuse_untrained(faces, "face", params.evaluate.untrained_labels, fix)


def photo_warnings(photos: Iterable[Photo], params: Params) -> list[str]:
    """Describe in sentences the labels that no photo has, and the classes with too few photos."""
    counts = _count(photos)
    unused = sorted(set(params.ingest.labels) - {label for label, _ in counts})
    sentences = [f"no photo has the label {', '.join(unused)} of ingest.labels"] if unused else []
    return sentences + class_counts.warnings(counts, "photo", params.evaluate.untrained_labels)


def _count(photos: Iterable[Photo]) -> Counter[tuple[str, str]]:
    return Counter((photo.label, photo.split) for photo in photos if photo.status == Status.OK)
