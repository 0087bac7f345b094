import pytest
from click.testing import CliRunner

from pipeline.bench.scale.earlier_runs import keep_detections, keep_faces
from pipeline.cli import aucue
from pipeline.detect import stage as detect
from pipeline.landmarks import stage as landmarks
from pipeline.runtime import parameters
from pipeline.shards import ShardSet


def run(command):
    result = CliRunner().invoke(aucue, [command])
    assert result.exit_code == 0, result.output


def refuse(*_, **__):
    raise AssertionError("a photo is worked on anew")


@pytest.fixture
def cached(folder, sources, monkeypatch):
    """The dataset after ingest, detect and landmarks, which find all their work in the cache."""
    ours = parameters.load(folder / "params.yaml")
    monkeypatch.setattr(detect, "detect_photo", refuse)
    monkeypatch.setattr(landmarks, "align_photo", refuse)
    run("ingest")
    keep_detections(folder, ours)
    run("detect")
    keep_faces(folder, ours, sources)
    run("landmarks")
    return folder


def test_commands_find_all_their_work_in_the_cache(cached, sources):
    faces = ShardSet(cached / "data" / "faces", "faces")
    assert set(faces.column("status")) == {"ok"}
    row = len(sources) + 3
    assert (faces.row("landmarks", row) == sources[3].landmarks).all()
    assert faces.column("label")[row] == sources[3].label
    assert len({key.tobytes() for key in faces.column("key")}) == len(faces) == 120


def test_the_outputs_are_sound(cached):
    run("heatmaps")
    run("verify")
