import pytest

from pipeline.ingest.split_names import split_of, splits_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("Train", "train"), ("training", "train"), ("TRAIN_SET", "train"), ("train-images", "train")),
        *(("VAL", "validation"), ("Validation", "validation"), ("dev", "validation"), ("eval", "validation")),
        *(("PublicTest", "validation"), ("PrivateTest", "test"), ("Testing", "test"), ("test set", "test")),
        *(("Trainingsdaten", "train"), ("Entraînement", "train"), ("Validierung", "validation"), ("prueba", "test")),
        *(("trainval", "train"), ("test_public", "validation"), ("test_private", "test"), ("train_class", "train")),
        *(("训练集", "train"), ("验证集", "validation"), ("测试集", "test")),
        *(("anger", "anger"), ("dataset", "dataset"), ("", ""), ("contrast", "contrast"), ("train_256", "train_256")),
    ],
)
def test_names_of_splits_are_known(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["1_train", "2_val", "3_test"], ["train", "validation", "test"]),
        (["train_256", "test_256"], ["train", "test"]),
        (["train_256x256", "test_256x256"], ["train", "test"]),
        (["Train_aligned", "Test_aligned"], ["train", "test"]),
        (["fer2013_train", "fer2013_test"], ["train", "test"]),
        (["RAF_train_labels", "RAF_test_labels"], ["train", "test"]),
        (["train", "test", "train_aligned", "test_labels"], ["train", "test", None, None]),  # the plain names count
        (["train_128", "train_256", "test"], [None, None, "test"]),  # which of the two is meant is not known
        (["train1", "train2", "train (1)", "train.2"], [None] * 4),
        (["my_train", "train_anger", "train_test", "anger", ""], [None] * 5),
    ],
)
def test_names_with_more_words_are_splits_if_no_other_name_is(names, splits):
    assert [splits_of(names).get(name) for name in names] == splits
