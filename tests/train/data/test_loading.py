from itertools import chain

import pytest
import torch

from pipeline.runtime.errors import InputError
from train.data.loading import BatchLoader, reader_count, split_batches


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_hold_the_items_that_are_asked_for(faces, workers):
    items = [[3, 1], [4], [0, 2, 3]]
    batches = list(BatchLoader(faces, items, workers))
    assert [batch.rows.tolist() for batch in batches] == [[int(faces.rows[item]) for item in batch] for batch in items]
    assert torch.equal(batches[1].images[0], faces[4][0])


def test_parts_of_processes_make_up_the_batches():
    items = list(range(23))
    whole = split_batches(items, 6)
    assert [len(batch) for batch in whole] == [6, 6, 6, 5]
    parts = [split_batches(items, 6, rank, 4) for rank in range(4)]
    assert [list(chain(*batch)) for batch in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_a_shard_is_said_whichever_process_reads_it(faces, monkeypatch, workers):
    def damaged(index):
        raise InputError("faces/000.h5 is damaged: make it again")

    monkeypatch.setattr(faces, "heatmap", damaged)
    with pytest.raises(InputError, match=r"^faces/000\.h5 is damaged: make it again$"):
        list(BatchLoader(faces, [[0, 1]], workers))


def test_nobody_reads_beside_a_training_on_the_cpu(params, monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr("pipeline.runtime.executors.worker_count", lambda number: 12)
    assert (reader_count(params.train, cpu), reader_count(params.train, gpu)) == (0, 8)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert reader_count(params.train, gpu) == 3
    assert reader_count(params.train.model_copy(update={"workers": 5}), cpu) == 5
