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
    stream = files.get(0, shards)
    assert files.get(0, shards) is stream
    assert files.get(1, shards) is not stream


def test_the_file_that_was_opened_first_is_closed(shards, monkeypatch):
    files = OpenFiles()
    monkeypatch.setattr(open_files, "most_open", lambda: 1)
    first = files.get(0, shards)
    second = files.get(1, shards)
    assert (first.closed, second.closed) == (True, False)
    assert not files.get(0, shards).closed


def test_the_sets_of_a_process_share_the_limit(shards, monkeypatch):
    monkeypatch.setattr(open_files, "most_open", lambda: 1)
    one, other = OpenFiles(), OpenFiles()
    first = one.get(0, shards)
    second = other.get(0, shards)
    assert (first.closed, second.closed) == (True, False)


def test_the_files_of_a_set_that_is_gone_are_closed(shards):
    kept, gone = OpenFiles(), OpenFiles()
    stream, other = kept.get(0, shards), gone.get(0, shards)
    del gone
    assert (stream.closed, other.closed) == (False, True)


def test_a_pickle_carries_no_open_file(shards):
    files = OpenFiles()
    stream = files.get(0, shards)
    copy = pickle.loads(pickle.dumps(files))
    assert copy.get(0, shards) is not stream


def test_a_file_that_cannot_be_opened_is_named_and_not_kept(shards, folder):
    files = OpenFiles()
    whole = (folder / "00001.h5").read_bytes()
    (folder / "00001.h5").write_text("x")
    with pytest.raises(ShardError, match=r"00001\.h5 was replaced while it was used: run the same command again"):
        files.get(1, shards)
    (folder / "00001.h5").write_bytes(whole)  # in place: it is the same file again
    assert not files.get(1, shards).closed


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.parametrize(
    ("allowed", "limit", "number"),
    [(20, 20, 8), (256, 256, 48), (256, 1024, 432), (1024, -1, 16384), (10**6, 10**6, 16384), (-1, -1, 16384)],
)
def test_shards_take_a_share_of_the_files_that_a_process_may_open(monkeypatch, allowed, limit, number):
    import resource

    allowed, limit = (resource.RLIM_INFINITY if files < 0 else files for files in (allowed, limit))
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, limit))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert most_open.__wrapped__() == number
    assert all(asked_limit == limit for _, asked_limit in asked)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_a_limit_that_cannot_be_raised_stays(monkeypatch):
    import resource

    def refuse(*_):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert most_open.__wrapped__() == 48
