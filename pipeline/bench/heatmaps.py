"""``aucue bench heatmaps``: how true, how fast and how frugal the heatmaps are, all in one run.

Faces are the mean face, turned, scaled, moved and jittered at random: enough for a renderer, which sees landmarks alone.
"""

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import click
import cv2
import numpy as np

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.faces.mean_face import mean_face
from pipeline.heatmaps.stage import classes_of, render
from pipeline.runtime import parallel as pool
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text
from pipeline.shards import ShardWriter

CODEBOOK = "belharbi2024"  # the one that a slow renderer exists for
FRAMES = ((48, 48), (64, 96), (100, 100), (224, 224), (256, 300), (480, 360), (1024, 1024))  # (height, width)
PARTLY_OUTSIDE = 0.3  # of the frame: how far faces are moved in the test of fidelity
SIDE = 224  # pixels of the frame that renderers are timed in
KERNEL_FACES = 6000
SLOW_FACES = 240
SHARD = 512
RELEASED_BYTES = 224 * 224 * 4  # of the released code's map of one face: float32, and a file each
IN_PROCESS = """
import json, sys, time
from pathlib import Path
from pipeline.bench.heatmaps import peak_memory
from pipeline.cli import aucue
start = time.perf_counter()
aucue(sys.argv[1:], standalone_mode=False)
print(json.dumps([time.perf_counter() - start, peak_memory()]))
"""


def main(
    faces: Sequence[int], workers: int, params_path: Path, slow_path: Path, golden: Path, out: Path
) -> dict[str, object]:
    """Run everything, print it and write it to ``out`` as JSON; ``faces`` are the sizes of the end-to-end runs."""
    slow, book = load_module(slow_path), codebooks.load(CODEBOOK)
    results: dict[str, object] = {"codebook": book.name, "cores": pool.worker_count("auto")}
    results["fidelity"] = shown("fidelity", fidelity(book, slow, golden))
    results["kernel"] = shown("one core, 224 x 224", kernel(book, slow))
    results["end_to_end"] = [
        shown(f"aucue heatmaps, {number:,} faces", end_to_end(number, workers, params_path, out.parent)) for number in faces
    ]
    results["released_bytes_per_face"] = RELEASED_BYTES
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def shown(title: str, figures: dict[str, float]) -> dict[str, float]:
    """Print figures on a line."""
    shown = (
        f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value:,.5g}"
        for name, value in figures.items()
    )
    click.echo(f"{title}: " + ", ".join(shown))
    return figures


def random_faces(number: int, rng: np.random.Generator, shift: float = 0.05) -> np.ndarray:
    """Landmarks (number, 68, 2) in fractions of the frame."""
    face = mean_face() - 0.5
    angle, scale = rng.uniform(-0.3, 0.3, number), rng.uniform(0.7, 1.1, number)
    turn = scale[:, None, None] * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(
        2, 0, 1
    )
    moved = rng.uniform(-shift, shift, (number, 1, 2))
    return face @ turn + rng.normal(0, 0.01, (number, 68, 2)) + moved + 0.5


def fidelity(book: Codebook, slow: ModuleType, golden: Path) -> dict[str, float]:
    """Cosines with the released code's maps, and with the slow renderer's in other frames, faces partly outside."""
    if not golden.is_file():
        raise InputError(f"there are no golden maps {golden}: run in the repository's folder, or give --golden")
    numbers = np.load(golden)
    faces, classes = numbers["landmarks"], numbers["classes"].tolist()
    cosines = []
    for column, label in enumerate(classes):
        maps, _ = render(faces, [label] * len(faces), np.full((len(faces), 2), SIDE), book)
        pairs = zip(maps, numbers["composite"][:, column], strict=True)
        cosines += [_cosine(_enlarged(ours, SIDE, SIDE), theirs) for ours, theirs in pairs]
    found = {"golden_maps": len(cosines), "golden_min": min(cosines), "golden_mean": float(np.mean(cosines))}
    rng = np.random.default_rng(1)
    cosines, disagree = [], 0
    for height, width in FRAMES:
        for label in classes_of(book) * 10:
            face = random_faces(1, rng, PARTLY_OUTSIDE) * [width, height]
            theirs = slow.render(face[0], label, height, width, book)
            (ours,), (has_map,) = render(face, [label], np.array([[height, width]]), book)
            if has_map != (theirs is not None):
                disagree += 1
            elif has_map:
                cosines.append(_cosine(_enlarged(ours, height, width), theirs))
    found |= {"slow_maps": len(cosines), "slow_min": min(cosines), "slow_mean": float(np.mean(cosines))}
    return {**found, "has_map_disagreements": disagree}


def kernel(book: Codebook, slow: ModuleType) -> dict[str, float]:
    """Microseconds per face on one core at 224 x 224, mean over the expressions, of both renderers in turn."""
    rng = np.random.default_rng(2)
    names = classes_of(book)
    faces = random_faces(KERNEL_FACES, rng) * SIDE
    labels = np.resize(names, KERNEL_FACES)
    frames = np.full((KERNEL_FACES, 2), SIDE)

    def slowly() -> None:
        for face, label in zip(faces[:SLOW_FACES], labels[:SLOW_FACES], strict=True):
            slow.render(face, label, SIDE, SIDE, book)

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        both = [
            (_seconds(slowly) / SLOW_FACES, _seconds(lambda: render(faces, labels, frames, book)) / KERNEL_FACES)
            for _ in range(5)
        ]
    finally:
        cv2.setNumThreads(threads)
    slow_time, fast_time = (float(np.median(times)) * 1e6 for times in zip(*both, strict=True))
    ratio = float(np.median([one / other for one, other in both]))
    return {"slow_us_per_face": slow_time, "fast_us_per_face": fast_time, "times_faster": ratio}


def end_to_end(faces: int, workers: int, params_path: Path, scratch: Path) -> dict[str, float]:
    """``aucue heatmaps`` on so many faces, in a process of its own: its seconds with and without Python's start, faces per
    second of the whole, peak memory, and bytes per face on disk."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        write_faces(folder / "faces", faces)
        options = ["heatmaps", "--params", params_path, "--codebook", CODEBOOK, "--workers", workers]
        options += ["--faces", folder / "faces", "--out", folder / "heatmaps", "--cache", folder / "cache"]
        command = [sys.executable, "-c", IN_PROCESS, *map(str, options)]
        started = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        whole = time.perf_counter() - started
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


def write_faces(folder: Path, number: int) -> None:
    """Face shards without crops."""
    rng = np.random.default_rng(3)
    names = np.array([*classes_of(codebooks.load(CODEBOOK)), "neutral"])
    with ShardWriter(folder, "faces", {"crop_size": 256}) as writer:
        for start in range(0, number, SHARD):
            rows = min(SHARD, number - start)
            columns = {name: [""] * rows for name in ("split", "subject", "reason", "aus")}
            columns |= {"id": [f"{start + row:07d}" for row in range(rows)], "status": ["ok"] * rows}
            columns |= {"label": rng.choice(names, rows).tolist()}
            columns |= {"landmarks": (random_faces(rows, rng) * 256).astype(np.float32)}
            columns |= {"key": np.zeros((rows, 32), np.uint8)}
            columns |= {"crop_offsets": np.zeros(rows + 1, np.int64), "crop_bytes": np.zeros(0, np.uint8)}
            writer.write(columns, rows)


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # since exec; getrusage counts from the fork, and so the parent's memory too
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def load_module(path: Path) -> ModuleType:
    """A Python file as a module."""
    if not path.is_file():
        raise InputError(f"there is no slow renderer {path}: run in the repository's folder, or give --slow")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cosine(one: np.ndarray, two: np.ndarray) -> float:
    one, two = one.ravel().astype(float), two.ravel().astype(float)
    return float(one @ two / np.sqrt((one @ one) * (two @ two)))


def _enlarged(small: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
