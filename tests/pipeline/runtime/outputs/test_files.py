import errno
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs import files
from pipeline.runtime.outputs.files import atomic, locked, write_text


def fail_after_writing(path, text):
    with atomic(path) as temporary:
        temporary.write_text(text)
        raise KeyboardInterrupt


@pytest.mark.parametrize("durable", [True, False])
def test_file_appears_when_it_is_whole(tmp_path, durable):
    path = tmp_path / "new" / "file.txt"
    with atomic(path, durable=durable) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_earlier_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("earlier")
    with pytest.raises(KeyboardInterrupt):
        fail_after_writing(path, "half")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_earlier_file_is_replaced_not_written_to(tmp_path):
    path, other_name = tmp_path / "file.txt", tmp_path / "link.txt"
    path.write_text("earlier")
    os.link(path, other_name)
    write_text(path, "new")
    assert (path.read_text(), other_name.read_text()) == ("new", "earlier")


def test_a_link_leaves_its_source_as_it_is(tmp_path):
    source, path = tmp_path / "source.txt", tmp_path / "file.txt"
    source.write_text("x")
    source.chmod(0o444)
    with atomic(path) as temporary:
        os.link(source, temporary)
    assert path.read_text() == "x"
    assert source.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("durable", [True, False])
def test_durable_files_are_flushed_before_they_appear(tmp_path, monkeypatch, durable):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append((tmp_path / "file.txt").exists()))
    with atomic(tmp_path / "file.txt", durable=durable) as temporary:
        temporary.write_text("x")
    assert flushed == [False] * durable


def test_forgotten_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "file.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_text_has_unix_line_ends_and_is_utf8(tmp_path):
    write_text(tmp_path / "file.txt", "größe\n顔\n")
    assert (tmp_path / "file.txt").read_bytes() == "größe\n顔\n".encode()


def test_lock_names_its_holder_and_ends_with_it(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from pipeline.runtime.outputs.files import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    out = tmp_path / "data" / "faces"
    holder = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
    holder.stdout.readline()
    with pytest.raises(InputError, match=rf"faces is being written by process {holder.pid} on .* \(since 20"), locked(out):
        pass
    holder.kill()
    holder.communicate()
    with locked(out):
        pass
    with locked(out):
        pass


def test_lock_clears_what_a_killed_writer_left(tmp_path):
    for name in (".out.csv.123.tmp", ".out.json.123.tmp", ".other.csv.123.tmp"):
        (tmp_path / name).write_text("half")
    with locked(tmp_path / "out.csv", tmp_path / "out.json"):
        pass
    assert not (tmp_path / ".out.csv.123.tmp").exists()
    assert not (tmp_path / ".out.json.123.tmp").exists()
    assert (tmp_path / ".other.csv.123.tmp").exists()


def test_two_outputs_of_a_folder_have_a_lock_each(tmp_path):
    with locked(tmp_path / "faces"), locked(tmp_path / "heatmaps"):
        pass


def test_the_umask_says_who_may_read_what_a_writer_kept_to_itself(tmp_path):
    path = tmp_path / "file.bin"
    with atomic(path) as temporary:
        temporary.touch(mode=0o600)
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_end_of_a_link_is_written(tmp_path):
    path, target = tmp_path / "manifest.csv", tmp_path / "elsewhere" / "deep" / "m.csv"
    path.symlink_to(target)
    for text in ("first", "second"):
        write_text(path, text)
        assert path.is_symlink()
        assert target.read_text() == text
    assert [file.name for file in target.parent.iterdir()] == ["m.csv"]


def test_a_folder_that_a_link_leads_to_is_made(tmp_path):
    (tmp_path / "data").symlink_to(tmp_path / "disk" / "data")
    write_text(tmp_path / "data" / "file.txt", "x")
    assert (tmp_path / "disk" / "data" / "file.txt").read_text() == "x"


def test_a_file_that_is_a_mount_is_written_in_place(tmp_path, mount):
    """So do containers get single files."""
    (tmp_path / "outside.csv").write_text("earlier")
    path = mount(tmp_path / "manifest.csv", tmp_path / "outside.csv")
    for text in ("first and long", "second"):
        write_text(path, text)
        assert (tmp_path / "outside.csv").read_text() == text
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_into_dvcs_cache_is_replaced(tmp_path):
    cached, path = tmp_path / "cached", tmp_path / "file.txt"
    cached.write_text("earlier")
    cached.chmod(0o444)
    path.symlink_to(cached)
    write_text(path, "new")
    assert (path.read_text(), path.is_symlink(), cached.read_text()) == ("new", False, "earlier")


@pytest.mark.parametrize(
    ("module", "name", "number"),
    [(Path, "chmod", "EPERM"), (Path, "chmod", "ENOTSUP"), (os, "fsync", "EINVAL"), (os, "fsync", "ENOSYS")]
    + [(Path, "replace", number) for number in ("EBUSY", "EXDEV", "EEXIST")],
)
def test_what_a_file_system_cannot_do_is_no_error(tmp_path, monkeypatch, module, name, number):
    def refuse(*_, **__):
        raise OSError(getattr(errno, number), "refused")

    monkeypatch.setattr(module, name, refuse)
    for text in ("first", "second"):
        write_text(tmp_path / "file.txt", text)
        assert (tmp_path / "file.txt").read_text() == text
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "broken")])
def test_errors_of_writing_name_the_file(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("earlier")

    def fail():
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(OSError, match=re.escape(f"'{path}'")):
        fail()
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_of_flushing_and_copying_name_the_final_file(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "full", source, None, target)  # as shutil.copyfile names both

    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match=r"file\.txt'$"):
        write_text(tmp_path / "file.txt", "x")
    with pytest.raises(OSError, match=r"other\.txt'"), atomic(tmp_path / "other.txt") as temporary:
        full(tmp_path / "source", temporary)


def test_the_working_directory_has_a_lock_too(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with locked(Path()):
        assert (tmp_path / ".out.lock").exists()


def test_the_digest_of_a_model_is_made_anew_when_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "model.dat"
    path.write_bytes(b"first")
    before = path.stat().st_mtime_ns
    digest, read = files.model_digest(path), []
    monkeypatch.setattr(files, "file_digest", lambda path: read.append(path) or "another")
    assert digest == hashlib.sha256(b"first").hexdigest()
    assert files.model_digest(path) == digest
    assert read == []
    path.write_bytes(b"other")
    os.utime(path, ns=(0, before))  # as `cp -p` keeps the time
    assert files.model_digest(path) == "another"
    assert read == [path]
