import csv

import cv2
import numpy as np
import pytest

from train.explain import Explainer


@pytest.fixture(scope="session")
def checkpoint(evaluated):
    return evaluated / "train" / "guided" / "model.safetensors"


@pytest.fixture(scope="session")
def shards(dataset):
    return dataset.faces, dataset.heatmaps


@pytest.fixture(scope="session")
def explainer(checkpoint, shards):
    """One face of each photo, with neutral faces as donors."""
    return Explainer(checkpoint, which="largest", shards=shards)


@pytest.fixture(scope="session")
def test_photos(dataset):
    """The rows of the manifest of the test split."""
    with dataset.manifest.open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["split"] == "test"]


@pytest.fixture
def video(test_photos, tmp_path):
    """Make a video at 10 frames a second: some frames of each of the photos, and black frames for None."""

    def make(name="v.avi", photos=None, repeat=2, size=(320, 320), fourcc="MJPG"):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), 10, size)
        for photo in [row["path"] for row in test_photos[:3]] if photos is None else photos:
            image = np.zeros((*size, 3), np.uint8) if photo is None else cv2.resize(cv2.imread(photo), size)
            for _ in range(repeat):
                writer.write(image)
        writer.release()
        return path

    return make
