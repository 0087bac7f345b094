import pytest
import torch
from torch import nn

from train.attribution.faithfulness import blur, insertion_deletion, ranks
from train.models.classifier import Output


class Corner(nn.Module):
    """Says class 0 by how bright the top left quarter is."""

    def forward(self, images):
        value = 40 * (images[:, :, :4, :4].mean(dim=(1, 2, 3)) - 0.93)
        return Output(torch.stack([value, -value], dim=1), [], None, ())


def test_ranks_are_places_from_the_highest():
    maps = torch.tensor([[[[0.2, 0.9], [0.5, 0.2]]]])
    assert ranks(maps).tolist() == [[[[0.5, 0.0], [0.25, 0.75]]]]


def test_blur_keeps_means_and_constants_and_takes_detail():
    images = torch.rand(2, 3, 24, 24)
    blurred = blur(images)
    assert blurred.shape == images.shape
    torch.testing.assert_close(blur(torch.full((1, 3, 24, 24), 0.3)), torch.full((1, 3, 24, 24), 0.3))
    assert blurred.std() < images.std() / 4
    impulse = torch.zeros(1, 1, 25, 25)
    impulse[0, 0, 12, 12] = 1
    spread = blur(impulse)[0, 0]
    torch.testing.assert_close(spread, spread.T)
    torch.testing.assert_close(spread, spread.flip(0))


def image():
    """A bright quarter on black: the mean and the blurred image are dark there."""
    images = torch.zeros(1, 3, 8, 8)
    images[:, :, :4, :4] = 1
    return images


def test_a_map_of_what_matters_is_inserted_early_and_deleted_early():
    images, target = image(), torch.tensor([0])
    right = images[:, :1]
    good = insertion_deletion(Corner(), images, target, right, 16)
    bad = insertion_deletion(Corner(), images, target, 1 - right, 16)
    assert good[0] > bad[0] + 0.2
    assert good[1] < bad[1] - 0.2


def test_areas_by_hand():
    """Two steps: nothing, half and all of the pixels changed. The map puts the quarter first, the lower half last."""
    images, target = image(), torch.tensor([0])
    maps = torch.linspace(1, 0, 64).view(1, 1, 8, 8)
    insertion, deletion = insertion_deletion(Corner(), images, target, maps, 2)
    probability = lambda shown: Corner()(shown).logits.softmax(dim=1)[0, 0]  # noqa: E731
    hidden, mean = blur(images), torch.full_like(images, 0.25)
    half = torch.arange(8)[:, None] < 4
    curve = [probability(hidden), probability(torch.where(half, images, hidden)), probability(images)]
    assert insertion.item() == pytest.approx((curve[0] / 2 + curve[1] + curve[2] / 2).item() / 2)
    curve = [probability(images), probability(torch.where(half, mean, images)), probability(mean)]
    assert deletion.item() == pytest.approx((curve[0] / 2 + curve[1] + curve[2] / 2).item() / 2)


def test_each_image_is_judged_by_its_own_class_alone():
    images = torch.rand(3, 3, 8, 8)
    maps, targets = torch.rand(3, 1, 4, 4), torch.tensor([0, 1, 0])
    together = torch.stack(insertion_deletion(Corner(), images, targets, maps, 4))
    for i in range(3):
        alone = torch.stack(insertion_deletion(Corner(), images[i : i + 1], targets[i : i + 1], maps[i : i + 1], 4))
        torch.testing.assert_close(together[:, i : i + 1], alone)
