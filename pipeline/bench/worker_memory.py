"""Measure the memory of the processes that detect faces and align them."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipeline.detect.stage import detect_photo
from pipeline.faces import dlib_models
from pipeline.faces.manifest import Photo
from pipeline.landmarks.face import align_photo
from pipeline.runtime.parameters import Params
from pipeline.runtime.workers.parallel import ordered_map

WARM_UP = 0.1  # of the photos, after which a worker's memory should not grow any more


def measure_memory(params: Params, photos: Sequence[Photo]) -> dict[str, float]:
    """Measure the resident memory of two workers.

    Returns:
        The number of photos, and the peak memory in megabytes of the larger worker, during WARM_UP and afterwards.
    """
    predictor = str(dlib_models.predictor_path(params.landmarks.predictor))
    work = partial(memory_after, params=params, predictor=predictor)
    early: dict[int, float] = {}
    last: dict[int, float] = {}
    for number, (process, size) in enumerate(ordered_map(work, photos, 2)):
        last[process] = max(size, last.get(process, 0)) if number > WARM_UP * len(photos) else size
        if number <= WARM_UP * len(photos):
            early[process] = max(size, early.get(process, 0))
    return {"photos": len(photos), "early_megabytes": max(early.values()), "peak_megabytes": max(last.values())}


def memory_after(photo: Photo, params: Params, predictor: str) -> tuple[int, float]:
    """Work on a photo; return the id of this process and its resident megabytes afterwards."""
    align_photo((photo, detect_photo(photo, params.detect)), params.landmarks, predictor)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return os.getpid(), pages * os.sysconf("SC_PAGE_SIZE") / 1e6
