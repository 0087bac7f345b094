import torch
from torch import nn

from train.cams import cam


def test_mean_of_the_cam_is_the_logit_of_each_samples_own_target():
    features, head, targets = torch.rand(4, 6, 5, 5), nn.Linear(6, 3), torch.tensor([2, 0, 1, 2])
    maps = cam(features, head.weight, targets)
    logits = head(features.mean(dim=(2, 3)))
    assert maps.shape == (4, 5, 5)
    torch.testing.assert_close(maps.mean(dim=(1, 2)) + head.bias[targets], logits[torch.arange(4), targets])
