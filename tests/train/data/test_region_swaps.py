from itertools import product

import pytest
import torch

from train.data import region_swaps
from train.data.dataset import Batch
from train.data.region_swaps import Swaps, swap_params, swap_regions

NEUTRAL, ANGER, FEAR = range(3)
CELLS, SIZE = 14, 56
PLACES = {ANGER: slice(2, 5), FEAR: slice(8, 11)}  # rows of the regions
GREY = {NEUTRAL: 40, ANGER: 120, FEAR: 200}


@pytest.fixture
def batch():
    """Faces whose grey value tells the label, with pixels of their own."""
    targets = torch.tensor([NEUTRAL, ANGER, FEAR, NEUTRAL, ANGER, FEAR] * 20)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(-20, 20, (len(targets), 1, SIZE, SIZE), generator=generator)
    grey = torch.tensor([GREY[target] for target in targets.tolist()]).view(-1, 1, 1, 1)
    heatmaps = torch.zeros(len(targets), 1, CELLS, CELLS, dtype=torch.uint8)
    for face, target in enumerate(targets.tolist()):
        if target != NEUTRAL:
            heatmaps[face, 0, PLACES[target], 3:11] = 255
    images = (grey + noise).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()
    return Batch(images, heatmaps, targets != NEUTRAL, targets, torch.arange(len(targets)))


@pytest.fixture
def swapped(batch):
    return swap_regions(batch, SIZE, Swaps(NEUTRAL, 1.0), swap_params(len(batch.targets), torch.Generator().manual_seed(1)))


def changed_rows(before, after):
    """Where (B, CELLS) the middle of each face changed."""
    scale = SIZE // CELLS
    differs = (before.images != after.images).any(dim=1)[:, :, 20:36]
    return differs.view(len(before.targets), CELLS, scale, -1).float().mean(dim=(2, 3)) > 0.5


def outline(rows):
    """The expression in whose region a face (CELLS,) changed; None if it did not change."""
    found = [expression for expression, place in PLACES.items() if rows[place].all()]
    assert len(found) <= 1
    return found[0] if found else None


def test_every_outline_comes_with_every_label(batch, swapped):
    outlines = [outline(rows) for rows in changed_rows(batch, swapped)]
    found = set(zip(outlines, swapped.targets.tolist(), strict=True))
    assert found >= set(product((ANGER, FEAR), (NEUTRAL, ANGER, FEAR)))


def test_the_label_goes_with_the_regions(batch, swapped):
    """A label changes only with its own regions, and always to what they then show."""
    for face, rows in enumerate(changed_rows(batch, swapped)):
        before, after = int(batch.targets[face]), int(swapped.targets[face])
        if before == after:
            continue
        assert {before, after} - {NEUTRAL} == {outline(rows)}
    pairs = set(zip(batch.targets.tolist(), swapped.targets.tolist(), strict=True))
    assert pairs == set(product((NEUTRAL, ANGER, FEAR), repeat=2)) - {(NEUTRAL, NEUTRAL), (ANGER, FEAR), (FEAR, ANGER)}


def test_an_expression_that_keeps_its_label_keeps_its_regions(batch, swapped):
    kept = [face for face in range(len(batch.targets)) if batch.targets[face] == swapped.targets[face] == ANGER]
    assert {outline(changed_rows(batch, swapped)[face]) for face in kept} == {FEAR}


def test_a_heatmap_comes_and_goes_with_the_label(batch, swapped):
    assert torch.equal(swapped.has_map, swapped.targets != NEUTRAL)
    for face in torch.nonzero(swapped.has_map)[:, 0].tolist():
        assert swapped.heatmaps[face, 0, PLACES[int(swapped.targets[face])], 3:11].min() == 255


def test_only_the_share_is_changed(batch):
    numbers = swap_params(len(batch.targets), torch.Generator().manual_seed(1))
    none = swap_regions(batch, SIZE, Swaps(NEUTRAL, 0.0), numbers)
    assert torch.equal(none.images, batch.images)
    assert torch.equal(none.targets, batch.targets)
    half = swap_regions(batch, SIZE, Swaps(NEUTRAL, 0.5), numbers)
    is_changed = (half.images != batch.images).flatten(1).any(dim=1)
    assert torch.equal(is_changed, numbers[:, 0] < 0.5)


def test_the_same_numbers_give_the_same_batch_and_leave_the_first_as_it_is(batch):
    before = batch.images.clone()
    numbers = swap_params(len(batch.targets), torch.Generator().manual_seed(1))
    first, second = (swap_regions(batch, SIZE, Swaps(NEUTRAL, 1.0), numbers) for _ in range(2))
    assert torch.equal(first.images, second.images)
    assert torch.equal(batch.images, before)


@pytest.mark.parametrize("members", [[NEUTRAL], [ANGER], [NEUTRAL, ANGER], [ANGER, ANGER], [ANGER, FEAR]])
def test_a_batch_without_the_faces_that_a_view_needs_is_left_alone(batch, members):
    rows = torch.tensor(members)  # the first three faces are one of each label
    few = Batch(*(getattr(batch, name)[rows] for name in ("images", "heatmaps", "has_map", "targets", "rows")))
    for seed in range(5):
        found = swap_regions(few, SIZE, Swaps(NEUTRAL, 1.0), swap_params(len(members), torch.Generator().manual_seed(seed)))
        assert found.images.shape == few.images.shape
        if NEUTRAL not in members or len(set(members)) == 1:
            assert torch.equal(found.targets, few.targets)


def test_a_face_without_a_map_for_another_reason_is_left_alone(batch):
    lost = batch.has_map.clone()
    lost[1] = False
    found = swap_regions(
        Batch(batch.images, batch.heatmaps, lost, batch.targets, batch.rows),
        SIZE,
        Swaps(NEUTRAL, 1.0),
        swap_params(len(batch.targets), torch.Generator().manual_seed(2)),
    )
    assert torch.equal(found.images[1], batch.images[1])
    assert not found.has_map[1]


def test_there_are_as_many_numbers_as_are_used():
    assert swap_params(3, torch.Generator()).shape == (3, region_swaps.NUMBERS)


def test_regions_that_an_expression_shares_with_its_own_stay(batch):
    """Where the regions of two expressions overlap, a face that keeps its label keeps its own pixels."""
    heatmaps = batch.heatmaps.clone()
    heatmaps[batch.targets == FEAR, 0, PLACES[ANGER].stop - 1, 3:11] = 255
    overlapping = Batch(batch.images, heatmaps, batch.has_map, batch.targets, batch.rows)
    numbers = swap_params(len(batch.targets), torch.Generator().manual_seed(1))
    swapped = swap_regions(overlapping, SIZE, Swaps(NEUTRAL, 1.0), numbers)
    kept = (batch.targets == ANGER) & (swapped.targets == ANGER)
    changed = changed_rows(batch, swapped)[kept]
    assert changed[:, PLACES[FEAR]].all()
    assert not changed[:, PLACES[ANGER]].any()


def test_a_gpu_blends_all_faces_and_gets_the_same_batch(batch, swapped, monkeypatch):
    monkeypatch.setattr(torch, "nonzero", lambda changed: torch.arange(len(changed))[:, None])
    numbers = swap_params(len(batch.targets), torch.Generator().manual_seed(1))
    assert torch.equal(swap_regions(batch, SIZE, Swaps(NEUTRAL, 1.0), numbers).images, swapped.images)
    numbers[::2, 0] = 0.9  # half of the faces do not change
    some = swap_regions(batch, SIZE, Swaps(NEUTRAL, 0.5), numbers)
    assert torch.equal(some.images[::2], batch.images[::2])
