import numpy as np
import pytest
import torch

from pipeline.faces import dlib_models as models
from pipeline.faces.decoding import read_rgb
from pipeline.runtime.packaged_files import dlib_model
from train.models import backbones
from train.models.backbones.dlib_network_file import FACE_NETWORK, FACE_NETWORK_SHA256
from train.models.backbones.dlib_resnet import Descriptor, DlibResNet


def test_equals_dlibs_descriptor_on_real_faces(orl):
    dlib = models.import_dlib()
    theirs = dlib.face_recognition_model_v1(str(dlib_model(FACE_NETWORK, FACE_NETWORK_SHA256)))
    predictor = dlib.shape_predictor(str(models.packaged(models.PREDICTOR)))
    detector = dlib.get_frontal_face_detector()
    ours = Descriptor().eval()
    compared = 0
    for person in range(1, 41, 4):
        image = read_rgb(orl / f"s{person}" / "1.pgm").repeat(3, axis=0).repeat(3, axis=1)
        for box in detector(image, 0):
            chip = dlib.get_face_chip(image, predictor(image, box), size=150, padding=0.25)
            with torch.no_grad():
                descriptor = ours(torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 255)[0]
            np.testing.assert_allclose(descriptor, theirs.compute_face_descriptor(chip), atol=1e-5)
            compared += 1
    assert compared >= 8


@pytest.mark.parametrize(("large_maps", "sides"), [(False, [72, 35, 17, 8, 4]), (True, [72, 35, 17, 17, 17])])
def test_layers(large_maps, sides):
    backbone = backbones.build("dlib_resnet", large_maps).eval()
    with torch.no_grad():
        features = backbone(torch.rand(2, 3, 150, 150)).layers
    assert [tuple(layer.shape) for layer in features] == [
        (2, channels, side, side) for channels, side in zip(backbone.channels, sides, strict=True)
    ]
    assert all((layer >= 0).all() for layer in features)


@pytest.mark.parametrize("side", [131, 227])
@torch.no_grad()
def test_large_maps_hold_what_the_network_computes_with_its_strides(side):
    """At every second place and at every fourth, of images that no block has to pad."""
    images = torch.rand(2, 3, side, side)
    small, large = (DlibResNet(large_maps).eval()(images).layers for large_maps in (False, True))
    for layer, first, step in ((0, 0, 1), (1, 0, 1), (2, 0, 1), (3, 1, 2), (4, 3, 4)):
        there = large[layer][:, :, first::step, first::step]
        torch.testing.assert_close(there, small[layer], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("large_maps", [False, True])
@pytest.mark.parametrize("changed", [1, 2, 3, 4])
@torch.no_grad()
def test_continues_with_the_layer_hook_s_result_and_gives_the_layer_itself(changed, large_maps):
    backbone, images, calls = DlibResNet(large_maps).eval(), torch.rand(1, 3, 64, 64), []

    def layer_hook(layer, hidden):
        calls.append(layer)
        return hidden * 0.5 if layer == changed else hidden

    plain, others = backbone(images).layers, backbone(images, layer_hook).layers
    assert calls == [1, 2, 3, 4]
    for layer, (one, other) in enumerate(zip(plain, others, strict=True), start=1):
        assert torch.equal(one, other) == (layer <= changed)


def test_large_maps_change_no_weight():
    small, large = DlibResNet(large_maps=False), DlibResNet(large_maps=True)
    for name, value in small.state_dict().items():
        assert torch.equal(value, large.state_dict()[name]), name


def test_without_pretraining_the_weights_are_others():
    assert not torch.equal(DlibResNet(True, pretrained=False).stem[0].weight, DlibResNet(True).stem[0].weight)


def test_unknown_backbone():
    with pytest.raises(ValueError, match="unknown backbone 'resnet'"):
        backbones.build("resnet", large_maps=True)
