import sys

import pytest

from pipeline.runtime import progress as module
from pipeline.runtime.progress import progress


def test_items_pass_through():
    assert list(progress(iter("abc"), total=3, title="work", unit="letters")) == ["a", "b", "c"]


def test_log_gets_whole_lines(capsys, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0)
    list(progress(range(3), total=3, title="detect", unit="photos"))
    text = capsys.readouterr().err
    assert "\r" not in text
    assert text.endswith("\n")
    lines = text.splitlines()
    assert all(line.startswith("detect: ") for line in lines)
    assert lines[-1].startswith("detect: 3/3 photos [")
    assert "photos/s" in lines[-1]


def test_long_work_says_little(capsys):
    list(progress(range(10_000), total=10_000, title="work", unit="items"))
    assert len(capsys.readouterr().err.splitlines()) <= 3


def test_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    list(progress(range(3), total=3, title="work", unit="items"))
    assert "3/3" in capsys.readouterr().err


def test_error_passes_through():
    def broken():
        yield 1
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        list(progress(broken(), total=2, title="work", unit="items"))
