import pytest

from train import evaluate, train
from train.data import Faces, classes_of, open_shards


@pytest.fixture(scope="module")
def faces(dataset):
    """The training faces of the small dataset."""
    shards = open_shards(dataset.faces, dataset.heatmaps)
    return Faces(*shards, "train", classes_of(shards[0]))


@pytest.fixture(scope="session")
def evaluated(dataset, params, tmp_path_factory):
    """A folder with train/ and evaluation/ of both variants after one fast epoch on the small dataset."""
    folder = tmp_path_factory.mktemp("evaluated")
    fast = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 64})
    for variant in ("baseline", "guided"):
        train.main(params.base, fast, variant, dataset.faces, dataset.heatmaps, folder / "train" / variant)
        checkpoint = folder / "train" / variant / "model.safetensors"
        evaluate.main(params.evaluate, checkpoint, dataset.faces, dataset.heatmaps, folder / "evaluation" / variant)
    return folder
