"""Measure the heatmaps: their fidelity to the released code, and the speed, memory and disk space that they take."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from pipeline import codebook as codebooks
from pipeline.bench.measurement import print_figures, timed
from pipeline.bench.random_faces import FRAME_SIDE, random_faces, write_faces
from pipeline.codebook import Codebook
from pipeline.heatmaps.stage import classes_of, render
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.workers import executors

CODEBOOK = "belharbi2024"  # the only codebook that a slow renderer exists for
FRAMES = ((48, 48), (64, 96), (100, 100), (224, 224), (256, 300), (480, 360), (1024, 1024))  # (height, width)
MAX_SHIFT = 0.3  # of the frame, in the test of fidelity: faces come to lie partly outside
FAST_FACES, SLOW_FACES = 6000, 240  # rendered to time a renderer
ROUNDS = 5  # of timing
RELEASED_BYTES = 224 * 224 * 4  # of the released code's map of one face: float32, one file per map
SCRIPT = """
import json, sys, time
from pipeline.bench.measurement import peak_memory
from pipeline.cli import aucue
start = time.perf_counter()
aucue(sys.argv[1:], standalone_mode=False)
print(json.dumps([time.perf_counter() - start, peak_memory()]))
"""


def main(
    faces: Sequence[int], workers: int, params_path: Path, slow_path: Path, golden: Path, out: Path
) -> dict[str, object]:
    """Measure everything, print the figures and write them as JSON.

    Args:
        faces: Numbers of faces of the end-to-end runs.
        workers: Threads of the end-to-end runs.
        params_path: Parameters of the end-to-end runs.
        slow_path: Python file of the slow renderer to compare with.
        golden: NumPy file of the released code's maps to compare with.
        out: JSON file to write.

    Returns:
        The figures.

    Raises:
        InputError: If the slow renderer or the golden maps are missing.
    """
    refuse_foreign(out, json_with("fidelity"))
    slow, book = load_module(slow_path), codebooks.load(CODEBOOK)
    results: dict[str, object] = {"codebook": book.name, "cores": executors.worker_count("auto")}
    results["fidelity"] = print_figures("fidelity", measure_fidelity(book, slow, golden))
    results["kernel"] = print_figures(f"one core, {FRAME_SIDE} x {FRAME_SIDE}", time_renderers(book, slow))
    results["end_to_end"] = [
        print_figures(f"aucue heatmaps, {number:,} faces", measure_command(number, workers, params_path, out.parent))
        for number in faces
    ]
    results["released_bytes_per_face"] = RELEASED_BYTES
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def measure_fidelity(book: Codebook, slow: ModuleType, golden: Path) -> dict[str, float]:
    """Compare the maps with the released code's maps, and with the slow renderer's maps in other frames.

    Returns:
        The number of compared maps, the lowest and the mean cosine for both comparisons; and in how many cases only one of
        fast and slow renderer gives a map.

    Raises:
        InputError: If the golden maps are missing.
    """
    golden_cosines = _cosines_with_golden(book, golden)
    slow_cosines, disagreements = _cosines_with_slow(book, slow)
    return {
        "golden_maps": len(golden_cosines),
        "golden_min": min(golden_cosines),
        "golden_mean": float(np.mean(golden_cosines)),
        "slow_maps": len(slow_cosines),
        "slow_min": min(slow_cosines),
        "slow_mean": float(np.mean(slow_cosines)),
        "has_map_disagreements": disagreements,
    }


def _cosines_with_golden(book: Codebook, golden: Path) -> list[float]:
    if not golden.is_file():
        raise InputError(f"there are no golden maps {golden}: run in the repository's folder, or give --golden")
    arrays = np.load(golden)
    faces, classes = arrays["landmarks"], arrays["classes"].tolist()
    cosines = []
    for column, label in enumerate(classes):
        maps, _ = render(faces, [label] * len(faces), np.full((len(faces), 2), FRAME_SIDE), book)
        pairs = zip(maps, arrays["composite"][:, column], strict=True)
        cosines += [_cosine(_enlarged(ours, FRAME_SIDE, FRAME_SIDE), theirs) for ours, theirs in pairs]
    return cosines


def _cosines_with_slow(book: Codebook, slow: ModuleType) -> tuple[list[float], int]:
    """The cosines, and in how many cases only one renderer gives a map."""
    rng = np.random.default_rng(1)
    cosines, disagreements = [], 0
    for height, width in FRAMES:
        for label in classes_of(book) * 10:
            face = random_faces(1, rng, MAX_SHIFT) * [width, height]
            theirs = slow.render(face[0], label, height, width, book)
            (ours,), (has_map,) = render(face, [label], np.array([[height, width]]), book)
            if has_map != (theirs is not None):
                disagreements += 1
            elif has_map:
                cosines.append(_cosine(_enlarged(ours, height, width), theirs))
    return cosines, disagreements


def time_renderers(book: Codebook, slow: ModuleType) -> dict[str, float]:
    """Time the slow and the fast renderer in turn on one core, at 224 x 224 pixels.

    Returns:
        Microseconds per face of both, as medians over the rounds and means over the expressions, and their ratio.
    """
    rng = np.random.default_rng(2)
    faces = random_faces(FAST_FACES, rng) * FRAME_SIDE
    labels = np.resize(classes_of(book), FAST_FACES).tolist()
    frames = np.full((FAST_FACES, 2), FRAME_SIDE)

    def render_slowly() -> None:
        for face, label in zip(faces[:SLOW_FACES], labels[:SLOW_FACES], strict=True):
            slow.render(face, label, FRAME_SIDE, FRAME_SIDE, book)

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        times = [
            (timed(render_slowly)[1] / SLOW_FACES, timed(partial(render, faces, labels, frames, book))[1] / FAST_FACES)
            for _ in range(ROUNDS)
        ]
    finally:
        cv2.setNumThreads(threads)
    slow_time, fast_time = (float(np.median(column)) * 1e6 for column in zip(*times, strict=True))
    ratio = float(np.median([of_slow / of_fast for of_slow, of_fast in times]))
    return {"slow_us_per_face": slow_time, "fast_us_per_face": fast_time, "times_faster": ratio}


def measure_command(faces: int, workers: int, params_path: Path, scratch: Path) -> dict[str, float]:
    """Run ``aucue heatmaps`` on random faces in a process of its own.

    Args:
        faces: Number of faces.
        workers: Threads of the command.
        params_path: Parameters of the command.
        scratch: Folder for the temporary files.

    Returns:
        Seconds of the whole process, faces per second of the whole, microseconds per face without the start of Python, peak
        memory, and bytes per face on disk.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        write_faces(folder / "faces", faces, CODEBOOK)
        options = ["heatmaps", "--params", params_path, "--codebook", CODEBOOK, "--workers", workers]
        options += ["--faces", folder / "faces", "--out", folder / "heatmaps", "--cache", folder / "cache"]
        command = [sys.executable, "-c", SCRIPT, *map(str, options)]
        done, whole = timed(partial(subprocess.run, command, stdout=subprocess.PIPE, check=True, text=True))
        size = sum(path.stat().st_size for path in (folder / "heatmaps").iterdir())
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return {
        "faces": faces,
        "workers": workers,
        "seconds": whole,
        "faces_per_second": faces / whole,
        "us_per_face_without_start": seconds / faces * 1e6,
        "peak_megabytes": peak / 1e6,
        "bytes_per_face": size / faces,
    }


def load_module(path: Path) -> ModuleType:
    """Load a Python file, the slow renderer, as a module.

    Raises:
        InputError: If there is no such file.
    """
    if not path.is_file():
        raise InputError(f"there is no slow renderer {path}: run in the repository's folder, or give --slow")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file: give the slow renderer with --slow")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cosine(one: np.ndarray, two: np.ndarray) -> float:
    one, two = one.ravel().astype(float), two.ravel().astype(float)
    return float(one @ two / np.sqrt((one @ one) * (two @ two)))


def _enlarged(small: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
