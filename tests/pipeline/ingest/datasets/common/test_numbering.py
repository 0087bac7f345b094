import pytest

from pipeline.ingest.datasets.common.class_names import ClassNames
from pipeline.ingest.datasets.common.numbering import describe_numbers, numbers_in
from pipeline.runtime.errors import InputError

CLASSES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness"}


def test_labels_that_are_numbers():
    assert numbers_in(["1", "02", "3.0", "fear", "4.5", "-1", ""]) == {"1": 1, "02": 2, "3.0": 3}


@pytest.mark.parametrize(
    ("labels", "meaning"),
    [
        (["2", "1", "fear"], ["a.csv: the numbers of the labels are read as 1 surprise, 2 fear"]),
        (["2", "3", "4"], ["a.csv: the numbers of the labels are read as 2 fear, 3 disgust, 4 happiness"]),
        (["3.0", "4"], ["a.csv: the numbers of the labels are read as 3 disgust, 4 happiness"]),  # a part of the classes
        (["fear", "disgust"], []),
        (["1", "9"], ["a.csv: the numbers of the labels are read as 1 surprise"]),  # the row of 9 says what is wrong
        ([], []),
    ],
)
def test_the_meaning_of_numbers_is_said(labels, meaning):
    assert describe_numbers("a.csv", "labels", labels, labels, ClassNames(CLASSES)) == meaning


@pytest.mark.parametrize(
    ("labels", "of_training"),
    [(["1", "2", "4"], ["1", "2", "4"]), (["0", "1", "2", "3"], ["1", "2", "3"]), (["1", "2", "3", "4"], [])],
)
def test_numbers_that_may_count_from_1_are_refused(labels, of_training):
    names = ClassNames({number - 1: name for number, name in CLASSES.items()})
    with pytest.raises(
        InputError, match=r"a\.csv: labels are numbered 1 to \d, but this dataset numbers its classes 0 to 3"
    ):
        describe_numbers("a.csv", "labels", labels, of_training, names)


def test_numbers_that_are_shifted_as_a_whole_are_refused():
    labels = ["2", "3", "4", "5"]
    with pytest.raises(InputError, match=r"a\.csv: labels are numbered 2 to 5, but this dataset numbers its classes 1 to 4"):
        describe_numbers("a.csv", "labels", labels, labels, ClassNames(CLASSES))


def test_what_the_user_renames_is_not_checked():
    labels = ["0", "1", "2", "3"]
    assert describe_numbers("a.csv", "labels", labels, labels, ClassNames(CLASSES, dict.fromkeys(labels, "fear"))) == []


def test_all_classes_counted_from_0_are_refused():
    labels = ["0", "1", "2", "3"]
    with pytest.raises(InputError, match=r"numbered 0 to 3, .* {'0': surprise, '1': fear, '2': disgust, '3': happiness}"):
        describe_numbers("a.csv", "labels", labels, labels, ClassNames(CLASSES))
