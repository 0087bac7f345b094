import cv2
import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import draw
from pipeline.runtime.errors import InputError
from pipeline.shards import ShardWriter


def test_mean_face_is_a_face():
    face = draw.mean_landmarks()
    assert face.shape == (68, 2)
    assert (face > 0).all()
    assert (face < draw.SIDE).all()
    assert face[36:48, 1].mean() < face[27:36, 1].mean() < face[48:68, 1].mean() < face[8, 1]


@pytest.mark.parametrize("name", codebooks.shipped())
def test_a_panel_per_expression_with_a_map(name, tmp_path):
    book = codebooks.load(name)
    panels = draw.expression_panels(book)
    assert list(panels) == [expression for expression, aus in book.expressions.items() if aus]
    draw.draw(book, panels, [(None, draw.mean_landmarks())], tmp_path / "book.png")
    picture = cv2.imread(str(tmp_path / "book.png"))
    assert picture.shape[1] > 800
    saturation = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)[:, :, 1]
    assert 0.02 < (saturation > 100).mean() < 0.5  # heatmaps are the only colours


def test_every_shape_carries_its_number(tmp_path):
    book = codebooks.load("facs")
    frame, sizes = draw.mean_landmarks()[None], np.full((1, 2), 224.0)
    labels = draw.place_labels(book, book.cues["pain"], frame, sizes)
    assert sorted(text for text, _ in labels) == ["10", "4", "43", "43", "6", "6", "6", "6", "7", "7", "9"]
    places = np.array([place for _, place in labels])
    apart = np.abs(places[:, None] - places[None])
    near = (apart[..., 0] < draw.LABEL_DISTANCE[0]) & (apart[..., 1] < draw.LABEL_DISTANCE[1])
    assert near.sum() == len(places)  # each with itself


def test_action_units_of_one_place_share_a_label():
    book = codebooks.load("facs")
    anger_and_24 = (*book.cues["anger"], book.cues["anger"][0].model_copy(update={"au": "24"}))
    labels = draw.place_labels(book, anger_and_24, draw.mean_landmarks()[None], np.full((1, 2), 224.0))
    assert "23 24" in [text for text, _ in labels]


def test_drawn_on_faces_of_a_data_set(dataset, tmp_path):
    faces = draw.sample_faces(dataset.faces, 3)
    assert [image.shape for image, _ in faces] == [(draw.SIDE, draw.SIDE, 3)] * 3
    assert all(0 < landmarks[30, 0] < draw.SIDE for _, landmarks in faces)
    book = codebooks.load("belharbi2024")
    draw.draw(book, draw.expression_panels(book), faces, tmp_path / "book.png")
    rows, columns, _ = cv2.imread(str(tmp_path / "book.png")).shape
    assert columns > rows > columns / 3


def test_same_picture_same_bytes(tmp_path):
    book = codebooks.load("facs")
    for name in ("one.png", "two.png"):
        draw.draw(book, draw.expression_panels(book), [(None, draw.mean_landmarks())], tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_no_face_is_named(tmp_path):
    columns = {name: ["x"] for name in ("id", "label", "split", "subject", "reason", "aus")} | {"status": ["no_face"]}
    columns |= {"landmarks": np.zeros((1, 68, 2), np.float32)}
    columns |= {"key": np.zeros((1, 32), np.uint8)}
    columns |= {"crop_offsets": np.zeros(2, np.int64), "crop_bytes": np.zeros(0, np.uint8)}
    with ShardWriter(tmp_path, "faces", {"crop_size": 256}) as writer:
        writer.write(columns, 1)
    with pytest.raises(InputError, match="has no face: check `aucue detect`"):
        draw.sample_faces(tmp_path, 3)
