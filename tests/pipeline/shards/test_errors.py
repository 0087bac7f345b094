import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from torch.utils.data import DataLoader, Dataset

from pipeline.runtime.errors import InputError
from pipeline.shards import ShardError, ShardSet

ERROR = ShardError(Path("faces/00000.h5"), "cannot be opened as HDF5", "run `aucue landmarks` again")
MESSAGE = "faces/00000.h5 cannot be opened as HDF5: run `aucue landmarks` again"


def test_message_is_one_line_of_the_facts():
    assert str(ERROR) == MESSAGE
    assert isinstance(ERROR, InputError)


def test_pickle_carries_the_facts():
    copy = pickle.loads(pickle.dumps(ERROR))
    assert type(copy) is ShardError
    assert (copy.path, copy.problem, copy.fix) == (ERROR.path, ERROR.problem, ERROR.fix)
    assert str(copy) == MESSAGE


def test_another_process_raises_the_facts(folder):
    (folder / "00000.h5").write_bytes(b"")
    shards = ShardSet(folder, "faces")
    with (
        ProcessPoolExecutor(1) as pool,
        pytest.raises(ShardError, match="cannot be opened as HDF5") as caught,
    ):
        pool.submit(partial(shards.crop, 0)).result()
    assert caught.value.path == folder / "00000.h5"
    assert caught.value.problem == "cannot be opened as HDF5"
    assert caught.value.fix == "run `aucue landmarks` again"


class Damaged(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise ERROR


def test_a_data_loader_raises_the_error_with_its_message():
    with pytest.raises(ShardError, match="Caught ShardError in DataLoader worker process 0") as caught:
        next(iter(DataLoader(Damaged(), num_workers=1)))
    assert str(caught.value).strip().endswith(f"ShardError: {MESSAGE}")
