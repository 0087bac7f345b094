"""Locks where the file system has none. That is what ``flock`` and ``fcntl`` say there."""

import errno
import os
import subprocess
import sys

import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import locked

fcntl = pytest.importorskip("fcntl")
SCRIPT = """
import errno, fcntl, os, sys, time
from pathlib import Path
from pipeline.runtime.outputs.files import locked
def refuse(*_):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
fcntl.flock = fcntl.lockf = refuse
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def no_locks(request, monkeypatch):
    number = getattr(errno, request.param)

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "lockf", refuse)


@pytest.mark.usefixtures("no_locks")
def test_a_file_stands_for_the_lock_and_a_line_says_so(tmp_path, capsys):
    for _ in range(2):
        with locked(tmp_path / "faces"):
            assert (tmp_path / ".faces.soft.lock").exists()
        assert capsys.readouterr().err == f"{tmp_path} has no file locks: .faces.soft.lock stands for the lock\n"
        assert not (tmp_path / ".faces.soft.lock").exists()


@pytest.mark.usefixtures("no_locks")
def test_a_second_writer_is_refused_until_the_first_is_dead(tmp_path):
    out = tmp_path / "faces"
    holder = subprocess.Popen([sys.executable, "-c", SCRIPT, str(out)], stdout=subprocess.PIPE)
    holder.stdout.readline()
    text = rf"faces is being written by process {holder.pid} on .*, or delete .*/\.faces\.soft\.lock if it has ended"
    with pytest.raises(InputError, match=text), locked(out):
        pass
    holder.kill()
    holder.communicate()
    with locked(out):
        pass


def test_a_lock_that_is_held_is_no_missing_lock(tmp_path, capsys):
    script = SCRIPT.replace("fcntl.flock = fcntl.lockf = refuse\n", "")
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "faces")], stdout=subprocess.PIPE)
    holder.stdout.readline()
    with pytest.raises(InputError, match="is being written by process"), locked(tmp_path / "faces"):
        pass
    holder.kill()
    holder.communicate()
    assert capsys.readouterr().err == ""
