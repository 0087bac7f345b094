"""Fixtures that the tests of both packages share: real faces, golden numbers, and one small data set made by real runs."""

import csv
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Tests run on every core at once, so each process and its children compute with one thread. Libraries read this on import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import pytest

from pipeline.detect import stage as detect
from pipeline.heatmaps import stage as heatmaps
from pipeline.ingest import stage as ingest
from pipeline.ingest.datasets import demo
from pipeline.landmarks import stage as landmarks
from pipeline.runtime import parameters

REPOSITORY = Path(__file__).parents[1]
DEMO_TABLES = REPOSITORY / "pipeline" / "ingest" / "demo"
PEOPLE = 14  # 8 test and 4 validation people are fixed, so 2 train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first: the short ones then fill up the cores until the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class Dataset:
    """What the offline stages made of the demo's first 14 people, one picture per expression: 98 photos."""

    root: Path
    photos: Path
    manifest: Path
    detections: Path
    faces: Path
    heatmaps: Path


def external(variable: str, default: str) -> Path:
    """A folder beside the repository, or a skip that says how to name it."""
    folder = Path(os.environ.get(variable) or REPOSITORY / default)
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: set {variable}")
    return folder


@pytest.fixture(scope="session")
def reference() -> Path:
    return external("AUCUE_REFERENCE", "../shared/reference")


@pytest.fixture(scope="session")
def faces_dir() -> Path:
    return external("AUCUE_FACES", "../shared/faces")


@pytest.fixture(scope="session")
def small_reference() -> Path:
    """The copy of a few golden cases that the tests carry: it is always there."""
    return Path(__file__).parent / "reference"


@pytest.fixture(scope="session")
def params_path() -> Path:
    return REPOSITORY / "params.yaml"


@pytest.fixture(scope="session")
def params(params_path) -> parameters.Params:
    return parameters.load(params_path)


@pytest.fixture(scope="session")
def orl() -> Path:
    return demo.orl_folder()


@pytest.fixture(scope="session")
def demo_tables() -> Path:
    return DEMO_TABLES


@pytest.fixture(scope="session")
def dataset(params, tmp_path_factory) -> Dataset:
    folder = tmp_path_factory.mktemp("dataset")
    made = Dataset(
        root=folder / "root",
        photos=folder / "photos",
        manifest=folder / "manifest.csv",
        detections=folder / "detections.csv",
        faces=folder / "faces",
        heatmaps=folder / "heatmaps",
    )
    made.root.mkdir()
    for table in DEMO_TABLES.glob("*.csv"):
        (made.root / table.name).write_bytes(table.read_bytes())
    with (DEMO_TABLES / "portraits.csv").open(encoding="utf-8", newline="") as stream:
        calmest = {row["person"]: row["photo"] for row in reversed(list(csv.DictReader(stream)))}
    lines = [f"{person},{calmest[person]}" for person in sorted(calmest, key=int)[:PEOPLE]]
    (made.root / "portraits.csv").write_text("\n".join(["person,photo", *lines, ""]))

    base = params.base.model_copy(update={"workers": 1, "shard_size": 40})
    ours = params.ingest.model_copy(update={"root": str(made.root), "images_per_class": 1})
    ingest.main(base=base, params=ours, photos_dir=made.photos, manifest_path=made.manifest)
    detect.main(base=base, params=params.detect, manifest_path=made.manifest, detections_path=made.detections)
    landmarks.main(
        base=base,
        params=params.landmarks,
        manifest_path=made.manifest,
        detections_path=made.detections,
        faces_dir=made.faces,
    )
    heatmaps.main(params=params.heatmaps, faces_dir=made.faces, heatmaps_dir=made.heatmaps)
    return made


@pytest.fixture
def mount():
    """Mount a small disk, ``mount(place)``, or another folder or file, ``mount(place, source)``, until the test ends."""
    mounted = []

    def mount(folder: Path, source: Path | None = None, size: int = 2**24) -> Path:
        folder.touch() if source and source.is_file() else folder.mkdir(parents=True, exist_ok=True)
        what = ["--bind", source] if source else ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        command = ["mount", *what, folder]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a disk")
        mounted.append(folder)
        return folder

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
