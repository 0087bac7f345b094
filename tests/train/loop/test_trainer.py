import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from train.data.loading import BatchLoader
from train.data.region_swaps import Swaps
from train.loop import stage as train
from train.loop import trainer
from train.loop.resume import State
from train.loop.trainer import find_swaps, selection_key, should_stop


def test_best_is_by_the_lower_cross_entropy_then_by_accuracy():
    def rank(accuracy, cross_entropy):
        return selection_key({"accuracy": accuracy, "cross_entropy": cross_entropy})

    assert rank(0.7, 0.1) > rank(0.8, 9.0)
    assert rank(0.8, 0.5) > rank(0.7, 0.5)


@pytest.mark.parametrize(("patience", "epoch", "over"), [(0, 90, False), (3, 6, False), (3, 7, True)])
def test_patience_ends_a_training_that_gets_no_better(params, patience, epoch, over):
    block = params.train.model_copy(update={"patience": patience})
    assert should_stop(State("run", epoch, best={"epoch": 4}), block) is over


def test_regions_are_swapped_in_the_share_that_is_asked_for(faces, params, monkeypatch):
    classes = tuple(sorted(set(faces.labels.tolist())))

    def found(*align, share=0.25):
        return find_swaps(faces, params.train.model_copy(update={"align": align, "evidence_share": share}), classes)

    assert found("attention", "evidence") == Swaps(classes.index("neutral"), 0.25)
    assert found("evidence", share=0.0) is None
    assert found("attention", "cam") is None
    monkeypatch.setattr(faces, "has_map", np.ones_like(faces.has_map))
    with pytest.raises(InputError, match=r"train\.align has evidence, which needs training faces of one label without"):
        found("evidence")


def test_as_many_processes_read_as_are_asked_for(dataset, params, tmp_path, monkeypatch):
    asked = []

    def reading(faces, batches, workers=0, pin=False):
        asked.append(workers)
        return BatchLoader(faces, batches, 0, pin)

    monkeypatch.setattr(trainer, "BatchLoader", reading)
    one = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 64, "workers": 1})
    train.main(
        base=params.base,
        params=one,
        variant="guided",
        faces_dir=dataset.faces,
        heatmaps_dir=dataset.heatmaps,
        out_dir=tmp_path,
    )
    assert asked == [1, 1, 0]  # training, validation, and the few batches before the first epoch
