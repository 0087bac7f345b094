from dataclasses import dataclass

import pytest

from pipeline.faces.tables import read_table, write_table
from pipeline.runtime.errors import InputError


@dataclass(frozen=True)
class Row:
    name: str
    size: float
    count: int = 0


ROWS = [
    Row("plain", 0.1, 3),
    Row('a,"b"', -1e-9),
    Row("line\nbreak", float("inf"), -2),
    Row("größe 顔", 1 / 3),
    Row("", 0.0),
]


def test_rows_come_back(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    write_table(path, Row, ROWS)
    assert read_table(path, Row, "make") == ROWS
    assert path.read_bytes().startswith(b"name,size,count\nplain,0.1,3\n")
    assert b"\r" not in path.read_bytes()


def test_no_rows_come_back(tmp_path):
    write_table(tmp_path / "table.csv", Row, [])
    assert read_table(tmp_path / "table.csv", Row, "make") == []


def test_failed_writer_keeps_the_earlier_table(tmp_path):
    def broken():
        yield ROWS[0]
        raise RuntimeError("stop")

    path = tmp_path / "table.csv"
    write_table(path, Row, ROWS)
    with pytest.raises(RuntimeError, match="stop"):
        write_table(path, Row, broken())
    assert read_table(path, Row, "make") == ROWS
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "name,size\nx,1\n",
            "has the columns name, size, not name, size, count: run `aucue make` again",
        ),
        ("size,name,count\n", "has the columns size, name, count"),
        ("", "has the columns none, not name, size, count"),
        (
            "name,size,count\nx,1,2\ny,big,2\n",
            r"table.csv line 3 cannot be read \(could not convert string to float: 'big'\): run `aucue make`",
        ),
        ("name,size,count\nx,1,2.5\n", r"line 2 cannot be read \(invalid literal"),
        ("name,size,count\nx,1\n", "line 2 has 2 values for 3 columns"),
    ],
)
def test_malformed_table_is_named(tmp_path, text, match):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_table(path, Row, "make")


def test_line_with_too_many_values_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("name,size,count\nx,1,2,3\n")
    with pytest.raises(InputError, match="line 2 has 4 values for 3 columns"):
        read_table(tmp_path / "table.csv", Row, "make")


def test_table_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "table.csv").write_bytes(b"name,size,count\n\xff\xfe,1,2\n")
    with pytest.raises(InputError, match=r"table.csv"):
        read_table(tmp_path / "table.csv", Row, "make")


def test_missing_table_names_the_stage(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="does not exist: run `aucue make` first"):
            read_table(path, Row, "make")
