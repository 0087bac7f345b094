import signal

import pytest

from pipeline.bench.scale import measuring
from pipeline.bench.scale.measuring import measure_command
from pipeline.runtime.errors import InputError


def test_the_message_of_a_command_that_fails_is_passed_on(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(InputError, match=r"`verify` on .*set failed: data does not exist: give the folder"):
        measure_command(("verify",), tmp_path / "set", tmp_path / "set")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_command_that_is_killed_is_named_with_the_signal(tmp_path, monkeypatch):
    (tmp_path / "killed.py").write_text("import os, signal; print('half'); os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(measuring, "PROCESS", "killed")
    with pytest.raises(
        InputError, match=r"^`verify` on .* was ended by SIGKILL, perhaps for want of memory: give fewer --rows$"
    ):
        measure_command(("verify",), tmp_path, tmp_path)


def test_a_command_is_measured_without_its_start(folder):
    measured = measure_command(("ingest",), folder, folder)
    (seconds,) = measured.seconds
    assert abs(seconds) < 1  # the same dataset twice
    assert 30e6 < measured.start_bytes <= measured.peak_bytes < 1e9
    assert measured.silence > 0
    assert (folder / "data" / "manifest.csv").is_file()
