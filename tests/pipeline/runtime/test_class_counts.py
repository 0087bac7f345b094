import pytest

from pipeline.runtime import class_counts
from pipeline.runtime.errors import InputError

SOUND = {(label, split): 9 for label in ("anger", "fear") for split in ("train", "validation", "test")}


def test_nothing_is_said_of_classes_with_enough_photos():
    assert class_counts.warnings(SOUND, "photo", "refuse") == []
    class_counts.refuse_untrained(SOUND, "photo", "refuse", "")
    class_counts.refuse_empty_splits(SOUND, "photo", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({("fear", "test"): 0}, "test has no photo of fear: nothing is measured on it, and means over classes leave it out"),
        ({("fear", "train"): 1}, "training has a single photo of fear: a class cannot be learnt from it"),
        (
            {("fear", "validation"): 0, ("anger", "validation"): 4},
            "validation has fewer than 5 photos of a class (anger 4, fear 0)",
        ),
        (
            {("sadness", "test"): 2},
            "no training photo has the label sadness: its 2 photos in other splits cannot be recognised",
        ),
        ({("fear", "train"): 0}, "no training photo has the label fear: its 18 photos in other splits cannot be recognised"),
        ({("sadness", ""): 2}, None),  # excluded
    ],
)
def test_each_gap_is_a_sentence(changes, said):
    sentences = class_counts.warnings(SOUND | changes, "photo", "refuse")
    assert [sentence.startswith(said) for sentence in sentences] == [True] * bool(said)


@pytest.mark.parametrize(("policy", "outcome"), [("count", "count as never recognised"), ("exclude", "are left out")])
def test_a_policy_other_than_refuse_is_said_and_refuses_nothing(policy, outcome):
    counts = SOUND | {("sadness", "validation"): 3}
    class_counts.refuse_untrained(counts, "face", policy, "")
    (sentence,) = class_counts.warnings(counts, "face", policy)
    assert sentence == f"no training face has the label sadness: its 3 faces in other splits {outcome}"


def test_every_label_without_training_photos_is_named_at_once():
    counts = {("anger", "train"): 3, ("fear", "test"): 1, ("disgust", "validation"): 2}
    with pytest.raises(
        InputError, match=r"no training photo has the label disgust, fear, but 3 photos of other splits do: add"
    ):
        class_counts.refuse_untrained(counts, "photo", "refuse", "add training photos of it")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_empty_split_is_refused(split):
    counts = {place: 0 if place[1] == split else number for place, number in SOUND.items()}
    with pytest.raises(InputError, match=f"no face is left in the {split} split: look there"):
        class_counts.refuse_empty_splits(counts, "face", "look there")
