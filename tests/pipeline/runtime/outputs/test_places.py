import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from pipeline.runtime.outputs.files import locked
from pipeline.runtime.outputs.places import building_folder, make_folder, naming_output, remove_output, uninterrupted


def fill(folder):
    """Replace the content of an output folder by a file, as the stages do."""
    building = building_folder(folder)
    (building / "new").write_text("x")
    make_folder(folder)
    (building / "new").rename(folder / "new")
    building.rmdir()
    return building


def test_an_output_is_built_beside_it(tmp_path):
    for _ in range(2):
        assert fill(tmp_path / "data" / "faces") == tmp_path / "data" / ".faces.partial"
        assert [path.name for path in (tmp_path / "data").iterdir()] == ["faces"]
        assert [path.name for path in (tmp_path / "data" / "faces").iterdir()] == ["new"]


@pytest.mark.parametrize("exists", [True, False])
def test_an_output_on_another_disk_is_built_there(tmp_path, mount, exists):
    disk = mount(tmp_path / "disk")
    (tmp_path / "faces").symlink_to(disk / "faces")
    if exists:
        (disk / "faces").mkdir()
    assert fill(tmp_path / "faces") == disk / ".faces.partial"
    assert (disk / "faces" / "new").exists()
    assert (tmp_path / "faces").is_symlink()


@pytest.mark.parametrize("is_bind", [True, False])
def test_an_output_that_is_a_mount_is_built_in_it(tmp_path, mount, is_bind):
    """A file cannot be renamed into a bind mount either, although it is the same disk."""
    (tmp_path / "source").mkdir()
    faces = mount(tmp_path / "faces", tmp_path / "source" if is_bind else None)
    for _ in range(2):
        assert fill(faces) == faces / ".faces.partial"
    assert [path.name for path in faces.iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces", "source"]


def test_what_a_killed_writer_left_goes(tmp_path):
    for place in ("", "faces"):
        (tmp_path / place / ".faces.partial").mkdir(parents=True)
        (tmp_path / place / ".faces.partial" / "half").touch()
    fill(tmp_path / "faces")
    assert [path.name for path in (tmp_path / "faces").iterdir()] == ["new"]


def test_errors_name_the_output_and_not_where_it_is_built(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", lambda path, **_: path == tmp_path or fail(path))
        with pytest.raises(OSError, match=rf": '{tmp_path}/faces'$"):
            building_folder(tmp_path / "faces")
    building = building_folder(tmp_path / "faces")
    for name, named in ((building / "a" / "b.h5", "faces/a/b.h5"), (tmp_path / "other", "other")):
        with pytest.raises(OSError, match=rf": '{tmp_path}/{named}'$"), naming_output(building, tmp_path / "faces"):
            fail(name)


def test_what_is_in_the_way_is_named_itself(tmp_path):
    (tmp_path / ".faces.partial").touch()
    with pytest.raises(FileExistsError, match=r"'.*/\.faces\.partial'"):
        building_folder(tmp_path / "faces")


def test_a_removed_output_leaves_its_link(tmp_path):
    (tmp_path / "model").symlink_to(tmp_path / "disk")
    (tmp_path / "disk").write_text("x")
    for _ in range(2):
        remove_output(tmp_path / "model")
    assert (tmp_path / "model").is_symlink()
    assert not (tmp_path / "disk").exists()


def test_the_lock_is_where_the_output_is(tmp_path):
    """Two projects whose outputs are links to one folder exclude each other."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "faces").symlink_to(tmp_path / "disk" / "faces")
    with locked(tmp_path / "faces"):
        assert (tmp_path / "disk" / ".faces.lock").exists()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_files_are_in_place(number):
    """It waits although another thread of the process could take it."""
    done, release = [], threading.Event()
    other = threading.Thread(target=release.wait)
    other.start()
    earlier = signal.signal(number, lambda *_: done.append("signal"))
    try:
        with uninterrupted():
            signal.pthread_kill(other.ident, number)
            time.sleep(0.05)
            done.append("files")
        assert done == ["files", "signal"]
    finally:
        signal.signal(number, earlier)
        release.set()
        other.join()


def test_another_thread_is_not_in_the_way():
    done = []

    def work():
        with uninterrupted():
            done.append("files")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["files"]
