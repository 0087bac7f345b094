"""The program of train/README.md runs as it is written, without PyTorch, and computes what PyTorch does."""

import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from train.data.augmentation import whole_view
from train.data.dataset import Batch
from train.export.network import ExportedNetwork
from train.models import checkpoint as checkpoints

CHECK = """
import sys
assert not {"torch", "train", "pipeline"} & set(sys.modules), "only OpenCV, NumPy and onnxruntime"
np.savez("outputs.npz", images=crop.transpose(2, 0, 1)[None], logits=logits, attention=attention, class_maps=class_maps[0])
"""


@pytest.fixture(scope="module")
def program(params_path):
    text = (params_path.parent / "train" / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## A model to take away\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture(scope="module")
def crop(portraits):
    """A face of 256 x 256 pixels, (256, 256, 3) uint8 in BGR, in which no two channels are alike."""
    grey = (portraits(1, 256)[0, 0] * 255).byte().numpy()
    return np.ascontiguousarray(np.stack([grey, 255 - grey, grey // 2], axis=2))


@pytest.fixture(scope="module")
def ran(exported, program, crop, tmp_path_factory):
    """The folder where the program ran, the lines that it printed, and the arrays that it made."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "data").mkdir()
    shutil.copy(exported.file, folder / "data" / "model.onnx")
    cv2.imwrite(str(folder / "face.jpg"), crop, [cv2.IMWRITE_JPEG_QUALITY, 100])
    command = [sys.executable, "-I", "-c", program + CHECK]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout.splitlines(), dict(np.load(folder / "outputs.npz"))


def test_the_program_computes_what_pytorch_does(exported, ran):
    _, lines, arrays = ran
    classifier, config = checkpoints.load(exported.checkpoint)
    network = ExportedNetwork(classifier, 64, 28)
    with torch.no_grad():
        expected = dict(zip(network.output_names, network(torch.from_numpy(arrays["images"])), strict=True))
    for name, values in expected.items():
        np.testing.assert_allclose(arrays[name], values.numpy(), atol=1e-4, rtol=0)
    printed = {name: float(probability) for name, probability in map(str.split, lines)}
    assert list(printed) == list(config.classes)
    np.testing.assert_allclose(list(printed.values()), expected["logits"].softmax(dim=1)[0].numpy(), atol=6e-4)


def test_its_input_is_about_that_of_evaluate(ran):
    folder, _, arrays = ran
    read = cv2.imread(str(folder / "face.jpg"))[:, :, ::-1]
    images = torch.from_numpy(read.transpose(2, 0, 1).copy())[None]
    row = torch.zeros(1, dtype=torch.int64)
    view = whole_view(Batch(images, torch.zeros(1, 1, 28, 28, dtype=torch.uint8), row == 0, row, row), 64)
    assert np.abs(arrays["images"] - view.images.numpy()).mean() < 0.01


def test_the_program_is_short(program):
    assert len([line for line in program.splitlines() if line]) <= 16
