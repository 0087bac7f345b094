"""Kill stages, stop them, and fill their disk: the next run ends as if nothing had happened. The processes are real."""

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import psutil
import pytest

REPOSITORY = Path(__file__).parents[1]
STAGES = ("ingest", "detect", "landmarks", "heatmaps")
OUTPUT = {"ingest": "manifest.csv", "detect": "detections.csv", "landmarks": "faces", "heatmaps": "heatmaps"}
OUTPUTS = ("manifest.csv", "duplicates.csv", "detections.csv", "faces", "heatmaps")
pytestmark = pytest.mark.slow


class Place:
    """A folder with its parameters, where stages run."""

    def __init__(self, folder: Path, demo: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        text = (REPOSITORY / "params.yaml").read_text()
        for old, new in [
            (r"root: \S+", f"root: {demo}"),
            (r"images_per_class: \d+", "images_per_class: 1"),
            (r"shard_size: \d+", "shard_size: 16"),
            (r"workers: auto", "workers: 2"),
        ]:
            text, number = re.subn(old, new, text, count=1)
            assert number == 1
        (folder / "params.yaml").write_text(text)

    def start(self, stage: str, **options) -> subprocess.Popen:
        command = [sys.executable, "-c", "from pipeline.cli import aucue; aucue()", stage]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environment, start_new_session=True, **streams, **options)

    def run(self, stage: str) -> str:
        process = self.start(stage)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return errors

    def outputs(self) -> dict[str, bytes]:
        roots = [self.folder / "data" / name for name in OUTPUTS]
        files = [file for root in roots for file in ([root] if root.is_file() else sorted(root.rglob("*")))]
        return {file.relative_to(self.folder).as_posix(): file.read_bytes() for file in files}

    def take(self, data: Path) -> None:
        """Begin with the outputs and the cache of another place."""
        shutil.copytree(data, self.folder / "data")

    def lose(self, stage: str) -> None:
        """Remove a stage's output, as DVC does before it runs the stage again."""
        path = self.folder / "data" / OUTPUT[stage]
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def finished(self, stage: str) -> int:
        """Count the finished work of a stage in the cache: photos, faces or shards."""
        cache = self.folder / "data" / ".cache"
        if stage == "detect":
            files = list(cache.glob("*/detect.sqlite"))
            return sqlite3.connect(files[0]).execute("SELECT count(*) FROM rows").fetchone()[0] if files else 0
        if stage == "landmarks":
            pages = [h5py.File(page) for page in cache.glob("*/faces/[!.]*.h5")]
            return len({key.tobytes() for page in pages for key in page["key"][:] if key.any()})
        return len(list(cache.glob(f"*/{stage}/[!.]*.h5")))

    def children(self) -> list[psutil.Process]:
        return [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(self.folder) and p.pid != os.getpid()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Tables of 14 people of the demo: 98 photos."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(REPOSITORY / "pipeline/ingest/demo", folder / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    table = folder / "demo" / "portraits.csv"
    header, *rows = table.read_text().splitlines()
    people = sorted({row.split(",")[0] for row in rows}, key=int)[:14]
    table.write_text("\n".join([header, *(row for row in rows if row.split(",")[0] in people), ""]))
    return folder / "demo"


@dataclass(frozen=True)
class Undisturbed:
    """What the stages do when nothing interrupts them."""

    seconds: dict[str, float]  # of each stage
    before: dict[str, Path]  # data/ as each stage finds it
    outputs: dict[str, bytes]  # of all stages


@pytest.fixture(scope="module")
def undisturbed(demo, tmp_path_factory):
    """Run every stage once, in order, and copy data/ before each."""
    folder = tmp_path_factory.mktemp("undisturbed")
    place = Place(folder / "place", demo)
    (place.folder / "data").mkdir()
    seconds, before = {}, {}
    for stage in STAGES:
        before[stage] = shutil.copytree(place.folder / "data", folder / "before" / stage)
        start = time.monotonic()
        place.run(stage)
        seconds[stage] = time.monotonic() - start
    return Undisturbed(seconds, before, place.outputs())


@pytest.fixture
def place(demo, tmp_path):
    return Place(tmp_path / "place", demo)


def resumed(errors: str) -> int:
    """Count the finished work that a stage reports."""
    found = re.search(r": ([\d,]+) of [\d,]+ \w+ are finished already", errors)
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_random_fifteen_times(place, undisturbed, stage):
    moments = random.Random(stage)
    place.take(undisturbed.before[stage])
    for _ in range(15):
        process = place.start(stage)
        time.sleep(moments.uniform(0.3, 1.0) * undisturbed.seconds[stage])
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        gone = time.monotonic() + 5
        while place.children():  # workers follow their parent
            assert time.monotonic() < gone
            time.sleep(0.05)
        if moments.random() < 0.3:
            place.lose(stage)
    finished = place.finished(stage)
    errors = place.run(stage)
    if stage == "landmarks":
        assert resumed(errors) >= finished
    else:
        assert resumed(errors) == finished
    for after in STAGES[STAGES.index(stage) + 1 :]:
        place.run(after)
    assert place.outputs() == undisturbed.outputs
    place.run("verify")
    assert [path.name for path in (place.folder / "data").iterdir() if path.name.endswith((".partial", ".tmp"))] == []


@pytest.mark.parametrize("stage", ["detect", "landmarks"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [0.05, 0.3])
def test_a_polite_stop_takes_two_seconds_and_one_line(place, undisturbed, stage, number, moment):
    place.take(undisturbed.before[stage])
    process = place.start(stage)
    first = process.stderr.readline()  # the work begins
    time.sleep(moment)
    start = time.monotonic()
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - start < 2
    assert first.startswith(f"{stage}: 0/98")
    assert process.returncode == 128 + number
    lines = [line for line in errors.splitlines() if line and not re.match(rf"{stage}: [\d,]+", line)]
    assert lines == ["Interrupted: finished work is kept; run the same command again to continue."]
    for after in STAGES[STAGES.index(stage) :]:
        place.run(after)
    assert place.outputs() == undisturbed.outputs


def test_a_second_writer_is_refused_by_name(place):
    place.run("ingest")
    first = place.start("detect")
    lock = place.folder / "data" / ".detections.csv.holder"
    while not lock.exists():
        assert first.poll() is None
        time.sleep(0.02)
    second = place.start("detect")
    _, errors = second.communicate(timeout=60)
    first.communicate(timeout=60)
    assert second.returncode == 1
    assert f"data/detections.csv is being written by process {first.pid} on " in errors
    assert first.returncode == 0


@pytest.mark.parametrize("stage", ["detect", "landmarks", "heatmaps"])
def test_a_full_disk_is_one_line_and_nothing_is_lost(place, undisturbed, stage, tmp_path):
    place.take(undisturbed.before[stage])
    disk, data = tmp_path / "disk", place.folder / "data"
    disk.mkdir()
    used = sum(file.stat().st_blocks * 512 for file in data.rglob("*") if file.is_file())
    size = used + 2_000_000
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk")
    try:
        shutil.copytree(data, disk / "data", copy_function=shutil.copyfile)
        shutil.move(data, tmp_path / "aside")
        data.symlink_to(disk / "data")
        free = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(bytes(max(0, free - 40_000)))
        process = place.start(stage)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        last = [line for line in errors.splitlines() if not line.startswith(f"{stage}: ")]
        assert len(last) == 1, last[:3]
        assert last[0].startswith("Error: ")
        assert "o space left" in last[0] or "is full" in last[0]
        data.unlink()
        shutil.copytree(disk / "data", data)
    finally:
        subprocess.run(["umount", disk], check=True)
    for after in STAGES[STAGES.index(stage) :]:
        place.run(after)
    assert place.outputs() == undisturbed.outputs
