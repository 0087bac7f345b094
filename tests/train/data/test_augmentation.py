import math
from dataclasses import fields, replace

import pytest
import torch
import torch.nn.functional as F

from pipeline.runtime.parameters import Augment
from train.data import augmentation as augment
from train.data.augmentation import (
    erase,
    hue_rotation,
    jitter,
    luma,
    random_geometry,
    random_params,
    to_grey,
    train_view,
    warp,
    whole_view,
)
from train.data.dataset import Batch

GEOMETRY_ONLY = {"jitter_probability": 0.0, "grey_probability": 0.0, "erase_probability": 0.0}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def numbers(number, generator):
    return iter(random_params(number, generator).unbind(dim=1))


def view_of(batch, size, params, generator):
    return train_view(batch, size, params, random_params(len(batch.targets), generator))


def parameters(**changes):
    return Augment(
        **{
            "rotation": 6.0,
            "min_crop_area": 0.8,
            "flip_probability": 0.5,
            "jitter_probability": 0.8,
            "grey_probability": 0.2,
            "erase_probability": 0.5,
            **changes,
        }
    )


def blob_batch(number=32, image_size=128, map_size=28):
    """Images and heatmaps that show the same bright blob, off centre."""

    def blob(size):
        position = (torch.arange(size) + 0.5) / size
        return torch.exp(-((position[None, :] - 0.65) ** 2 + (position[:, None] - 0.4) ** 2) / 0.02)

    images = (blob(image_size) * 255).round().byte().expand(number, 3, -1, -1)
    heatmaps = (blob(map_size) * 255).round().byte().expand(number, 1, -1, -1)
    indices = torch.arange(number)
    return Batch(images, heatmaps, torch.ones(number, dtype=torch.bool), indices % 7, indices)


def centre_of_mass(maps):
    """(B, 2) as (x, y) in [0, 1]."""
    maps = maps.flatten(1, -3).view(len(maps), -1, *maps.shape[-2:]).mean(dim=1)
    position = (torch.arange(maps.shape[-1]) + 0.5) / maps.shape[-1]
    total = maps.sum(dim=(1, 2))
    return torch.stack([(maps.sum(dim=1) * position).sum(1) / total, (maps.sum(dim=2) * position).sum(1) / total], dim=1)


def test_image_and_heatmap_move_together(generator):
    view = view_of(blob_batch(), 96, parameters(**GEOMETRY_ONLY), generator)
    images, heatmaps = view.images, view.heatmaps
    assert images.shape == (32, 3, 96, 96)
    assert heatmaps.shape == (32, 1, 28, 28)
    moved = centre_of_mass(images)
    torch.testing.assert_close(moved, centre_of_mass(heatmaps), atol=0.01, rtol=0)
    assert (moved[:, 0] < 0.5).any()  # some are flipped
    assert (moved[:, 0] > 0.5).any()


def test_flip_is_a_mirror(generator):
    batch = blob_batch(4)
    fixed = {**GEOMETRY_ONLY, "rotation": 0.0, "min_crop_area": 1.0}
    view = view_of(batch, 128, parameters(**fixed, flip_probability=1.0), generator)
    torch.testing.assert_close(view.images, batch.images.flip(-1).float() / 255, atol=1e-5, rtol=0)
    torch.testing.assert_close(view.heatmaps, batch.heatmaps.flip(-1).float() / 255, atol=1e-5, rtol=0)


def test_no_augmentation_is_the_whole_crop(generator):
    batch = blob_batch(4)
    off = parameters(rotation=0.0, min_crop_area=1.0, flip_probability=0.0, **GEOMETRY_ONLY)
    seen, expected = view_of(batch, 96, off, generator), whole_view(batch, 96)
    for field in fields(seen):
        torch.testing.assert_close(getattr(seen, field.name), getattr(expected, field.name), atol=1e-5, rtol=0)


def test_view_depends_on_its_own_random_numbers_alone(generator):
    batch, random_numbers = blob_batch(6), random_params(6, generator)
    whole = train_view(batch, 64, parameters(), random_numbers)
    some = torch.tensor([4, 1])
    part = train_view(Batch(*(value[some] for value in vars(batch).values())), 64, parameters(), random_numbers[some])
    torch.testing.assert_close(part.images, whole.images[some])
    torch.testing.assert_close(part.heatmaps, whole.heatmaps[some])


def test_geometry_stays_within_its_limits(generator):
    geometry = random_geometry(parameters(rotation=6.0, min_crop_area=0.8, flip_probability=0.5), numbers(5000, generator))
    linear = geometry[:, :, :2]
    area = torch.linalg.det(linear)
    angle = torch.atan2(linear[:, 0, 1], linear[:, 1, 1])  # the second column is not mirrored
    assert area.abs().min() >= 0.8 - 1e-5
    assert area.abs().max() <= 1 + 1e-5
    assert angle.abs().max() <= math.radians(6) + 1e-5
    assert angle.max() > math.radians(5.5)
    assert angle.min() < -math.radians(5.5)
    assert (area < 0).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_rotation_turns_by_its_angle():
    angle = torch.tensor(math.radians(90))
    geometry = torch.stack(
        [torch.stack([angle.cos(), -angle.sin(), angle * 0]), torch.stack([angle.sin(), angle.cos(), angle * 0])]
    )
    image = torch.rand(1, 1, 9, 9)
    turned = warp(image, geometry[None], 9, padding="zeros")
    torch.testing.assert_close(turned, image.rot90(1, dims=(2, 3)), atol=1e-5, rtol=0)


def test_same_seed_same_view():
    views = [view_of(blob_batch(), 64, parameters(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(views[0].images, views[1].images)
    assert torch.equal(views[0].heatmaps, views[1].heatmaps)
    assert not torch.equal(views[0].images, views[2].images)


def test_jitter_keeps_range_and_leaves_the_unchosen_alone(generator):
    images = torch.rand(64, 3, 16, 16, generator=generator)
    jittered = jitter(images, 0.5, numbers(64, generator))
    assert jittered.min() >= 0
    assert jittered.max() <= 1
    changed = (jittered != images).flatten(1).any(dim=1)
    assert 16 < changed.sum() < 48


def turned(images, turns):
    return torch.einsum("bij,bjhw->bihw", hue_rotation(turns), images)


def test_jitter_is_brightness_contrast_saturation_and_hue_in_turn(generator):
    images, draws = torch.rand(16, 3, 8, 8, generator=generator), torch.rand(16, 5, generator=generator)
    brightness, contrast, saturation = (0.6 + 0.8 * draws[:, :3]).T[:, :, None, None, None]
    expected = images * brightness
    mean = luma(expected).mean(dim=(2, 3), keepdim=True)
    expected = mean + contrast * (expected - mean)
    expected = luma(expected) + saturation * (expected - luma(expected))
    expected = turned(expected, -0.1 + 0.2 * draws[:, 3]).clamp(0, 1)
    torch.testing.assert_close(jitter(images, 1.0, iter(draws.unbind(dim=1))), expected)


def test_crops_are_shrunk_alike_as_bytes_and_as_floats(generator):
    images = torch.randint(0, 256, (2, 3, 96, 96), generator=generator, dtype=torch.uint8)
    expected = F.interpolate(images / 255, size=(40, 40), mode="bilinear", antialias=True, align_corners=False)
    torch.testing.assert_close(augment.shrink(images, 32) / 255, expected, atol=1.01 / 255, rtol=0)


def test_hue_keeps_grey_and_the_mean_of_the_channels(generator):
    images = torch.rand(8, 3, 4, 4, generator=generator)
    found = turned(images, torch.linspace(-0.1, 0.1, 8))
    torch.testing.assert_close(found.mean(dim=1), images.mean(dim=1))
    grey = luma(images).expand(-1, 3, -1, -1)
    torch.testing.assert_close(turned(grey, torch.full((8,), 0.1)), grey)


def test_grey_has_equal_channels(generator):
    grey = to_grey(torch.rand(4, 3, 8, 8, generator=generator), 1.0, numbers(4, generator))
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_erasing_fills_one_rectangle_of_the_stated_size(generator):
    images = torch.zeros(200, 3, 64, 64)
    erased = erase(images, 1.0, numbers(200, generator)) == 0.5
    assert torch.equal(erased[:, 0], erased[:, 2])
    rows, columns = erased[:, 0].any(dim=2).sum(dim=1), erased[:, 0].any(dim=1).sum(dim=1)
    area = erased[:, 0].sum(dim=(1, 2))
    assert torch.equal(area, rows * columns)  # a full rectangle
    share = area / 64**2
    assert share.max() <= 0.36
    assert share.min() >= 0.01
    assert share.mean().item() == pytest.approx(0.175, abs=0.03)
    assert torch.equal(erase(images, 0.0, numbers(200, generator)), images)


def test_red_turned_by_a_third_is_green():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    torch.testing.assert_close(turned(red, torch.tensor([1 / 3])).flatten(), torch.tensor([0, 1.0, 0]))


def test_jitter_turns_hues(generator, monkeypatch):
    for name in ("BRIGHTNESS", "CONTRAST", "SATURATION"):
        monkeypatch.setattr(augment, name, 0.0)
    images = 0.3 + 0.4 * torch.rand(8, 3, 4, 4, generator=generator)
    jittered = jitter(images, 1.0, numbers(8, generator))
    torch.testing.assert_close(jittered.mean(dim=1), images.mean(dim=1))
    assert (jittered - images).abs().amax(dim=(1, 2, 3)).median() > 0.02


def test_views_may_be_grey(generator):
    batch = blob_batch(6)
    coloured = Batch(
        batch.images * torch.tensor([1, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1), *list(vars(batch).values())[1:]
    )
    still = {
        "rotation": 0.0,
        "min_crop_area": 1.0,
        "flip_probability": 0.0,
        "jitter_probability": 0.0,
        "erase_probability": 0.0,
    }
    grey = view_of(coloured, 64, parameters(**still, grey_probability=1.0), generator).images
    assert torch.equal(grey[:, 0], grey[:, 1])
    assert not torch.equal(
        *view_of(coloured, 64, parameters(**still, grey_probability=0.0), generator).images[:, :2].unbind(dim=1)
    )


def test_fine_stripes_shrink_to_grey():
    stripes = torch.zeros(2, 3, 256, 256, dtype=torch.uint8)
    stripes[..., ::2] = 255
    batch = blob_batch(2)
    seen = whole_view(replace(batch, images=stripes), 64).images
    assert (seen - 0.5).abs().max() < 0.05  # sampled as they are, some pixels would be black and others white
