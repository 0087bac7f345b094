import pytest

from pipeline.bench.scale.measuring import measure_command
from pipeline.runtime.errors import InputError


def test_the_message_of_a_command_that_fails_is_passed_on(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(InputError, match=r"`verify` on .*set failed: data does not exist: give the folder"):
        measure_command(("verify",), tmp_path / "set", tmp_path / "set")


def test_a_command_is_measured_without_its_start(folder):
    measured = measure_command(("ingest",), folder, folder)
    (seconds,) = measured.seconds
    assert abs(seconds) < 1  # the same dataset twice
    assert 30e6 < measured.start_bytes <= measured.peak_bytes < 1e9
    assert measured.silence > 0
    assert (folder / "data" / "manifest.csv").is_file()
