import pytest

from pipeline.ingest.datasets.common.csv_table.rows import rows
from pipeline.runtime.errors import InputError

TABLE = "image,label,split\nköln/a.jpg,anger,train\nb.jpg,fear,\n"
VALUES = [
    {"image": "köln/a.jpg", "label": "anger", "split": "train"},
    {"image": "b.jpg", "label": "fear", "split": ""},
]


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return rows(path, filled=("image", "label"), optional=("split",))

    return read


def values(table):
    return [row for _, row in table]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_usual_separator_is_taken(read, separator):
    assert values(read(TABLE.replace(",", separator))) == VALUES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_of_excel_is_taken(read, encoding):
    assert values(read(TABLE.replace(",", ";").encode(encoding))) == VALUES


def test_utf_16_of_either_order_is_taken(read):
    for encoding in ("utf-16-le", "utf-16-be"):
        assert values(read(("\ufeff" + TABLE.replace(",", "\t")).encode(encoding))) == VALUES


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_without_a_mark_is_taken(read, encoding):
    assert values(read(TABLE.encode(encoding))) == VALUES


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("is_header_quoted", [False, True])
def test_lines_that_are_quoted_as_a_whole_are_taken(read, separator, is_header_quoted):
    header, *lines = TABLE.replace(",", separator).splitlines()
    quoted = [f'"{header}"' if is_header_quoted else header, *(f'"{line}"' for line in lines)]
    assert values(read("\n".join(quoted))) == VALUES
    quoted[1] = f'"""a{separator} 1.jpg""{separator}fear"'
    assert values(read("\n".join(quoted)))[0] == {"image": f"a{separator} 1.jpg", "label": "fear", "split": ""}


def test_a_value_with_a_separator_is_no_line(read):
    (row,) = values(read('image,label\n"a,b.jpg",anger\n'))
    assert row["image"] == "a,b.jpg"


def test_headers_between_the_rows_name_the_columns_of_the_rows_after_them(read, capsys):
    table = read(TABLE + "image,label,split\nc.jpg,fear,test\nLabel,note,IMAGE\nanger,x,d.jpg\n")
    assert [(where.rpartition(" ")[2], row["image"], row["label"], row.get("split")) for where, row in table[2:]] == [
        ("5", "c.jpg", "fear", "test"),
        ("7", "d.jpg", "anger", None),
    ]
    assert capsys.readouterr().err.endswith("t.csv: 2 lines are the header again, and no row\n")


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(InputError, match=r"t\.csv is a folder: it must be a table"):
        rows(tmp_path / "t.csv", filled=("image",))


def test_a_guessed_encoding_is_said(read, tmp_path, capsys):
    read(TABLE)
    assert capsys.readouterr().err == ""
    read(TABLE.encode("cp1252"))
    assert capsys.readouterr().err.startswith(f"{tmp_path / 't.csv'} is not UTF-8 text: it is read as Windows-1252")


@pytest.mark.parametrize(
    "header",
    [
        "image , label, Split",
        "IMAGE,Label,split",
        " Image,\u200blabel ,SPLIT\xa0",
        '"image ","label"," split"',
        "\ufeffimage,label,split",
    ],
)
def test_blanks_and_case_of_the_header_make_no_difference(read, header):
    assert values(read(TABLE.replace("image,label,split", header))) == VALUES


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("blank", [",,\n,,\n", "\n\n", ",,,,,\n", ' , ,""\n'])
def test_empty_lines_are_passed_over(read, blank, separator):
    blank = blank.replace(",", separator)
    table = TABLE.replace(",", separator)
    header, first, second, _ = table.split("\n")
    for text in (table + blank, f"{header}\n{blank}{first}\n{blank}{second}\n{blank}", blank + table):
        assert values(read(text)) == VALUES


def test_lines_are_counted_as_an_editor_counts_them(read):
    assert [where.rpartition(" ")[2] for where, _ in read("sep=,\n" + TABLE.replace("b.jpg", "\n,,\nb.jpg"))] == ["3", "6"]


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_taken(read, ends):
    assert values(read(TABLE.replace("\n", ends))) == VALUES


def test_excels_line_of_the_separator_is_taken(read):
    for separator in (";", ","):
        assert values(read(f"sep={separator}\r\n" + TABLE.replace(",", separator))) == VALUES


def test_quoted_values_hold_separators(read):
    (row,) = values(read('image;label\n"a;b,c.jpg";anger\n'))
    assert row == {"image": "a;b,c.jpg", "label": "anger"}


def test_short_lines_have_empty_values(read):
    assert values(read("image,label,split,note\na.jpg,anger\n")) == [
        {"image": "a.jpg", "label": "anger", "split": "", "note": ""}
    ]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("image,label,Label\na,b,c\n", "t.csv has several columns label: keep one of them"),
        ("image;name\na;b\n", "t.csv has no column label: it has image, name"),
        (b"PK\3\4\x14\0\0\0", "t.csv is a workbook or another binary file: save it as CSV"),
        (b"\xff\xfei\0m\0a", "t.csv is not a CSV file in UTF-8"),
        ("image,label\na.jpg,\n", "t.csv line 2: label is empty: fill it in or remove the line"),
        ("image,label\n,,\n", "t.csv has a header but no rows"),
        ("", "t.csv is empty: it must have a header"),
        ("\ufeff\r\n,,\n", "t.csv is empty: it must have a header"),
    ],
)
def test_mistake_is_named(read, content, match):
    with pytest.raises(InputError, match=match):
        read(content)
