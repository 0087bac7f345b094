import pickle
import sys

import pytest

from pipeline.shards import ShardError, ShardSet, open_files
from pipeline.shards.open_files import OpenFiles, most_open
from pipeline.shards.shard_file import ShardFile


@pytest.fixture
def shards(folder):
    entries = ShardSet(folder, "faces").shards
    return [ShardFile.find(folder / entry.file, "faces", entry) for entry in entries]


def test_a_file_is_opened_once(shards):
    files = OpenFiles()
    stream = files.get(0, shards[0])
    assert files.get(0, shards[0]) is stream
    assert files.get(1, shards[1]) is not stream


def test_the_least_recently_used_file_is_closed(shards, monkeypatch):
    files, (one, two) = OpenFiles(), shards
    monkeypatch.setattr(open_files, "most_open", lambda: 1)
    first = files.get(0, one)
    files.get(1, two)
    assert first.closed
    monkeypatch.setattr(open_files, "most_open", lambda: 2)
    first, second = files.get(0, one), files.get(1, two)
    files.get(0, one)
    monkeypatch.setattr(open_files, "most_open", lambda: 1)
    files.get(2, two)
    assert (first.closed, second.closed) == (True, True)


def test_a_pickle_carries_no_open_file(shards):
    files = OpenFiles()
    stream = files.get(0, shards[0])
    copy = pickle.loads(pickle.dumps(files))
    assert copy.get(0, shards[0]) is not stream


def test_a_file_that_cannot_be_opened_is_named_and_not_kept(shards, folder):
    files = OpenFiles()
    whole = (folder / "00001.h5").read_bytes()
    (folder / "00001.h5").write_text("x")
    with pytest.raises(ShardError, match=r"00001\.h5 was replaced while it was used: run the same command again"):
        files.get(1, shards[1])
    (folder / "00001.h5").write_bytes(whole)  # in place: it is the same file again
    assert not files.get(1, shards[1]).closed


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.parametrize(("allowed", "number"), [(20, 8), (256, 24), (1024, 216), (10**6, 512), (-1, 512)])
def test_a_set_takes_a_share_of_the_files_that_a_process_may_open(monkeypatch, allowed, number):
    import resource

    limit = resource.RLIM_INFINITY if allowed < 0 else allowed
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    assert most_open() == number
