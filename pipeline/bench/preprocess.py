"""``aucue bench preprocess``: how fast photos become aligned crops with landmarks, beside the plain loop, and how frugally.

The photos are those of a manifest, repeated where it has too few. Everything is timed in one run, from the files on.
"""

import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2

from pipeline.bench.heatmaps import shown
from pipeline.detect import stage as detect
from pipeline.detect.stage import Detection
from pipeline.faces import dlib_models as models
from pipeline.faces import manifest
from pipeline.faces.manifest import Photo
from pipeline.landmarks import stage as landmarks
from pipeline.landmarks.stage import Face
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from pipeline.runtime.parallel import ordered_map
from pipeline.runtime.parameters import Params
from pipeline.shards import ShardSet
from pipeline.shards.crops import decode_crop

READS = 5000
EARLY = 0.1  # of the photos, after which a worker's memory should not grow any more


def main(params: Params, manifest_path: Path, number: int, many: int, out: Path) -> dict[str, object]:
    """Run everything, print it and write it to ``out`` as JSON: rates on ``number`` photos, memory over ``many``."""
    usable = [photo for photo in manifest.read(manifest_path) if photo.status == "ok"]
    if not usable:
        raise InputError(f"{manifest_path} has no usable photo: run `aucue ingest` on others")
    photos = repeated(usable, number)
    hog = params.detect.model_copy(update={"detector": "hog"})
    without_cnn = params.model_copy(update={"detect": hog})
    hasty = params.model_copy(
        update={
            "detect": hog.model_copy(update={"search_sizes": hog.search_sizes[:1]}),
            "landmarks": params.landmarks.model_copy(update={"max_refinements": 0}),
        }
    )
    results: dict[str, object] = {"photos": len(photos), "different": len({photo.sha256 for photo in photos})}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        for title, ours in (("as in params.yaml", params), ("without the CNN", without_cnn), ("hasty", hasty)):
            results[title] = shown(f"photos a second, {title}", rates(ours, photos, Path(name) / title))
        for encoding in ("jpeg", "raw"):
            results[encoding] = shown(f"{encoding} crops", reads(params, usable, encoding, Path(name) / encoding))
    results["memory"] = shown("memory", memory(params, repeated(usable, many)))
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def repeated(photos: Sequence[Photo], number: int) -> list[Photo]:
    """So many photos, each under an id of its own."""
    return [replace(photos[index % len(photos)], id=f"{index:07d}") for index in range(number)]


def rates(params: Params, photos: Sequence[Photo], folder: Path) -> dict[str, float]:
    """Photos a second of the plain loop, and of detect and landmarks with one and two workers; and their recall."""
    # The plain loop is long: a part of the photos is enough for its rate, each of them counts for its recall.
    folder.mkdir()
    some = photos[: max(1, len(photos) // 4)]
    found, plain = timed(lambda: plain_loop(some))
    recall = sum(found) / len(some)
    seconds, ours = {}, 0.0
    for workers in (1, 2):
        faces, seconds[workers] = timed(partial(stages, params, photos, workers, folder / str(workers)))
        ours = (faces[: len(some)] == "ok").sum() / len(some)
    raw = raw_calls(params, some)
    return {
        "plain_loop": len(some) / plain,
        "plain_recall": recall,
        "one_worker": len(photos) / seconds[1],
        "two_workers": len(photos) / seconds[2],
        "recall": float(ours),
        "times_the_plain_loop": len(photos) / seconds[2] / (len(some) / plain),
        "of_twice_one_worker": seconds[1] / seconds[2] / 2,
        **raw,
        "overhead_over_raw_calls": seconds[1] / len(photos) / (raw["raw_milliseconds"] / 1000) - 1,
    }


def plain_loop(photos: Sequence[Photo]) -> list[bool]:
    """What one writes first: read, detect in colour at full size, predict; whether a face was found."""
    detector, predictor = models.import_dlib().get_frontal_face_detector(), str(models.predictor_path(None))
    found = []
    for photo in photos:
        image = cv2.cvtColor(cv2.imread(photo.path), cv2.COLOR_BGR2RGB)
        boxes = detector(image, 0)
        for box in boxes[:1]:
            models.predict(image, (box.left(), box.top(), box.right(), box.bottom()), predictor)
        found.append(bool(boxes))
    return found


def stages(params: Params, photos: Sequence[Photo], workers: int, folder: Path):
    """Detect and landmarks as they are run, without a cache; the statuses in the end."""
    folder.mkdir()
    base = params.base.model_copy(update={"workers": workers})
    tables = {"manifest_path": folder / "manifest.csv", "detections_path": folder / "detections.csv"}
    manifest.write(tables["manifest_path"], list(photos))
    detect.main(base=base, params=params.detect, **tables)
    landmarks.main(base=base, params=params.landmarks, **tables, faces_dir=folder / "faces")
    return ShardSet(folder / "faces", "faces").column("status")


def raw_calls(params: Params, photos: Sequence[Photo]) -> dict[str, float]:
    """Milliseconds per photo of what no pipeline can do without: decode twice, dlib's calls, warp, encode."""
    predictor = str(models.predictor_path(params.landmarks.predictor))
    start = time.perf_counter()
    for photo in photos:
        landmarks.align_photo((photo, detect.detect_photo(photo, params.detect)), params.landmarks, predictor)
    return {"raw_milliseconds": (time.perf_counter() - start) / len(photos) * 1000}


def reads(params: Params, photos: Sequence[Photo], encoding: str, folder: Path) -> dict[str, float]:
    """Crops a second read at random by one process, of the rate of decoding alone; and bytes a face."""
    folder.mkdir()
    base = params.base.model_copy(update={"workers": 2})
    block = params.landmarks.model_copy(update={"encoding": encoding})
    tables = {"manifest_path": folder / "manifest.csv", "detections_path": folder / "detections.csv"}
    manifest.write(tables["manifest_path"], list(photos))
    detect.main(base=base, params=params.detect, **tables)
    landmarks.main(base=base, params=block, **tables, faces_dir=folder / "faces")
    shards = ShardSet(folder / "faces", "faces")
    rows = [row for row, status in enumerate(shards.column("status")) if status == "ok"]
    chosen = random.Random(0).choices(rows, k=READS)
    for number in range(len(shards.shards)):  # each file is checked when it is first read
        shards.crop(next(row for row in rows if row >= sum(shard.rows for shard in shards.shards[:number])))
    encoded = []
    for number in range(len(shards.shards)):
        columns = shards.shard(number, ["crop_offsets", "crop_bytes"])
        offsets = columns["crop_offsets"]
        encoded += [columns["crop_bytes"][a:b].copy() for a, b in zip(offsets[:-1], offsets[1:], strict=True) if b > a]
    picks = random.Random(0).choices(encoded, k=READS)
    # One after the other, none kept: the memory of thousands would be timed, too.
    reading = sum(timed(partial(shards.crop, row))[1] for row in chosen)
    decoding = sum(timed(partial(decode_crop, crop, encoding))[1] for crop in picks)
    size = sum(file.stat().st_size for file in (folder / "faces").iterdir())
    return {
        "reads_per_second": READS / reading,
        "decodes_per_second": READS / decoding,
        "of_decoding": decoding / reading,
        "bytes_per_face": size / len(rows),
    }


def memory(params: Params, photos: Sequence[Photo]) -> dict[str, float]:
    """Resident megabytes of the workers, early and at the end."""
    predictor = str(models.predictor_path(params.landmarks.predictor))
    work = partial(measured, params=params, predictor=predictor)
    early: dict[int, float] = {}
    last: dict[int, float] = {}
    for number, (process, size) in enumerate(ordered_map(work, photos, 2)):
        last[process] = max(size, last.get(process, 0)) if number > EARLY * len(photos) else size
        if number <= EARLY * len(photos):
            early[process] = max(size, early.get(process, 0))
    return {"photos": len(photos), "early_megabytes": max(early.values()), "peak_megabytes": max(last.values())}


def measured(photo: Photo, params: Params, predictor: str) -> tuple[int, float]:
    """Work on a photo; which process did, and its resident megabytes then."""
    found: Detection = detect.detect_photo(photo, params.detect)
    made: Face = landmarks.align_photo((photo, found), params.landmarks, predictor)
    del made
    with open("/proc/self/statm") as file:
        return os.getpid(), int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(work: Callable[[], object]):
    """What ``work`` returns, and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start
