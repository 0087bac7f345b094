import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets.affectnet import LABELS
from pipeline.ingest.datasets.affectnet.relabelling import relabel
from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.runtime.errors import InputError

PHOTOS = [
    Photo("Train/anger/a.jpg", "/d/Train/anger/a.jpg", "anger", "train", ""),
    Photo("Train/anger/b.jpg", "/d/Train/anger/b.jpg", "anger", "train", ""),
    Photo("Train/fear/a.jpg", "/d/Train/fear/a.jpg", "fear", "train", ""),
    Photo("Test/anger/a.jpg", "/d/Test/anger/a.jpg", "anger", "test", ""),
]


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def table(tmp_path):
    def table(*lines):
        (tmp_path / "labels.csv").write_text("\n".join([",pth,label,relFCs", *lines]))
        return tmp_path / "labels.csv"

    return table


def test_the_table_knows_better_than_the_folder(table, notes):
    photos = relabel(PHOTOS, table("0,anger/a.jpg,surprise,0.8", "1,anger\\b.jpg,anger,0.9"), ClassNames(LABELS), notes)
    assert [photo.label for photo in photos] == ["surprise", "anger", "fear", "anger"]  # the test photo is another photo
    assert "gives 1 photos another label than their folder" in "\n".join(notes)


def test_an_unknown_label_excludes_its_photo(table, notes):
    photos = relabel(PHOTOS, table("0,anger/b.jpg,qqq,0.8"), ClassNames(LABELS), notes)
    assert [photo.status for photo in photos] == ["ok", "excluded", "ok", "ok"]


def test_a_table_of_unknown_labels_is_an_error(table, notes):
    with pytest.raises(InputError, match=r"labels.csv line 2: label 'x' is unknown"):
        relabel(PHOTOS, table("0,anger/a.jpg,x,0", "0,anger/b.jpg,y,0", "0,fear/a.jpg,z,0"), ClassNames(LABELS), notes)


def test_rows_without_a_photo_are_counted(table, notes):
    relabel(
        PHOTOS, table("0,anger/a.jpg,anger,0.8", "1,anger/lost.jpg,anger,0.9", "2,x/a.jpg,fear,1"), ClassNames(LABELS), notes
    )
    assert notes[-1].endswith("gives 0 photos another label than their folder; 2 of its rows belong to no photo")


def test_labels_that_count_from_1_are_refused(table, notes):
    lines = [f"{number},anger/{number}.jpg,{number % 8 + 1},0.9" for number in range(16)]
    with pytest.raises(InputError, match=r"labels\.csv: labels are numbered 1 to 8, but this dataset numbers its classes"):
        relabel(PHOTOS, table(*lines), ClassNames(LABELS), notes)
