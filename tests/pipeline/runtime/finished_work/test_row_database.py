import errno
import os
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from pipeline.runtime.errors import InputError
from pipeline.runtime.file_errors import describe
from pipeline.runtime.finished_work.cache import RowCache, prune
from pipeline.runtime.finished_work.row_database import open_rows


@pytest.fixture
def no_locks(monkeypatch):
    """No locks for Python; SQLite's own are refused in ``tests/test_file_systems.py``."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)


@pytest.mark.usefixtures("no_locks")
def test_rows_are_kept_without_locks(tmp_path):
    with RowCache(tmp_path, "detect") as rows:
        rows.keep("a", [1])
    with RowCache(tmp_path, "detect") as rows:
        assert rows.recall("a") == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["detect.sqlite"]


@pytest.mark.usefixtures("no_locks")
def test_a_second_run_without_locks_keeps_nothing_and_says_so(tmp_path, capsys):
    with RowCache(tmp_path, "detect") as first, RowCache(tmp_path, "detect") as second:
        first.keep("a", [1])
        second.keep("b", [2])
        assert second.recall("b") == [2]
    text = f"WARNING: {tmp_path}/detect.sqlite cannot be used (another run uses it): this run keeps no finished work there\n"
    assert capsys.readouterr().err == text
    with RowCache(tmp_path, "detect") as rows:
        assert "a" in rows
        assert "b" not in rows


def test_a_database_that_is_locked_is_neither_deleted_nor_the_end(tmp_path, capsys, monkeypatch):
    with RowCache(tmp_path, "detect") as rows:
        rows.keep("a", [1])
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: connect(*given, timeout=0.05, **options))
    holder = connect(tmp_path / "detect.sqlite")
    holder.execute("BEGIN EXCLUSIVE")
    with RowCache(tmp_path, "detect") as rows:
        rows.keep("b", [2])
    holder.close()
    assert "detect.sqlite cannot be used (database is locked): this run keeps no finished work" in capsys.readouterr().err
    with RowCache(tmp_path, "detect") as rows:
        assert rows.recall("a") == [1]


def test_a_folder_that_cannot_be_made_costs_only_the_finished_work(tmp_path, capsys):
    (tmp_path / "file").touch()
    with RowCache(tmp_path / "file" / "cache", "detect") as rows:
        rows.keep("a", [1])
        assert rows.recall("a") == [1]
    assert "detect.sqlite cannot be used" in capsys.readouterr().err


@pytest.fixture
def limited_files():
    """Limit the size of the files that this process writes, in a with block."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size):
        earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, earlier[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    return limited


def test_a_full_disk_names_the_file_and_keeps_the_rows(tmp_path, mount):
    disk = mount(tmp_path / "disk", size=2**17)

    def fill():
        with RowCache(disk, "detect") as rows:
            rows.keep("a", [1])
        with RowCache(disk, "detect") as rows:
            rows.keep("b", ["x" * 2**18])

    with pytest.raises(OSError, match=r"No space left on device: '.*/disk/detect\.sqlite'"):
        fill()
    with RowCache(disk, "detect") as rows:
        assert rows.recall("a") == [1]
        assert "b" not in rows


def test_a_limit_on_the_size_of_files_is_named(tmp_path, limited_files):
    with RowCache(tmp_path, "detect") as rows:
        rows.keep("a", [1])

    def fill():
        with RowCache(tmp_path, "detect") as rows:
            rows.keep("b", ["x" * 2**18])

    with (
        limited_files(2**16),
        pytest.raises(OSError, match=r"the file cannot grow \(a limit .*: '.*detect\.sqlite'") as caught,
    ):
        fill()
    assert describe(caught.value).endswith(
        "detect.sqlite: raise the limit on the size of files (`ulimit -f`), or write to a file system without it"
    )
    with RowCache(tmp_path, "detect") as rows:
        assert rows.recall("a") == [1]


def test_errors_in_use_name_the_file(tmp_path):
    text = r"detect\.sqlite: .*: run the command again; if that does not help, delete this file, which costs only time"
    with pytest.raises(InputError, match=text):
        _break_while_in_use(tmp_path)


def _break_while_in_use(folder: Path) -> None:
    with RowCache(folder, "detect") as rows:
        for number in range(200):
            rows.keep(str(number), ["x" * 4000])
    with RowCache(folder, "detect") as rows:
        content = bytearray((folder / "detect.sqlite").read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        (folder / "detect.sqlite").write_bytes(content)
        for number in range(200):
            rows.recall(str(number))


def test_a_database_with_a_damaged_page_is_replaced(tmp_path):
    with RowCache(tmp_path, "detect") as rows:
        for number in range(200):
            rows.keep(str(number), ["x" * 4000])
    content = bytearray((tmp_path / "detect.sqlite").read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)  # the first pages, with the table's description, are sound
    (tmp_path / "detect.sqlite").write_bytes(content)
    with RowCache(tmp_path, "detect") as rows:
        assert "7" not in rows
        rows.keep("7", [1])
    with RowCache(tmp_path, "detect") as rows:
        assert rows.recall("7") == [1]


def test_a_damaged_database_does_not_stop_pruning(tmp_path):
    folder = tmp_path / ("0" * 16)
    with RowCache(folder, "detect") as rows:
        rows.keep("a", [1])
    (folder / "detect.sqlite").write_bytes(b"x" * 5000)
    assert prune(tmp_path, 0)[0] == 0


def test_odd_names_of_folders_are_taken(tmp_path):
    folder = tmp_path / "a?b#c%20d é"
    with RowCache(folder, "detect") as rows:
        rows.keep("a", [1])
    assert [path.name for path in folder.iterdir()] == ["detect.sqlite"]


def test_pages_of_a_million_rows_stay_in_memory(tmp_path):
    """Rows come in any order: with SQLite's own 2 MB, half of them are read from the file again and again."""
    with ExitStack() as held, closing(open_rows(tmp_path / "detect.sqlite", held)) as rows:
        ((kibibytes,),) = rows.execute("PRAGMA cache_size").fetchall()
    assert -kibibytes * 1024 >= 1_000_000 * 180  # bytes of a row of stage detect and its key
