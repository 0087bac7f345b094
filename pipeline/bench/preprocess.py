"""Measure how fast photos become aligned crops with landmarks, beside a plain loop and mediapipe, and in how much memory.

The photos are those of a manifest, repeated if it has too few. Everything is timed in one run, including the reading of the
files.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2

from pipeline.bench import mediapipe_faces
from pipeline.bench.crop_reads import measure_reads
from pipeline.bench.large_photos import make_large_photos
from pipeline.bench.measurement import print_figures, timed
from pipeline.bench.worker_memory import measure_memory
from pipeline.detect import stage as detect
from pipeline.detect.face_search import Level, search
from pipeline.faces import dlib_models, manifest
from pipeline.faces.manifest import SPLITS, Photo
from pipeline.faces.picture import Picture, read_picture
from pipeline.landmarks import stage as landmarks
from pipeline.landmarks.face import align_photo
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.parameters import Params
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet

DETECTED = 40  # photos to time the detectors with


def main(params: Params, manifest_path: Path, number: int, large: int, many: int, out: Path) -> dict[str, object]:
    """Measure everything, print the figures and write them as JSON.

    Args:
        params: Parameters of the stages.
        manifest_path: Table of the photos to measure with.
        number: Number of photos for the rates.
        large: Number of photos of 12 megapixels to make for the rate of large photos; 0 for none.
        many: Number of photos for the memory.
        out: JSON file to write.

    Returns:
        The figures.

    Raises:
        InputError: If the manifest has no usable photo.
    """
    refuse_foreign(out, json_with("photos", "memory"))
    if 0 < large < len(SPLITS):
        raise InputError(f"--large is {large}: give 0, or {len(SPLITS)} or more, since each split needs a photo")
    usable = [photo for photo in manifest.read(manifest_path) if photo.status == Status.OK]
    if not usable:
        raise InputError(f"{manifest_path} has no usable photo: run `aucue ingest` on others")
    photos = repeat(usable, number)
    results: dict[str, object] = {"photos": len(photos), "different": len({photo.sha256 for photo in photos})}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        for title, ours in settings(params).items():
            figures = measure_rates(ours, photos, Path(name) / title)
            results[title] = print_figures(f"photos a second, {title}", figures)
        results["detectors"] = print_figures("dlib's detectors at 128 pixels", measure_detectors(photos[:DETECTED]))
        if large:
            figures = measure_stages(params, make_large_photos(usable, large, Path(name) / "photos"), Path(name) / "large")
            results["large"] = print_figures("photos of 12 megapixels a second, as in params.yaml", figures)
        results["mediapipe"] = mediapipe_faces.measure([photo.path for photo in photos])
        for encoding in ("jpeg", "raw"):
            shards = run_stages(with_crops(params, encoding), usable, Path(name) / encoding)
            figures = measure_reads(shards, encoding)
            results[encoding] = print_figures(f"{encoding} crops", figures)
    results["memory"] = print_figures("memory", measure_memory(params, repeat(usable, many)))
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def settings(params: Params) -> dict[str, Params]:
    """Vary the parameters: as they are, without the CNN, and hasty (one size for HOG, one prediction of the landmarks)."""
    hog = params.detect.model_copy(update={"detector": "hog"})
    one_size = hog.model_copy(update={"search_sizes": hog.search_sizes[:1]})
    one_prediction = params.landmarks.model_copy(update={"max_refinements": 0})
    return {
        "as in params.yaml": params,
        "without the CNN": params.model_copy(update={"detect": hog}),
        "hasty": params.model_copy(update={"detect": one_size, "landmarks": one_prediction}),
    }


def with_crops(params: Params, encoding: str) -> Params:
    """Return the parameters with two workers and with crops that are stored as ``jpeg`` or ``raw``."""
    base = params.base.model_copy(update={"workers": 2})
    return params.model_copy(update={"base": base, "landmarks": params.landmarks.model_copy(update={"encoding": encoding})})


def repeat(photos: Sequence[Photo], number: int) -> list[Photo]:
    """Repeat photos until there is the given number, each with an id of its own.

    The photos are given splits in turn: a few photos may lack a split, and a manifest must have all of them.
    """
    return [
        replace(photos[index % len(photos)], id=f"{index:07d}", split=SPLITS[index % len(SPLITS)]) for index in range(number)
    ]


def measure_rates(params: Params, photos: Sequence[Photo], folder: Path) -> dict[str, float]:
    """Compare the stages with the plain loop.

    Args:
        params: Parameters of the stages.
        photos: Photos to work on. The plain loop is slow and works on a quarter of them.
        folder: Folder to make for the outputs.

    Returns:
        Photos per second of the plain loop and of the stages with one and two workers, the recall of both, the milliseconds
        per photo of the calls that no pipeline can do without, and ratios of these.
    """
    some = photos[: max(1, len(photos) // 4)]
    plain_loop(some[:1])  # loads the models, once for all settings
    has_face, plain = timed(lambda: plain_loop(some))
    stages = measure_stages(params, photos, folder)
    raw = milliseconds_of_raw_calls(params, some)
    return {
        "plain_loop": len(some) / plain,
        "plain_recall": sum(has_face) / len(some),
        **stages,
        "times_the_plain_loop": stages["two_workers"] / (len(some) / plain),
        "of_twice_one_worker": stages["two_workers"] / stages["one_worker"] / 2,
        "raw_milliseconds": raw,
        "overhead_over_raw_calls": 1000 / stages["one_worker"] / raw - 1,
    }


def measure_detectors(photos: Sequence[Photo]) -> dict[str, float]:
    """Time one call of HOG and one of the CNN on photos that are in memory: few photos of the stages reach the CNN.

    Returns:
        Milliseconds a photo of both, and their ratio.
    """
    pictures = [read_picture(photo.path) for photo in photos]
    seconds = []
    for detector in ("hog", "mmod"):
        level = Level(detector, side=128, padding=0.0)
        search(pictures[0], [level])  # loads the model
        seconds.append(timed(partial(_search_all, pictures, level))[1] / len(pictures))
    hog, cnn = seconds
    return {"hog_milliseconds": hog * 1000, "cnn_milliseconds": cnn * 1000, "cnn_over_hog": cnn / hog}


def _search_all(pictures: Sequence[Picture], level: Level) -> None:
    for picture in pictures:
        search(picture, [level])


def measure_stages(params: Params, photos: Sequence[Photo], folder: Path) -> dict[str, float]:
    """Run the stages with one and two workers.

    Args:
        params: Parameters of the stages.
        photos: Photos to work on.
        folder: Folder to make for the outputs.

    Returns:
        Photos per second of both, and the share of the photos that have landmarks.
    """
    folder.mkdir()
    seconds, recall = {}, 0.0
    for workers in (1, 2):
        base = params.base.model_copy(update={"workers": workers})
        ours = params.model_copy(update={"base": base})
        faces, seconds[workers] = timed(partial(run_stages, ours, photos, folder / str(workers)))
        recall = float((faces.column("status") == Status.OK).sum() / len(photos))
    return {"one_worker": len(photos) / seconds[1], "two_workers": len(photos) / seconds[2], "recall": recall}


def plain_loop(photos: Sequence[Photo]) -> list[bool]:
    """Do what a first script does: read a photo, detect in colour at full size, predict the landmarks.

    Returns:
        For every photo whether a face was found.
    """
    detector, predictor = dlib_models.import_dlib().get_frontal_face_detector(), str(dlib_models.predictor_path(None))
    has_face = []
    for photo in photos:
        pixels = cv2.imread(photo.path)
        if pixels is None:
            raise InputError(f"{photo.path} cannot be read: run `aucue ingest` and `aucue detect`, which says why")
        image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        boxes = detector(image, 0)
        for box in boxes[:1]:
            dlib_models.predict(image, (box.left(), box.top(), box.right(), box.bottom()), predictor)
        has_face.append(bool(boxes))
    return has_face


def run_stages(params: Params, photos: Sequence[Photo], folder: Path) -> ShardSet:
    """Run detect and landmarks without a cache.

    Args:
        params: Parameters of the stages.
        photos: Photos to work on.
        folder: Folder to make for the outputs.

    Returns:
        The face shards.
    """
    folder.mkdir()
    manifest_path, detections_path = folder / "manifest.csv", folder / "detections.csv"
    manifest.write(manifest_path, list(photos))
    detect.main(base=params.base, params=params.detect, manifest_path=manifest_path, detections_path=detections_path)
    landmarks.main(
        base=params.base,
        params=params.landmarks,
        manifest_path=manifest_path,
        detections_path=detections_path,
        faces_dir=folder / "faces",
    )
    return ShardSet(folder / "faces", "faces")


def milliseconds_of_raw_calls(params: Params, photos: Sequence[Photo]) -> float:
    """Time the work that no pipeline can do without: decode twice, call dlib, warp, encode.

    Returns:
        Milliseconds per photo.
    """
    predictor = str(dlib_models.predictor_path(params.landmarks.predictor))

    def work() -> None:
        for photo in photos:
            align_photo((photo, detect.detect_photo(photo, params.detect)), params.landmarks, predictor)

    return timed(work)[1] / len(photos) * 1000
