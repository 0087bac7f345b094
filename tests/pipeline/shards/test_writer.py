import errno
import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from pipeline.shards import ShardSet, ShardWriter, access


def test_datasets_are_contiguous_and_unfiltered(folder):
    with h5py.File(folder / "00000.h5") as file:
        for data in file.values():
            assert data.chunks is None
            assert data.compression is None


def test_provenance_comes_back_with_the_version_of_the_code(folder, provenance):
    read = ShardSet(folder, "faces").provenance
    assert {key: read[key] for key in provenance} == provenance
    assert read["code"].startswith("aucue ")
    with h5py.File(folder / "00001.h5") as file:
        assert json.loads(file.attrs["stamp"]) == read


def test_same_input_same_bytes(folder, tmp_path, faces, write):
    time.sleep(1.1)  # HDF5 keeps times in whole seconds
    again = write(tmp_path / "again", faces(0, 6), faces(6, 4))
    for name in ("00000.h5", "00001.h5", "index.json"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_failed_writer_leaves_the_earlier_set(folder, faces, provenance):
    def fail():
        with ShardWriter(folder, "faces", provenance) as writer:
            writer.write(faces(), 6)
            raise RuntimeError("stop")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["faces"]


def test_failed_shard_leaves_no_file(tmp_path, faces, provenance):
    columns = faces()
    columns["landmarks"] = np.array([object()])
    with pytest.raises(TypeError), ShardWriter(tmp_path / "faces", "faces", provenance) as writer:
        writer.write(columns, 6)
    assert list(tmp_path.iterdir()) == []


def test_writer_removes_the_earlier_set(folder, faces, write):
    (folder / "notes.txt").write_text("the user's own")
    write(folder, faces(0, 3))
    assert sorted(path.name for path in folder.iterdir()) == ["00000.h5", "index.json", "notes.txt"]
    assert len(ShardSet(folder, "faces")) == 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_killed_writer_leaves_the_earlier_set_and_the_next_one_starts_clean(tmp_path):
    script = """
import sys, numpy as np
from pathlib import Path
from pipeline.shards import ShardWriter
with ShardWriter(Path(sys.argv[1]), "heatmaps", {}) as writer:
    while True:
        writer.write({"maps": np.zeros((20000, 28, 28), np.uint8), "has_map": np.zeros(20000, bool)}, 20000)
        print("written", flush=True)
"""
    folder = tmp_path / "maps"
    small = {"maps": np.ones((3, 28, 28), np.uint8), "has_map": np.ones(3, bool)}
    with ShardWriter(folder, "heatmaps", {}) as writer:
        writer.write(small, 3)
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(0.02)  # into the second
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    assert len(ShardSet(folder, "heatmaps")) == 3
    assert len(list(tmp_path.iterdir())) == 2  # what it was building
    with ShardWriter(folder, "heatmaps", {}) as writer:
        writer.write(small, 3)
        writer.write(small, 3)
    assert len(ShardSet(folder, "heatmaps")) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]


def test_finished_shard_is_adopted_byte_for_byte(tmp_path, faces, provenance):
    cache = tmp_path / "cache"
    with ShardWriter(tmp_path / "one", "faces", provenance, work_folder=cache) as writer:
        key = writer.key("what decides it")
        assert not writer.has(key)
        writer.write(faces(), 6, key)
        assert writer.has(key)
    with ShardWriter(tmp_path / "two", "faces", provenance, work_folder=cache) as writer:
        columns = writer.adopt(key, ["status", "id"])
    assert columns["status"].tolist() == faces()["status"]
    assert columns["id"].tolist() == faces()["id"]
    for name in ("00000.h5", "index.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_shard_of_a_killed_run_is_adopted(tmp_path, faces, provenance):
    killed = ShardWriter(tmp_path / "one", "faces", provenance, work_folder=tmp_path / "cache").__enter__()
    key = killed.key(1)
    killed.write(faces(), 6, key)
    with ShardWriter(tmp_path / "one", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        assert writer.adopt(key, ["status"]) is not None


@pytest.mark.parametrize("change", [{"stamp": {"crop_size": 17}}, {"rows": 2}, {"kind": "class_heatmaps"}])
def test_what_is_decided_otherwise_is_not_adopted(tmp_path, change, faces, provenance):
    with ShardWriter(tmp_path / "one", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        writer.write(faces(), 6, writer.key(1))
    kind, changed = change.get("kind", "faces"), {**provenance, **change.get("stamp", {})}
    with ShardWriter(tmp_path / "two", kind, changed, work_folder=tmp_path / "cache") as writer:
        assert writer.adopt(writer.key(change.get("rows", 1)), []) is None
        writer.write(faces(), 6) if kind == "faces" else None


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-9] + b"x" + data[-8:], lambda data: b""])
def test_damaged_shard_is_not_adopted_and_goes(tmp_path, damage, faces, provenance):
    with ShardWriter(tmp_path / "one", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        key = writer.key(1)
        writer.write(faces(), 6, key)
    (page,) = (tmp_path / "cache").rglob("*.h5")
    content = page.read_bytes()
    page.unlink()
    page.write_bytes(damage(content))
    with ShardWriter(tmp_path / "two", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        assert writer.adopt(key, ["status"]) is None
        assert not page.exists()
        writer.write(faces(), 6, key)
    assert (tmp_path / "one" / "00000.h5").read_bytes() == (tmp_path / "two" / "00000.h5").read_bytes()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EMFILE, errno.EACCES, errno.ESTALE, errno.EIO])
def test_shard_that_cannot_be_read_is_not_adopted_and_stays(tmp_path, monkeypatch, faces, provenance, number):
    """The error says nothing about its content."""
    with ShardWriter(tmp_path / "one", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        key = writer.key(1)
        writer.write(faces(), 6, key)
    (page,) = (tmp_path / "cache").rglob("*.h5")

    def fail(path, flags):
        raise OSError(number, os.strerror(number), path)

    with ShardWriter(tmp_path / "two", "faces", provenance, work_folder=tmp_path / "cache") as writer:
        with monkeypatch.context() as patched:
            patched.setattr(access, "_open_without_waiting", fail)
            assert writer.adopt(key, ["status"]) is None
        assert page.exists()
        assert writer.adopt(key, ["status"])["status"].tolist() == faces()["status"]


def test_writer_deletes_nothing_that_is_not_its_own(folder, tmp_path):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with (
        pytest.raises(InputError, match="holds faces, not heatmaps: give another folder"),
        ShardWriter(folder, "heatmaps", {}),
    ):
        pass
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "other.h5").write_bytes(b"precious")
    with (
        pytest.raises(InputError, match=r"other\.h5 is not a shard of aucue and would be lost: give another folder"),
        ShardWriter(tmp_path / "mine", "faces", {}),
    ):
        pass
    assert (tmp_path / "mine" / "other.h5").read_bytes() == b"precious"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("precious")
    with pytest.raises(InputError, match="code holds other files, not faces"), ShardWriter(tmp_path / "code", "faces", {}):
        pass


def test_set_with_a_damaged_index_is_written_again(folder, faces, write):
    (folder / "index.json").write_text("junk")
    write(folder, faces(0, 3))
    assert len(ShardSet(folder, "faces")) == 3


def test_files_that_only_have_the_names_of_a_set_are_not_replaced(tmp_path, folder):
    """Without an index, the attributes in each shard tell whether it is aucue's."""
    (folder / "index.json").unlink()
    with ShardWriter(folder, "faces", {}):
        pass
    for name, content in {"00001.h5": b"frames of somebody", "index.json": b'{"photos": []}'}.items():
        mine = tmp_path / name.replace(".", "_")
        mine.mkdir()
        (mine / name).write_bytes(content)
        with pytest.raises(InputError, match="give another folder to write to"), ShardWriter(mine, "faces", {}):
            pass
        assert [path.read_bytes() for path in mine.iterdir()] == [content]
    with h5py.File(tmp_path / "00001_h5" / "00001.h5", "w") as file:
        file["frames"] = [1, 2]
    with (
        pytest.raises(InputError, match=r"00001\.h5 is not a shard of aucue"),
        ShardWriter(tmp_path / "00001_h5", "faces", {}),
    ):
        pass


def test_a_numbered_file_that_the_index_does_not_list_is_not_replaced(folder, faces, provenance):
    (folder / "00077.h5").write_bytes(b"precious")
    with pytest.raises(InputError, match=r"00077\.h5 is not a shard of aucue"), ShardWriter(folder, "faces", provenance):
        pass
    assert (folder / "00077.h5").read_bytes() == b"precious"
    assert len(ShardSet(folder, "faces")) == 10


def test_what_comes_into_the_folder_while_a_set_is_written_stays(folder, faces, provenance):
    with ShardWriter(folder, "faces", provenance) as writer:
        writer.write(faces(), 6)
        for name in ("holiday.jpg", "mine.h5"):
            (folder / name).write_text("precious")
    assert sorted(path.name for path in folder.iterdir()) == ["00000.h5", "holiday.jpg", "index.json", "mine.h5"]


@pytest.mark.parametrize("is_bind", [True, False])
def test_a_set_replaces_an_earlier_one_on_another_disk(tmp_path, mount, is_bind, faces, write):
    if is_bind:
        (tmp_path / "source").mkdir()
        folder = mount(tmp_path / "faces", tmp_path / "source")
    else:
        folder = tmp_path / "faces"
        folder.symlink_to(mount(tmp_path / "disk") / "faces")
    for rows in (6, 3):
        write(folder, faces(0, rows))
        assert len(ShardSet(folder, "faces")) == rows
        assert sorted(path.name for path in folder.iterdir()) == ["00000.h5", "index.json"]


def test_a_full_disk_keeps_the_earlier_set(tmp_path, mount, faces, write):
    folder = mount(tmp_path / "disk", size=2**17) / "faces"
    write(folder, faces(0, 3))
    (tmp_path / "disk" / "filler").write_bytes(bytes(2**16))
    with pytest.raises(OSError, match=r"No space left on device: '.*/disk/faces/\d+\.h5'"):
        write(folder, *[faces()] * 99)
    assert len(ShardSet(folder, "faces")) == 3
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["faces", "filler"]
