import os
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work import cache
from pipeline.runtime.finished_work.cache import RowCache, ShardCache

ROOMS = ("pipeline/detect",)


def test_key_is_of_the_content_whatever_its_order():
    assert cache.json_digest({"a": 1, "b": [2]}) == cache.json_digest({"b": [2], "a": 1})
    assert len({cache.json_digest(1), cache.json_digest("1"), cache.json_digest([1]), cache.json_digest(1, 1)}) == 4


def test_code_follows_the_versions_of_the_libraries_installed(monkeypatch):
    digests = {cache.source_digest.__wrapped__(ROOMS)}
    for library in ("numpy", "pillow", "dlib-bin"):
        monkeypatch.setattr(cache, "version", lambda name, changed=library: "9.9" if name == changed else version(name))
        digests.add(cache.source_digest.__wrapped__(ROOMS))
    assert len(digests) == 4


def test_rows_come_back_in_a_later_run(tmp_path):
    with RowCache(tmp_path, "detect") as rows:
        assert "a" not in rows
        rows.keep("a", ["ok", 1.5])
        assert rows.recall("a") == ["ok", 1.5]
    with RowCache(tmp_path, "detect") as rows:
        assert "a" in rows
        assert rows.recall("a") == ["ok", 1.5]
    with RowCache(tmp_path, "other") as rows:
        assert "a" not in rows


def test_rows_without_a_folder_last_as_long_as_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with RowCache(None, "detect") as rows:
            assert "a" not in rows
            rows.keep("a", [])
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_killed_run_are_there_but_for_the_last_second(tmp_path):
    script = """
import os, signal, sys, time
from pathlib import Path
from pipeline.runtime.finished_work.cache import RowCache
rows = RowCache(Path(sys.argv[1]), "detect").__enter__()
for number in range(14):
    rows.keep(str(number), [number])
    time.sleep(0.1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    with RowCache(tmp_path, "detect") as rows:
        kept = [number for number in range(14) if str(number) in rows]
        assert len(kept) >= 9
        assert kept == list(range(len(kept)))
        assert all(rows.recall(str(number)) == [number] for number in kept)


def test_file_that_is_no_database_is_replaced(tmp_path):
    with RowCache(tmp_path, "detect") as rows:
        rows.keep("a", [])
    (file,) = tmp_path.rglob("detect.sqlite")
    file.write_bytes(b"x" * 5000)
    with RowCache(tmp_path, "detect") as rows:
        assert "a" not in rows
        rows.keep("a", [1])
    with RowCache(tmp_path, "detect") as rows:
        assert rows.recall("a") == [1]


def test_other_code_finds_nothing(tmp_path, monkeypatch):
    """One rule for what is stale: the code of a stage's rooms, and nothing else."""
    for name in ("pipeline/detect/stage.py", "pipeline/detect/README.md", "pipeline/ingest/stage.py", "train/alignment.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("content")
    monkeypatch.setattr(cache, "SOURCES", tmp_path)
    rooms = ("pipeline/detect", "train/alignment.py")
    before = cache.source_digest.__wrapped__(rooms)
    for name in (
        "pipeline/ingest/stage.py",
        "pipeline/detect/README.md",
        "pipeline/detect/__pycache__/stage.pyc",
        "pipeline/detect/__pycache__/stage.cpython-311.pyc.1402",
        "pipeline/detect/.stage.py.swp",
        "pipeline/detect/stage.py~",
        "pipeline/detect/.#stage.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("another")
        assert cache.source_digest.__wrapped__(rooms) == before
    digests = {before}
    for name in ("pipeline/detect/stage.py", "pipeline/detect/table.csv", "train/alignment.py"):
        (tmp_path / name).write_text("another")
        digests.add(cache.source_digest.__wrapped__(rooms))
    assert len(digests) == 4


def test_work_is_kept_apart_by_code(tmp_path):
    folders = {cache.work_folder(tmp_path, rooms) for rooms in (("pipeline/detect",), ("pipeline/landmarks",))}
    assert len(folders) == 2
    assert {folder.parent for folder in folders} == {tmp_path}
    assert cache.work_folder(None, ("pipeline/detect",)) is None


@pytest.mark.parametrize("links", [True, False])
def test_shards_are_the_same_file_or_a_copy(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    file = tmp_path / "shard"
    file.write_text("content")
    shards = ShardCache(tmp_path / "cache", "faces")
    assert shards.find("k") is None
    shards.keep("k", file)
    assert shards.find("k").read_text() == "content"
    assert shards.find("k").samefile(file) == links
    assert list(shards) == [shards.find("k")]
    file.unlink()
    assert shards.find("k").read_text() == "content"


def test_a_use_is_recorded_once_in_an_hour(tmp_path, monkeypatch):
    folder = cache.work_folder(tmp_path / "cache", ROOMS)
    now = time.time()
    contents = []
    for later in (0, 600, 7200):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        with RowCache(folder, "detect") as rows:
            if not later:
                rows.keep("key", ["row"])
            assert rows.recall("key") == ["row"]
        contents.append((folder / "detect.sqlite").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_pruning_takes_what_was_not_used_for_long(tmp_path, monkeypatch):
    nine_days_ago = time.time() - 9 * 86400
    folder = cache.work_folder(tmp_path / "cache", ROOMS)
    shards = ShardCache(folder, "faces")
    old, used = "a" * 64, "b" * 64
    for key in (old, used):
        (tmp_path / "shard").write_bytes(bytes(1000))
        shards.keep(key, tmp_path / "shard")
        (tmp_path / "shard").unlink()
    with RowCache(folder, "detect") as rows:
        with monkeypatch.context() as past:
            past.setattr(time, "time", lambda: nine_days_ago)
            rows.keep("old", [])
            rows.keep("used", [])
        assert rows.recall("used") == []
    for file in list(shards):
        os.utime(file, (0, nine_days_ago))
    assert shards.find(used)  # which is a use
    removed, _ = cache.prune(tmp_path / "cache", 10)
    assert removed == 0
    removed, _ = cache.prune(tmp_path / "cache", 8)
    assert removed == 2
    assert shards.find(old) is None
    assert shards.find(used)
    with RowCache(folder, "detect") as rows:
        assert "old" not in rows
        assert "used" in rows
    removed, freed = cache.prune(tmp_path / "cache", 0)
    assert removed == 2
    assert freed >= 1000


def test_pruning_touches_nothing_but_a_cache(tmp_path):
    for name in ("train/guided/model.safetensors", "a/b/c", f"{'0' * 16}/faces/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("somebody's")
        os.utime(tmp_path / name, (0, 0))
    assert cache.prune(tmp_path, 0)[0] == 0
    assert (tmp_path / "train/guided/model.safetensors").exists()
    assert (tmp_path / "0000000000000000/faces/notes.txt").exists()
    with pytest.raises(InputError, match="there is no cache"):
        cache.prune(tmp_path / "none", 0)


def test_digests_that_outputs_hold_stay():
    """details.json names datasets by these digests, and the keys of finished work are these, too."""
    digest = cache.json_digest({"a": 1, "b": ["x", 0.5]})
    assert digest == "df99ab8914857b83b63b40f425c3eca53727529aeeabfd69761f7627ff070a75"
