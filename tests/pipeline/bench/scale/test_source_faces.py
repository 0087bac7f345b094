import cv2
import numpy as np
import pytest

from pipeline.bench.scale import source_faces
from pipeline.bench.scale.source_faces import SIDE, read_source_faces
from pipeline.runtime.errors import InputError
from pipeline.shards import ShardSet


def test_crops_and_landmarks_are_shrunk_together(dataset, sources):
    faces = ShardSet(dataset.faces, "faces")
    (rows,) = np.nonzero(faces.column("status") == "ok")
    assert [source.label for source in sources] == faces.column("label")[rows].tolist()
    scale = SIDE / faces.provenance["crop_size"]
    for place in (0, len(sources) - 1):
        crop = cv2.imdecode(np.frombuffer(sources[place].jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        small = cv2.resize(faces.crop(rows[place]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        assert crop.shape == (SIDE, SIDE, 3)
        assert np.abs(crop.astype(int) - small).mean() < 8
        centred = (faces.row("landmarks", rows[place]) + 0.5) * scale
        np.testing.assert_allclose(sources[place].landmarks + 0.5, centred, rtol=1e-5)


def test_of_many_faces_some_are_taken(dataset, monkeypatch):
    monkeypatch.setattr(source_faces, "MOST", 5)
    assert len(read_source_faces(dataset.faces)) == 5


def test_missing_shards_are_named(tmp_path):
    with pytest.raises(InputError, match="is not a complete set of faces"):
        read_source_faces(tmp_path / "none")
