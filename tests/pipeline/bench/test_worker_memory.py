import os
from pathlib import Path

import pytest

from pipeline.bench.worker_memory import measure_memory, memory_after
from pipeline.faces import dlib_models, manifest

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells a process's memory there")


def test_memory_is_measured_in_megabytes_of_a_process(dataset, params):
    photo, *_ = manifest.read(dataset.manifest)
    process, size = memory_after(photo, params, str(dlib_models.packaged(dlib_models.PREDICTOR)))
    assert process == os.getpid()
    assert 100 < size < 100_000


def test_peak_is_not_below_the_start(dataset, params):
    figures = measure_memory(params, manifest.read(dataset.manifest)[:8])
    assert figures["photos"] == 8
    assert 100 < figures["early_megabytes"] <= figures["peak_megabytes"]
