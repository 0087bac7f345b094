import pytest

from pipeline.ingest.datasets.affectnet import LABELS as AFFECTNET
from pipeline.ingest.datasets.common.class_names import UnknownLabelError, name_of, name_of_folder
from pipeline.ingest.datasets.rafdb import LABELS as RAFDB


@pytest.mark.parametrize("label", ["6", " 6", "6.0", "06", "Anger", "angry", "ANGRY ", "1_angry"])
def test_a_label_is_a_number_or_a_name(label):
    assert name_of(label, AFFECTNET) == "anger"
    assert name_of(label, RAFDB) == "anger"


@pytest.mark.parametrize("label", ["", "11", "-1", "6.5", "nan", "inf", "1e400", "glee", "six", "0x6", "²"])
def test_other_labels_are_unknown(label):
    with pytest.raises(UnknownLabelError, match="is unknown: this dataset numbers its classes 0 to 10"):
        name_of(label, AFFECTNET)


@pytest.mark.parametrize(
    ("label", "close"),
    [("unhappiness", "happiness"), ("danger", "anger"), ("unsurprised", "surprise"), ("hapiness", "happiness")],
)
def test_a_near_miss_is_unknown(label, close):
    """Unhappiness is no happiness."""
    for translate in (name_of, name_of_folder):
        with pytest.raises(UnknownLabelError, match=f"label '{label}' is unknown: write {close} if that is meant"):
            translate(label, AFFECTNET)


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("1", "happiness"),
        ("class001", "neutral"),
        ("Class_8", "contempt"),
        ("1_happy", "happiness"),
        ("05 - Disgust", "disgust"),
    ],
)
def test_a_folder_is_named_after_its_class(folder, label):
    assert name_of_folder(folder, AFFECTNET) == label


def test_counted_folders_begin_with_the_first_class():
    assert [name_of_folder(f"class00{number}", RAFDB) for number in (1, 7)] == ["surprise", "neutral"]
    for folder in ("class000", "class008", "images", "train", "1234"):
        with pytest.raises(UnknownLabelError):
            name_of_folder(folder, RAFDB)
