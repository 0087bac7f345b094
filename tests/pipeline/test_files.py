import os

import pytest

from pipeline.files import atomic, write_text


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
