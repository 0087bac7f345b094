import pytest

from pipeline.ingest.datasets.affectnet import LABELS as AFFECTNET
from pipeline.ingest.datasets.common.class_names import ClassNames, UnknownLabelError
from pipeline.ingest.datasets.rafdb import LABELS as RAFDB

NAMES = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]
AFFECTNET_NAMES, RAFDB_NAMES = ClassNames(AFFECTNET), ClassNames(RAFDB)


@pytest.mark.parametrize("label", ["6", " 6", "6.0", "06", "Anger", "angry", "ANGRY ", "1_angry"])
def test_a_label_is_a_number_or_a_name(label):
    assert AFFECTNET_NAMES.name_of(label) == "anger"
    assert RAFDB_NAMES.name_of(label) == "anger"


@pytest.mark.parametrize("label", ["", "11", "-1", "6.5", "nan", "inf", "1e400", "glee", "six", "0x6", "²"])
def test_other_labels_are_unknown(label):
    with pytest.raises(UnknownLabelError, match="is unknown: this dataset numbers its classes 0 to 10"):
        AFFECTNET_NAMES.name_of(label)


@pytest.mark.parametrize(
    ("label", "close"),
    [("unhappiness", "happiness"), ("danger", "anger"), ("unsurprised", "surprise"), ("hapiness", "happiness")],
)
def test_a_near_miss_is_unknown(label, close):
    """Unhappiness is no happiness."""
    for translate in (AFFECTNET_NAMES.name_of, AFFECTNET_NAMES.name_of_folder):
        with pytest.raises(UnknownLabelError, match=f"label '{label}' is unknown: write {close} if that is meant"):
            translate(label)


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
    assert AFFECTNET_NAMES.name_of_folder(folder) == label


def test_counted_folders_begin_with_the_first_class():
    assert [RAFDB_NAMES.name_of_folder(f"class00{number}") for number in (1, 7)] == ["surprise", "neutral"]
    for folder in ("class000", "class008", "images", "train", "1234"):
        with pytest.raises(UnknownLabelError):
            RAFDB_NAMES.name_of_folder(folder)


def test_a_label_that_the_user_renames_stays_as_it_is_written():
    names = ClassNames(RAFDB, {"0": "surprise", "1": "fear", "class003": "anger", "joyeux": "happiness"})
    written = {
        "0": "0",
        "1.0": "1",
        "01": "1",
        "2": "fear",
        "Joyeux": "joyeux",
        "happy": "happiness",
        "class003": "class003",
    }
    assert {label: names.name_of_folder(label) for label in written} == written


@pytest.mark.parametrize(
    ("names", "label", "rename"),
    [
        (RAFDB, "0", "{'0': surprise, '1': fear, '2': disgust, '3': happiness, '4': sadness, '5': anger, '6': neutral}"),
        (RAFDB, "8", "{'2': surprise, '3': fear, '4': disgust, '5': happiness, '6': sadness, '7': anger, '8': neutral}"),
        (RAFDB, "hapiness", "{hapiness: happiness}"),
        (RAFDB, "99", "{'99': null}"),
    ],
)
def test_an_unknown_label_comes_with_the_entry_that_it_needs(names, label, rename):
    with pytest.raises(UnknownLabelError) as error:
        ClassNames(names).name_of(label)
    assert error.value.rename == rename


@pytest.mark.parametrize(
    ("numbers", "meanings"),
    [
        (range(1, 9), NAMES),
        ((1, 3, 6), ["neutral", "sadness", "disgust"]),
        ((0, 1, 2013), ["neutral", "happiness", "null"]),
    ],
)
def test_a_renumbering_keeps_the_order_of_the_classes(numbers, meanings):
    pairs = [f"'{number}': {name}" for number, name in zip(numbers, meanings, strict=True)]
    assert AFFECTNET_NAMES.renumbering(numbers, numbers) == f"{{{', '.join(pairs)}}}"
