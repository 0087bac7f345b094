import pickle

import torch

from train.loop import calibration
from train.models.backbones.dlib_resnet import DlibResNet


def test_calibration_keeps_the_function_and_normalises_the_activations():
    torch.manual_seed(0)
    backbone = DlibResNet(large_maps=True).eval()
    images = [torch.rand(16, 3, 64, 64) for _ in range(3)]
    with torch.no_grad():
        before = backbone(images[0]).layers
        calibration.calibrate(backbone, images)
        after = backbone(images[0]).layers
        for old, new in zip(before, after, strict=True):
            torch.testing.assert_close(old, new, rtol=1e-3, atol=1e-4 * old.abs().max().item())
        recorded = []
        hook = backbone.stages[2][0].norm1.register_forward_hook(lambda layer, inputs, output: recorded.append(inputs[0]))
        backbone(images[0])
        hook.remove()
    norm = backbone.stages[2][0].norm1
    torch.testing.assert_close(recorded[0].mean(dim=(0, 2, 3)), norm.running_mean, rtol=0.2, atol=0.2)
    pickle.dumps(backbone)  # fails if a hook of the calibration is left: it is a local function
