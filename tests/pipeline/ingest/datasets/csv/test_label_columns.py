import pytest

from pipeline.ingest.datasets import DatasetSource, csv
from pipeline.runtime.errors import InputError


@pytest.fixture
def read(tmp_path):
    """Read a table, and return the labels of its rows."""

    def read(text, name="labels.csv", rename=None):
        (tmp_path / name).write_text(text)
        return [
            photo.label for photo in csv.read(DatasetSource(tmp_path, tmp_path, ("anger", "fear"), 1, 0, 1, rename or {}))
        ]

    return read


@pytest.mark.parametrize("name", ["labels.csv", "_classes.csv", "train.csv"])
@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("True", "False"), ("1", "")])
def test_there_may_be_a_column_for_each_label(read, capsys, name, yes, no):
    rows = f"a.jpg,{yes},{no}\nb.jpg,{no},{yes}\nc.jpg,{no},{no}\n"
    assert read(f"filename, Angry, Fear\n{rows}", name) == ["Angry", "Fear", ""]
    assert f"{name}: yes and no in Angry, Fear are taken as label\n" in capsys.readouterr().err


def test_two_labels_of_a_row_are_named(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: the photo has the labels anger and fear: leave one of them"):
        read("image,anger,fear\na.jpg,1,0\nb.jpg,1,1\n")


def test_a_value_that_is_neither_yes_nor_no_is_named(read):
    with pytest.raises(InputError, match=r"labels\.csv line 3: fear is '0\.7': write 1 or 0, or one column label for all"):
        read("image,anger,fear\na.jpg,1,0\nb.jpg,0,0.7\n")


def test_columns_of_numbers_of_votes_are_no_labels(read):
    with pytest.raises(InputError, match=r"labels\.csv has no column label: it has image, anger, fear"):
        read("image,anger,fear\na.jpg,7,3\n")


@pytest.mark.parametrize(
    ("header", "rename", "labels"),
    [
        ("image,label,emotion", {}, ["angry", "fear"]),
        ("image,emotion,label", {}, ["angry", "fear"]),
        ("image,label,emotion", {"0": "anger", "1": "fear"}, ["0", "1"]),  # which the user says
    ],
)
def test_names_count_more_than_numbers(read, capsys, header, rename, labels):
    places = header.split(",")
    rows = [{"image": "a.jpg", "label": "0", "emotion": "angry"}, {"image": "b.jpg", "label": "1", "emotion": "fear"}]
    assert read("\n".join([header, *(",".join(row[place] for place in places) for row in rows)]), rename=rename) == labels
    is_said = "the labels are numbers, so the column 'emotion' is taken as label" in capsys.readouterr().err
    assert is_said != bool(rename)


def test_a_column_of_other_words_gives_no_labels(read):
    assert read("image,label,class\na.jpg,0,smile\nb.jpg,1,table\n") == ["0", "1"]
