import pytest

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.ferplus import ORIGINAL
from pipeline.ingest.datasets.ferplus.columns import has_pixels, pixels_in, read_rows
from pipeline.runtime.errors import InputError

PIXELS = " ".join(str(value % 256) for value in range(48 * 48))
USAGES = ("Training", "PublicTest", "PrivateTest")
ROWS = [(str(i * 5 % 7), PIXELS, USAGES[i % 3]) for i in range(20)]
NAMES = ClassNames(ORIGINAL)


@pytest.fixture
def read(tmp_path):
    """Read a table of a header, which may be empty, and of rows."""

    def read(header, rows, separator=",", encoding="utf-8", name="fer2013.csv"):
        lines = [separator.join(row) for row in ([header] if header else []) + list(rows)]
        (tmp_path / name).write_text("\n".join(lines), encoding)
        return [(row.emotion, row.pixels, row.usage) for row in read_rows(tmp_path / name, NAMES)]

    return read


@pytest.mark.parametrize("header", [(), ("label", "image", "split"), ("emotion", "data", "Usage"), ("y", "Pixels", "set")])
@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_are_told_apart_by_their_content(read, header, separator, encoding):
    assert read(header, ROWS, separator, encoding) == ROWS


@pytest.mark.parametrize("header", [("", "emotion", "pixels", "Usage"), ("", "label", "image", "part"), ()])
def test_numbers_of_rows_are_no_emotions(read, header):
    assert read(header, [(str(i), *row) for i, row in enumerate(ROWS)]) == ROWS


def test_names_and_other_splits(read):
    rows = [("happy", PIXELS, "train"), ("Sad", PIXELS, "val"), ("fear", PIXELS, "test")]
    assert read((), rows) == rows


def test_a_table_without_emotion_or_usage(read):
    assert read((), [(PIXELS,)] * 3) == [(None, PIXELS, None)] * 3
    assert read(("faces",), [(PIXELS,)] * 3) == [(None, PIXELS, None)] * 3
    assert read((), [(PIXELS, "3")] * 3) == [("3", PIXELS, None)] * 3


def test_some_damaged_rows_do_not_hide_a_column(read):
    rows = [("?", "1 2 3", "other"), *ROWS]
    assert read(("a", "b", "c"), rows) == rows


@pytest.mark.parametrize("header", [(), ("a", "b", "c")])
def test_columns_that_may_both_be_emotions_are_named(read, header):
    rows = [(str(i), str(6 - i), PIXELS) for i in range(7)]
    with pytest.raises(
        InputError, match=r"fer2013\.csv: the columns .* and .* may both be emotion: name that column"
    ) as error:
        read(header, rows)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("pixels", ["1 " * 100, PIXELS + " 1", PIXELS.replace(" ", "/"), "x" * 9000])
def test_no_message_prints_pixels(read, pixels):
    for header in ((), ("a", "b")):
        with pytest.raises(InputError, match=r"fer2013\.csv has no column pixels") as error:
            read(header, [("1", pixels)] * 3)
        assert len(str(error.value)) < 500


def test_tables_of_a_common_name_need_pixels(tmp_path, read):
    read((), ROWS, name="train.csv")
    (tmp_path / "list.csv").write_text("image,label\na.jpg,1\n")
    assert has_pixels(tmp_path / "train.csv")
    assert not has_pixels(tmp_path / "list.csv")


@pytest.mark.parametrize("form", ["[{}]", "({})", "{}"])
@pytest.mark.parametrize("between", [", ", ","])
def test_pixels_may_be_written_as_a_list(read, form, between):
    pixels = form.format(PIXELS.replace(" ", between))
    ((emotion, text, usage),) = read(("emotion", "pixels", "Usage"), [("3", f'"{pixels}"', "Training")])
    assert (emotion, pixels_in(text), usage) == ("3", PIXELS.split(), "Training")


def test_a_column_for_each_pixel_is_named(read):
    with pytest.raises(InputError, match=r"fer2013\.csv has a column for each pixel: join them into one column pixels"):
        read(("emotion", *(f"pixel{number}" for number in range(2304))), [("3", *PIXELS.split())])
