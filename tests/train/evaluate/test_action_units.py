import numpy as np
import pytest
import torch

from pipeline import codebook
from pipeline.shards import ShardSet
from train.evaluate.action_units import ActionUnitRegions, find_codebook, measure_coverage, moved_units

CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@pytest.fixture(scope="module")
def faces(dataset):
    return ShardSet(dataset.faces, "faces")


@pytest.fixture(scope="module")
def regions(faces):
    return ActionUnitRegions(faces, codebook.load("belharbi2024"), CLASSES, 28)


def test_keys_are_what_expressions_list_and_faces_moved(regions):
    assert set(regions.keys) >= {"1", "2", "4", "5", "6", "7", "9", "10", "12", "15", "16", "17", "20", "23", "24", "25"}
    assert "43" not in regions.keys  # no expression lists it, no face moved it
    happiness = regions.listed[CLASSES.index("happiness")]
    assert [key for key, hit in zip(regions.keys, happiness, strict=True) if hit] == ["6", "12", "25"]
    assert not regions.listed[CLASSES.index("neutral")].any()
    assert regions.names[regions.keys.index("12")] == "Lip Corner Puller"


def test_masks_lie_where_the_unit_is(regions, faces):
    """The mouth's corners below the brows, each about its landmarks."""
    rows = np.flatnonzero(faces.column("status") == "ok")[:3].tolist()
    masks = regions.masks(rows)
    assert masks.shape == (3, len(regions.keys), 28, 28)
    centre = lambda key, i: torch.nonzero(masks[i, regions.keys.index(key)]).float().mean(dim=0)  # noqa: E731
    for i, row in enumerate(rows):
        expected = faces.row("landmarks", row)[[48, 54]].mean(axis=0) * 28 / faces.provenance["crop_size"]
        assert centre("12", i).flip(0).numpy() == pytest.approx(expected, abs=1.2)
        assert centre("1", i)[0] < centre("12", i)[0] - 5


def test_moved_are_the_units_of_the_manifest(regions, faces):
    aus = faces.column("aus")
    rows = [int(np.flatnonzero(faces.column("label") == label)[0]) for label in ("happiness", "neutral")]
    moved = regions.moved(rows)
    named = {key for key, hit in zip(regions.keys, moved[0], strict=True) if hit}
    assert "12" in named
    assert named <= {pair.split("=")[0] for pair in str(aus[rows[0]]).split()}
    assert not moved[1].any()


def test_units_that_clearly_moved():
    assert moved_units("12=0.9/1.1 25=0.20/0.29 6=0.25/0.25 1=0.1/0.12") == {12, 6}
    assert moved_units("") == set()


def test_measure_by_hand():
    """Four columns are four units' regions; the map has 1, 3, 0, 4 in them. The expression lists 0, 1 and 3; 1 and 2
    moved."""
    maps = torch.tensor([[[[1.0, 3, 0, 4]] * 4]])
    masks = torch.zeros(1, 4, 4, 4, dtype=torch.bool)
    for unit in range(4):
        masks[0, unit, :, unit] = True
    listed, moved = torch.tensor([[True, True, False, True]]), torch.tensor([[False, True, True, False]])
    coverage = measure_coverage(maps, masks, listed, moved)
    assert coverage.units.tolist() == [[0.5, 1.5, 0, 2]]
    assert coverage.moved_energy.tolist() == [3 / 8]
    assert coverage.moved_area.tolist() == [0.5]
    assert coverage.moved.tolist() == [0.75]
    assert coverage.still.tolist() == [5 / 8 / 0.5]


def test_what_moved_is_not_still_and_nothing_is_measured_where_nothing_moved():
    maps = torch.rand(1, 1, 4, 4)
    masks = torch.ones(1, 2, 4, 4, dtype=torch.bool)  # two units at one place
    coverage = measure_coverage(maps, masks, torch.tensor([[True, True]]), torch.tensor([[True, False]]))
    assert coverage.still.isnan()
    assert coverage.moved.item() == pytest.approx(1)
    coverage = measure_coverage(maps, masks, torch.tensor([[True, True]]), torch.tensor([[False, False]]))
    assert all(values.isnan() for values in coverage[1:])


def test_codebook_is_the_one_that_made_the_heatmaps(dataset, tmp_path):
    heatmaps = ShardSet(dataset.heatmaps, "heatmaps")
    assert find_codebook(heatmaps, None).name == "belharbi2024"
    assert find_codebook(heatmaps, "facs").name == "belharbi2024"  # that one means something else
    assert find_codebook(heatmaps, "no such").name == "belharbi2024"
    copy = tmp_path / "copy.yaml"
    copy.write_text(codebook.find("belharbi2024").read_text())
    heatmaps.provenance["codebook"] = "mine"
    assert find_codebook(heatmaps, None) is None
    assert find_codebook(heatmaps, str(copy)).digest() == heatmaps.provenance["codebook_sha256"]


def test_without_a_codebook_there_is_no_unit(faces):
    none = ActionUnitRegions(faces, None, CLASSES, 28)
    assert none.keys == ()
    assert none.masks([0, 1]).shape == (2, 0, 28, 28)
    coverage = measure_coverage(torch.rand(2, 1, 28, 28), none.masks([0, 1]), none.listed[:2], none.moved([0, 1]))
    assert coverage.units.shape == (2, 0)
    assert coverage.moved.isnan().all()
