import json

import pytest

from pipeline.runtime.errors import InputError
from train.bench import explaining


@pytest.mark.slow
def test_photos_start_and_video_are_measured(evaluated, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(explaining, "ROUNDS", 1)
    out = tmp_path / "bench" / "explain.json"
    checkpoint = evaluated / "train" / "guided" / "model.safetensors"
    explaining.main(checkpoint, (dataset.faces, dataset.heatmaps), dataset.photos, 9, 0.05, 0.5, out)
    found = json.loads(out.read_text())
    assert set(found) == {"photos", "mediapipe", "start", "video"}
    assert 0 < found["photos"]["without_needed_per_cpu_second"] < 1000
    assert found["photos"]["time_with_needed_over_without"] > 0.5
    assert found["photos"]["without_needed_over_raw_calls"] > 0
    assert 0 < found["start"]["seconds_to_the_first_line"] < 60
    assert found["video"]["megabytes_in_tenth_10"] > 50
    assert found["video"]["frames_per_second"] > 0


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no photo: name a folder that does with --photos"):
        explaining.main(tmp_path / "m", (tmp_path, tmp_path), tmp_path, 1, 1.0, 1.0, tmp_path / "explain.json")
