"""Files that the system does not let aucue read: the message says what is true, and never to make a sound file again."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.shards import ShardError, ShardSet, access
from pipeline.shards.errors import ShardAccessError

NOBODY = 65534


def read(folder):
    """What goes wrong when the columns and the crops of a set are read, each alone."""
    found = []
    for reading in (lambda: ShardSet(folder, "faces").column("id"), lambda: ShardSet(folder, "faces").crop(0)):
        with pytest.raises(ShardError) as caught:
            reading()
        found.append(str(caught.value))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("name", ["00000.h5", "index.json"])
def test_a_file_that_this_user_may_not_read(folder, name, tmp_path):
    (folder / name).chmod(0)
    target = Path("/tmp") / f"aucue-test-{os.getpid()}"  # pytest's own folders are closed to other users
    shutil.copytree(folder, target)
    try:
        target.chmod(0o755)
        child = os.fork()
        if child == 0:
            os.setuid(NOBODY)
            try:
                ShardSet(target, "faces").crop(0)
            except ShardError as error:
                expected = f"{target / name} cannot be read (Permission denied): give this user the right to read it"
                os._exit(0 if str(error) == expected else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(target)


@pytest.mark.parametrize("name", ["00000.h5", "index.json"])
def test_a_folder_in_the_place_of_a_file(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    assert read(folder) == f"{folder / name} is a folder, not a file: remove it, and run `aucue landmarks` again"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["00000.h5", "index.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert read(folder) == f"{folder / name} is a pipe or a device, not a file: remove it, and run `aucue landmarks` again"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EIO, "check its disk or network drive, and run the same command again"),
        (errno.ESTALE, "check its disk or network drive, and run the same command again"),
        (errno.ETIMEDOUT, "check its disk or network drive, and run the same command again"),
        (errno.EMFILE, "raise the limit on open files, for example `ulimit -n 4096`"),
        (errno.ENFILE, "close other programs, or let the system open more files (`sysctl fs.file-max`)"),
        (errno.EACCES, "give this user the right to read it"),
    ],
)
def test_an_error_of_the_system_is_named_with_what_helps(folder, monkeypatch, number, advice):
    monkeypatch.setattr(access, "_open_without_waiting", lambda path, flags: fail(number, path))
    assert read(folder) == f"{folder / 'index.json'} cannot be read ({os.strerror(number)}): {advice}"


def fail(number, path):
    raise OSError(number, os.strerror(number), path)


def test_a_disk_that_fails_in_the_middle(folder, monkeypatch):
    shards = ShardSet(folder, "faces")
    shards.crop(0)
    monkeypatch.setattr(access, "_read_into", lambda *_: fail(errno.EIO, ""))
    with pytest.raises(ShardAccessError, match=r"00000\.h5 cannot be read \(Input/output error\): check its disk"):
        shards.crop(1)


def test_a_file_that_was_cut_after_the_check(folder):
    shards = ShardSet(folder, "faces")
    shards.crop(0)
    os.truncate(folder / "00000.h5", 3000)
    with pytest.raises(ShardError, match=r"00000\.h5 ended while it was read: run `aucue landmarks` again"):
        shards.crop(1)


def test_a_link_to_another_file_is_refused_after_the_check(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.shards.open_files.most_open", lambda: 1)
    shards = ShardSet(folder, "faces")
    expected = [shards.crop(row).mean() for row in (0, 7)]
    secret = tmp_path / "secret.h5"
    content = (folder / "00000.h5").read_bytes()
    secret.write_bytes(content.replace(b"\xff\xd9", b"\xff\xd8", 1))  # of the same size: the end of a JPEG is another
    (folder / "00000.h5").rename(tmp_path / "moved.h5")
    (folder / "00000.h5").symlink_to(secret)
    with pytest.raises(ShardError, match=r"00000\.h5 was replaced while it was used: run the same command again"):
        shards.crop(0)
    (folder / "00000.h5").unlink()
    (folder / "00000.h5").symlink_to(tmp_path / "moved.h5")  # as DVC's caches link files
    assert [shards.crop(row).mean() for row in (0, 7)] == expected


def test_a_copy_in_place_of_a_shard_is_as_good(folder, tmp_path, monkeypatch):
    """DVC and programs that synchronise folders replace a file by its copy."""
    monkeypatch.setattr("pipeline.shards.open_files.most_open", lambda: 1)
    shards = ShardSet(folder, "faces")
    expected = [shards.crop(row).mean() for row in (0, 7)]
    (tmp_path / "copy.h5").write_bytes((folder / "00000.h5").read_bytes())
    (tmp_path / "copy.h5").replace(folder / "00000.h5")
    assert [shards.crop(row).mean() for row in (0, 7)] == expected


def test_a_file_whose_time_changed_is_the_same_file(folder, monkeypatch):
    """The cache of finished work shares the file, and records its use by this time."""
    monkeypatch.setattr("pipeline.shards.open_files.most_open", lambda: 1)
    shards = ShardSet(folder, "faces")
    expected = shards.crop(0).mean()
    shards.crop(7)
    os.utime(folder / "00000.h5", (0, 0))
    assert shards.crop(0).mean() == expected


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_many_shards_are_read_with_few_open_files(tmp_path, faces, write):
    script = """
import resource, sys
from pathlib import Path
from pipeline.shards import ShardSet
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
shards = ShardSet(Path(sys.argv[1]), "faces")
shards.check(["crop_offsets", "crop_bytes", "landmarks"], list(range(0, 180, 3)))
for row in [*range(0, 180, 3)] * 2:
    shards.crop(row), shards.row("landmarks", row)
assert len(shards.column("id")) == 180
"""
    folder = write(tmp_path / "faces", *[faces(0, 3)] * 60)
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True)


def test_readers_need_no_lock(folder):
    fcntl = pytest.importorskip("fcntl")
    with (folder / "00000.h5").open("rb+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # another user's lock; HDF5 would wait for its end, or fail
        assert len(ShardSet(folder, "faces").column("id")) == 10
