import numpy as np
import pytest

from train.data.dataset import open_shards
from train.evaluate.artifacts import read
from train.report import panels


@pytest.fixture
def faces(dataset):
    return open_shards(dataset.faces, dataset.heatmaps)[0]


@pytest.fixture
def evaluations(evaluated):
    return {name: read(evaluated / "evaluation" / name, "fix") for name in ("baseline", "guided")}


def test_a_face_has_a_heatmap_where_the_evaluation_says_so(evaluations, faces):
    """And not where its cosine, which is text, is empty or 0."""
    guided = evaluations["guided"]
    for face in guided.predictions:
        face["att_cos"] = ""
    gallery = panels.gallery(evaluations, faces, len(guided.predictions), seed=0)
    by_id = {panel["id"]: panel["tiles"] for panel in gallery}
    for face, has_map in zip(guided.predictions, guided.maps["has_map"], strict=True):
        tiles = by_id[face["id"]]
        assert len(tiles) == 6
        assert (tiles[1] is not None) == has_map
        assert all(tile.startswith("data:image/jpeg") for place, tile in enumerate(tiles) if place != 1)
    assert 0 < guided.maps["has_map"].sum() < len(gallery)


def test_gallery_takes_equally_many_of_every_class_and_other_faces_by_another_seed(evaluations, faces):
    drawn = [panels.gallery(evaluations, faces, 14, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert [panel["id"] for panel in drawn[0]] != [panel["id"] for panel in drawn[2]]
    for gallery in drawn:
        assert np.unique([panel["actual"] for panel in gallery], return_counts=True)[1].tolist() == [2] * 7


def test_expressions_without_a_heatmap_have_no_panel(evaluations, faces):
    found = panels.expression_panels(evaluations, faces)
    assert [panel["name"] for panel in found] == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    assert all((panel["faces"], len(panel["tiles"]), len(panel["att_cos"])) == (8, 5, 2) for panel in found)
    assert found[3]["units"] == "6, 12, 25"


def test_units_have_names_but_the_one_that_is_none(evaluations):
    evaluations["guided"].details["action_units"]["0"] = {"name": "Neutral"}
    names = panels.unit_names(evaluations)
    assert names["12"] == "Lip Corner Puller"
    assert "0" not in names


def test_gallery_takes_the_first_of_every_class_in_random_order_then_the_second():
    actual = np.random.default_rng(0).choice(list("abc"), 50, p=[0.7, 0.2, 0.1])
    shuffled = np.random.default_rng(3).permutation(50)
    rank = {index: int((actual[shuffled[:place]] == actual[index]).sum()) for place, index in enumerate(shuffled)}
    expected = sorted(shuffled.tolist(), key=lambda index: rank[index])
    assert panels.choose_faces(actual, 50, seed=3) == expected
    assert panels.choose_faces(actual, 14, seed=3) == expected[:14]


def test_mean_face_is_that_of_all_crops(faces):
    rows = np.flatnonzero(faces.column("status") == "ok")[:20].tolist()
    expected = np.mean([faces.crop(row) for row in rows], axis=0).astype(np.uint8)
    np.testing.assert_array_equal(panels.mean_crop(faces, rows, "mean face"), expected)
