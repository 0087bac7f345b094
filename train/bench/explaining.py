"""The benchmark ``aucue bench explain``: photos and videos through ``aucue explain``, beside the raw calls that it makes.

photos  The rate of a plain loop of the raw calls (read, detect, landmarks, align, forward) in one process, and of the
        command without and with ``needed``, without pictures. They take turns. The command's time holds its start. Beside
        the rates are those in CPU time of all processes, which depend less on what else the machine does.
mediapipe  Its rate on the same photos, where it is installed (``pipeline.bench.mediapipe_faces``).
start   Seconds from the start of the command for one photo to its first line.
video   Memory of the command and of its processes while it goes through a video, at the end of each tenth.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from pipeline.bench import mediapipe_faces
from pipeline.bench.measurement import cpu_seconds, print_figures, timed
from pipeline.faces.decoding import read_rgb
from pipeline.ingest.datasets import IMAGE_SUFFIXES
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from train.explain.answers.explainer import Explainer
from train.explain.answers.photo_faces import faces_in_file
from train.explain.outputs.table import CSV, read_rows
from train.explain.run import in_batches

ROUNDS = 2
BATCH = 16
FRAME, RATE = (1280, 720), 25  # pixels and frames a second of the video
FACE = 420  # side of the face in a frame, in pixels
TENTHS = 10
PAUSE = 0.2  # seconds between two looks at the memory
AUCUE = (sys.executable, "-c", "from pipeline.cli import aucue; aucue()")


def main(
    checkpoint: Path, shards: tuple[Path, Path], photos: Path, number: int, minutes: float, every: float, out: Path
) -> dict:
    """Measure, print the figures and write them as JSON.

    Args:
        checkpoint: The classifier.
        shards: Face shards and heatmap shards with neutral faces.
        photos: Folder of photos.
        number: Number of photos to time.
        minutes: Length of the video.
        every: Seconds between two frames that are explained.
        out: File to write.

    Returns:
        The figures that were written.

    Raises:
        InputError: If there are no photos.
    """
    refuse_foreign(out, json_with("photos", "video"))
    files = sorted(file for file in photos.rglob("*") if file.suffix.casefold() in IMAGE_SUFFIXES)[:number]
    if not files:
        raise InputError(f"{photos} holds no photo: name a folder that does with --photos")
    common = (
        "--checkpoint",
        checkpoint,
        "--shards",
        shards[0],
        "--heatmaps",
        shards[1],
        "--faces",
        "largest",
        "--no-pictures",
    )
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "photos.csv"
        table.write_text("\n".join(["image", *(f'"{file.absolute()}"' for file in files)]), encoding="utf-8")
        found = {
            "photos": print_figures("photos", _measure_photos(checkpoint, files, (table, *common), Path(scratch))),
            "mediapipe": mediapipe_faces.measure([str(file) for file in files]),
            "start": print_figures("start", {"seconds_to_the_first_line": _first_line((files[0], *common), Path(scratch))}),
        }
        video = Path(scratch) / "video.mp4"
        write_video(video, files[:20], round(60 * minutes * RATE))
        found["video"] = print_figures("video", _measure_video((video, *common, "--every", every), Path(scratch)))
    write_text(out, json.dumps(found, indent=1) + "\n")
    return found


def _measure_photos(checkpoint: Path, files: Sequence[Path], arguments: Sequence, scratch: Path) -> dict[str, float]:
    explainer = Explainer(checkpoint, which="largest", needed=False)
    ways = {
        "raw_calls": lambda: _raw_calls(explainer, files),
        "without_needed": lambda: _run(scratch, *arguments, "--no-needed"),
        "with_needed": lambda: _run(scratch, *arguments, "--needed"),
    }
    rounds = [{name: _spent(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    seconds, cpu = ({name: min(each[name][kind] for each in rounds) for name in ways} for kind in (0, 1))
    rates = {f"{name}_per_second": len(files) / spent for name, spent in seconds.items()}
    rates |= {f"{name}_per_cpu_second": len(files) / spent for name, spent in cpu.items()}
    return rates | {
        "without_needed_over_raw_calls": seconds["raw_calls"] / seconds["without_needed"],
        "time_with_needed_over_without": seconds["with_needed"] / seconds["without_needed"],
    }


def _spent(way: Callable[[], None]) -> tuple[float, float]:
    """The seconds that a way took, and its seconds of CPU time."""
    before = cpu_seconds()
    _, seconds = timed(way)
    return seconds, cpu_seconds() - before


def _raw_calls(explainer: Explainer, files: Sequence[Path]) -> None:
    """Detect, align and classify in one process, without any map or table."""
    for batch in in_batches(files, BATCH):
        photos = [faces_in_file(str(file), explainer.settings) for file in batch]
        crops = [face.crop for photo in photos for face in photo.faces if face.crop.size]
        if crops:
            explainer.classify(explainer.prepare(crops))


def _run(scratch: Path, *arguments: object) -> None:
    """Run the command without anything that an earlier run has finished."""
    with _command(arguments, scratch) as (command, _):
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _command(arguments: Sequence[object], scratch: Path) -> Iterator[tuple[list[str], Path]]:
    """The command line that writes into a new folder, and the folder."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        out, cache = Path(folder) / "out", Path(folder) / "cache"
        yield [*AUCUE, "explain", *map(str, arguments), "--out", str(out), "--cache", str(cache)], out


def _first_line(arguments: Sequence[object], scratch: Path) -> float:
    with _command(arguments, scratch) as (command, _):
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            next(iter(process.stdout or ()), None)
            seconds = time.perf_counter() - start
            process.communicate()
    return seconds


def _measure_video(arguments: Sequence, scratch: Path) -> dict[str, float]:
    """Memory in megabytes of all processes at the end of each tenth of the time, and the rate."""
    with _command(arguments, scratch) as (command, out):
        start, samples = time.perf_counter(), []
        with (
            Path(os.devnull).open("w") as quiet,
            subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process,
        ):
            while process.poll() is None:
                samples.append(_session_megabytes(process.pid))
                time.sleep(PAUSE)
        seconds = time.perf_counter() - start
        rows = sum(1 for _ in read_rows(out / CSV))
    tenths = [max(part) for part in np.array_split(np.array(samples), TENTHS) if len(part)]
    figures = {f"megabytes_in_tenth_{number}": round(value) for number, value in enumerate(tenths, start=1)}
    return figures | {"last_over_second_tenth": tenths[-1] / tenths[1], "frames_per_second": rows / seconds}


def _session_megabytes(session: int) -> float:
    """The memory that the processes of a session hold alone: shared libraries count once."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, IndexError):  # the process has ended
            continue
    return total / 1024


def write_video(path: Path, photos: Sequence[Path], number: int) -> None:
    """Write a video of faces that move over a grey wall, one after another."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE, FRAME)
    faces = [cv2.resize(read_rgb(str(photo))[..., ::-1], (FACE, FACE)) for photo in photos]
    width, height = FRAME
    for frame in range(number):
        image = np.full((height, width, 3), 110, np.uint8)
        angle = frame / RATE
        left = round((width - FACE) * (0.5 + 0.4 * np.sin(angle)))
        top = round((height - FACE) * (0.5 + 0.4 * np.cos(1.3 * angle)))
        image[top : top + FACE, left : left + FACE] = faces[frame // (2 * RATE) % len(faces)]
        writer.write(image)
    writer.release()
