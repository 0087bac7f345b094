import pytest

from train.data.dataset import Faces, open_shards, training_classes
from train.evaluate import stage as evaluate
from train.loop import stage as train


@pytest.fixture(scope="module")
def faces(dataset):
    """The training faces of the small dataset."""
    shards = open_shards(dataset.faces, dataset.heatmaps)
    return Faces(*shards, "train", training_classes(shards[0]))


@pytest.fixture(scope="session")
def evaluated(dataset, params, tmp_path_factory):
    """A folder with train/ and evaluation/ of both variants after one fast epoch on the small dataset."""
    folder = tmp_path_factory.mktemp("evaluated")
    fast = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 64})
    for variant in ("baseline", "guided"):
        train.main(
            base=params.base,
            params=fast,
            variant=variant,
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=folder / "train" / variant,
        )
        checkpoint = folder / "train" / variant / "model.safetensors"
        evaluate.main(
            params=params.evaluate,
            checkpoint=checkpoint,
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=folder / "evaluation" / variant,
        )
    return folder
