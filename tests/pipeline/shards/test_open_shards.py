import os
import pickle

import pytest

from pipeline.shards import ShardError, ShardSet, open_shards
from pipeline.shards.open_shards import OpenShards


@pytest.fixture
def files(folder):
    return OpenShards(folder, "faces", ShardSet(folder, "faces").shards)


def test_a_file_is_opened_once(files):
    assert files.get_if_open(0) is None
    shard = files.get(0)
    assert files.get(0) is files.get_if_open(0) is shard
    assert files.get(1) is not shard


def test_the_least_recently_used_file_is_closed(files, monkeypatch):
    monkeypatch.setattr(open_shards, "MOST_OPEN", 1)
    first = files.get(0)
    files.get(1)
    assert files.get_if_open(0) is None
    assert not first.file  # closed
    monkeypatch.setattr(open_shards, "MOST_OPEN", 2)
    first = files.get(0)
    files.get(1)
    files.get(0)
    monkeypatch.setattr(open_shards, "MOST_OPEN", 1)
    files.get(0)
    assert files.get_if_open(0) is first
    assert files.get_if_open(1) is None


def test_a_pickle_carries_no_open_file(files):
    files.get(0)
    copy = pickle.loads(pickle.dumps(files))
    assert copy.get_if_open(0) is None
    assert copy.get(0).rows("key", 0, 1).shape == (1, 32)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_files_of_its_own(files):
    before = files.get(0)
    child = os.fork()
    if child == 0:
        os._exit(0 if files.get_if_open(0) is None and files.get(0).file.id.id != before.file.id.id else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert files.get(0) is before


def test_a_damaged_file_is_named(files, folder):
    (folder / "00001.h5").write_text("x")
    with pytest.raises(ShardError, match=r"00001\.h5 cannot be opened as HDF5: run `aucue landmarks` again"):
        files.get(1)
    assert files.get_if_open(1) is None
