from collections import Counter, defaultdict

import numpy as np
import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest.splits import assign, choose
from pipeline.runtime.errors import InputError

LABELS = {"anger": 100, "fear": 20, "happiness": 400}


def photos_of(counts=LABELS, photos_per_subject=1, split=""):
    """Photos of every label; subjects have ``photos_per_subject`` photos each, of any label."""
    labels = [label for label, number in counts.items() for _ in range(number)]
    labels = np.random.default_rng(1).permutation(labels).tolist()
    return [
        Photo(f"p{i}", f"p{i}.jpg", label, split, f"s{i // photos_per_subject}" if photos_per_subject > 1 else "")
        for i, label in enumerate(labels)
    ]


def by_label(photos, split):
    return Counter(photo.label for photo in photos if photo.split == split)


def splits_of_subjects(photos):
    splits = defaultdict(set)
    for photo in photos:
        splits[photo.subject].add(photo.split)
    return splits


def test_photos_without_subjects_are_split_exactly_by_label():
    photos = assign(photos_of(), 0.1, 0.2, seed=0)
    assert by_label(photos, "test") == {"anger": 20, "fear": 4, "happiness": 80}
    assert by_label(photos, "validation") == {"anger": 8, "fear": 1, "happiness": 32}  # of 1.6
    assert by_label(photos, "train") == {"anger": 72, "fear": 15, "happiness": 288}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("photos_per_subject", [2, 5, 13])
def test_subjects_stay_whole_and_labels_stay_balanced(photos_per_subject, seed):
    photos = assign(photos_of(photos_per_subject=photos_per_subject), 0.1, 0.2, seed)
    assert all(len(splits) == 1 for splits in splits_of_subjects(photos).values())
    for label, number in LABELS.items():
        assert by_label(photos, "test")[label] == pytest.approx(0.2 * number, rel=0.3, abs=2)
        assert by_label(photos, "validation")[label] == pytest.approx(0.08 * number, rel=0.5, abs=2)


def test_seed_decides():
    photos = photos_of(photos_per_subject=3)
    assert assign(photos, 0.1, 0.2, 0) == assign(photos, 0.1, 0.2, 0)
    assert assign(photos, 0.1, 0.2, 0) != assign(photos, 0.1, 0.2, 1)


def test_everything_but_the_split_is_kept_in_order():
    photos = photos_of()
    for before, after in zip(photos, assign(photos, 0.1, 0.2, 0), strict=True):
        assert (before.id, before.path, before.label, before.subject) == (after.id, after.path, after.label, after.subject)


def test_a_rare_label_is_in_every_split():
    photos = assign(photos_of({"common": 500, "rare": 10}), 0.1, 0.2, 0)
    assert by_label(photos, "test")["rare"] == 2
    assert by_label(photos, "validation")["rare"] >= 1


def test_splits_that_the_dataset_has_are_kept():
    photos = photos_of({"anger": 40}, split="train") + photos_of({"fear": 20}, split="test")
    photos = [Photo(f"{i}", "", photo.label, photo.split, "") for i, photo in enumerate(photos)]
    photos += [Photo("v", "", "fear", "validation", "")]
    assert assign(photos, 0.5, 0.5, 0) == photos


@pytest.mark.parametrize("seed", range(10))
def test_validation_is_never_taken_out_of_test(seed):
    train, test = photos_of({"anger": 50, "fear": 50}, split="train"), photos_of({"anger": 50, "fear": 50}, split="test")
    photos = [Photo(f"{i}", "", photo.label, photo.split, "") for i, photo in enumerate(train + test)]
    after = assign(photos, 0.3, 0.0, seed)
    assert after[100:] == photos[100:]
    assert by_label(after, "validation") == {"anger": 15, "fear": 15}


def test_validation_shares_no_subject_with_train():
    photos = photos_of(photos_per_subject=4, split="train")
    splits = splits_of_subjects(assign(photos, 0.2, 0.2, 0))
    assert all(len(names) == 1 for names in splits.values())
    assert {name for names in splits.values() for name in names} == {"train", "validation"}


def test_no_fraction_takes_nothing():
    photos = assign(photos_of(), 0.0, 0.0, 0)
    assert {photo.split for photo in photos} == {"train"}


def test_one_large_subject_does_not_become_the_test_set():
    large = [Photo(f"l{i}", "", "anger", "", "large") for i in range(300)]
    small = [Photo(f"s{i}", "", "anger", "", f"s{i // 2}") for i in range(100)]
    photos = assign(large + small, 0.1, 0.2, 0)
    assert splits_of_subjects(photos)["large"] == {"train"}
    assert by_label(photos, "test")["anger"] == 80


def test_a_single_subject_is_not_cut():
    photos = assign([Photo(f"{i}", "", "anger", "", "only") for i in range(50)], 0.1, 0.2, 0)
    assert {photo.split for photo in photos} == {"train"}


def test_a_photo_without_a_subject_is_its_own():
    """Even where another photo's subject is called like it."""
    assert len(choose([Photo("a", "", "anger", "", "b"), Photo("b", "", "anger", "", "")], 0.5, 0)) == 1


def test_excluded_photos_have_no_split_and_no_say():
    usable = photos_of({"anger": 50})
    excluded = [Photo(f"x{i}", "", "contempt", "train", "", "excluded", "not wanted") for i in range(50)]
    photos = assign(usable + excluded, 0.0, 0.2, 0)
    assert by_label(photos[:50], "test") == {"anger": 10}
    assert {photo.split for photo in photos[50:]} == {""}
    assert {photo.reason for photo in photos[50:]} == {"not wanted"}


def test_some_photos_with_a_split_and_some_without_is_an_error():
    photos = [Photo("a", "", "anger", "train", ""), Photo("b", "", "anger", "", "")]
    with pytest.raises(InputError, match="photo 'b' has no split but others have: give all of them one, or none"):
        assign(photos, 0.1, 0.2, 0)


@pytest.mark.parametrize(
    ("splits", "has"),
    [(["test"], "test"), (["validation"], "validation"), (["test", "validation"], "validation and test")],
)
def test_splits_without_train_are_named(splits, has):
    photos = [Photo(split, f"{split}.jpg", "anger", split, "") for split in splits]
    with pytest.raises(InputError, match=f"the dataset has {has} photos, but no training photos: add a folder or rows"):
        assign(photos, 0.1, 0.2, seed=0)


def test_unknown_split_is_named():
    photos = [Photo("a", "", "anger", "train", ""), Photo("b", "", "anger", "dev", "")]
    with pytest.raises(InputError, match="photo 'b' has the split 'dev': use one of train, validation, test"):
        assign(photos, 0.1, 0.2, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_faces_of_a_photo_stay_together(seed):
    """Also where they have different subjects, of which each is in further photos."""
    faces = [Photo(f"{i}#{face}", f"{i}.jpg", "fear", "", "") for i in range(30) for face in range(2)]
    pairs = [Photo(f"p{i}#{face}", f"p{i}.jpg", "fear", "", f"s{i + face}") for i in range(0, 60, 4) for face in range(3)]
    splits = defaultdict(set)
    for photo in assign(faces + pairs, 0.2, 0.2, seed):
        splits[photo.path].add(photo.split)
        splits[photo.subject or photo.path].add(photo.split)
    assert all(len(own) == 1 for own in splits.values())
    assert set().union(*splits.values()) == {"train", "validation", "test"}


def test_a_photo_that_cannot_be_read_keeps_the_split_of_the_dataset():
    photos = [*photos_of({"fear": 9}, split="train"), Photo("x", "x", "fear", "test", "", "unreadable", "a link")]
    assert assign(photos, 0.2, 0.2, 0)[-1] == photos[-1]
