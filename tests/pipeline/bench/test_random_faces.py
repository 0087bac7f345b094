import numpy as np

from pipeline.bench.random_faces import random_faces, write_faces
from pipeline.faces.mean_face import mean_face
from pipeline.shards import ShardSet


def test_random_faces_lie_about_the_mean_face():
    faces = random_faces(500, np.random.default_rng(0))
    assert faces.shape == (500, 68, 2)
    assert np.abs(faces.mean(axis=0) - mean_face()).max() < 0.1
    assert faces[:, 30].std(axis=0).min() > 0.02  # they are moved


def test_written_faces_have_labels_and_no_crops(tmp_path):
    write_faces(tmp_path / "faces", 700, "belharbi2024")
    faces = ShardSet(tmp_path / "faces", "faces")
    assert [shard.rows for shard in faces.shards] == [512, 188]
    assert set(faces.column("status")) == {"ok"}
    assert {"neutral", "anger"} < set(faces.column("label"))
    assert faces.column("landmarks").max() < 400
