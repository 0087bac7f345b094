import re

import pytest
import yaml

from pipeline.faces.manifest import Photo
from pipeline.ingest.labels import check_labels
from pipeline.runtime.errors import InputError


def labelled(label, status="ok"):
    return Photo("a", "a.png", label, "", "", status)


def refused(labels, ours=("anger", "fear", "happiness"), rename=None):
    with pytest.raises(InputError) as caught:
        check_labels([labelled(label) for label in labels], ours, (), rename or {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_known_class_that_is_left_out_is_excluded():
    fear, joy = check_labels([labelled("fear"), labelled("joy")], ("fear",), {"fear", "joy"})
    assert fear == labelled("fear")
    assert (joy.status, joy.reason) == ("excluded", "label joy is not in ingest.labels")


def test_label_of_an_excluded_photo_is_not_looked_at():
    photos = [labelled("unknown", "excluded")]
    assert check_labels(photos, ("fear",), ()) == photos


@pytest.mark.parametrize("label", ["Fear", "FEAR", " fear ", "fear_"])
def test_labels_are_taken_in_any_case(label):
    assert check_labels([labelled(label)], ("fear",), ()) == [labelled("fear")]
    assert check_labels([labelled(label, "excluded")], ("fear",), ()) == [labelled("fear", "excluded")]


def test_all_unknown_labels_are_listed_with_counts_and_a_fix_to_paste():
    assert refused(["angry", "fear", "happy", "angry", "envy", "feaer"]) == (
        "labels unknown to ingest.labels (anger, fear, happiness): 'angry' (2 photos), 'envy' (1 photo), 'feaer' (1 photo), "
        "'happy' (1 photo): write in params.yaml ingest.rename: {angry: anger, envy: '?', feaer: fear, happy: happiness} "
        "with one of ingest.labels for each ?, or null to leave the class out; or add envy to ingest.labels and the "
        "codebook; or name in ingest.root the folder that holds the label folders"
    )
    assert refused(["angry", "happy"]).endswith(
        ": write in params.yaml ingest.rename: {angry: anger, happy: happiness} if that is meant"
    )


@pytest.mark.parametrize(
    "labels",
    [
        ("joie", "colère", "peur"),
        ("freude", "überrascht", "angst"),
        ("快乐", "愤怒", "恐惧"),
        ("радость", "гнев", "страх"),
        ("no", "null", "1.5", "a: b", "it's", "~", "[x]"),
    ],
)
def test_labels_of_any_language_are_a_template_to_fill_in(labels):
    """No word of it is a guess, and YAML reads it as it is."""
    (template,) = re.findall(r"ingest\.rename: (\{.*\}) with one", refused(labels, ours=("anger", "happiness")))
    assert yaml.safe_load(template) == dict.fromkeys(labels, "?")
    filled = yaml.safe_load(template.replace("'?'", "anger"))
    renamed = check_labels([labelled(label) for label in labels], ("anger", "happiness"), (), filled)
    assert {photo.label for photo in renamed} == {"anger"}


def test_a_template_that_is_not_filled_in_is_named():
    text = "ingest.rename gives 'joie' the label '?', unknown to ingest.labels (anger, fear): write one of them, or null"
    assert refused(["joie"], ("anger", "fear"), {"joie": "?"}).startswith(text)


def test_the_fix_is_accepted():
    ours = ("anger", "fear", "happiness")
    rename = {"angry": "anger", "happy": "happiness", "7": "fear", "envy": None}
    photos = [labelled(label) for label in ("Angry", "happy", "fear", "07", "envy")]
    renamed = check_labels(photos, ours, (), rename)
    assert [photo.label for photo in renamed] == ["anger", "happiness", "fear", "fear", "envy"]
    assert [photo.status for photo in renamed] == ["ok"] * 4 + ["excluded"]
    assert renamed[4].reason == "ingest.rename leaves label envy out"


def test_numbers_come_with_the_datasets_that_they_fit():
    message = refused(list("1234567"), ours=("surprise", "fear", "anger"))
    assert "if the numbers are those of RAF-DB, write ingest.rename: {'1': surprise, '2': fear, '3': null," in message
    message = refused(list("0123456"))
    assert "{'0': anger, " in message
    assert "if they are those of AffectNet without contempt, write ingest.rename: {'0': null, '1': happiness" in message


def test_many_labels_are_counted():
    assert "'a39' (1 photo), 60 more: " in refused([f"a{number:02}" for number in range(100)])


def test_splits_among_labels_are_named():
    assert refused(["train", "anger"]).endswith("only folders of splits, or only folders of labels")


def test_names_are_changed_once():
    photos = check_labels([labelled("anger"), labelled("fear")], ("anger", "fear"), (), {"anger": "fear", "fear": "anger"})
    assert [photo.label for photo in photos] == ["fear", "anger"]


def test_classes_of_a_public_dataset_are_renamed_too(capsys):
    known = {"fear", "joy", "contempt"}
    photos = [labelled("joy"), labelled("contempt")]
    renamed = check_labels(photos, ("fear",), known, {"joy": "fear", "fear": "Joy", "rage": "fear"})
    assert [(photo.label, photo.status) for photo in renamed] == [("fear", "ok"), ("contempt", "excluded")]
    assert capsys.readouterr().err == "ingest.rename: no photo has the label 'fear', 'rage'\n"


@pytest.mark.parametrize(("label", "fix"), [("fearful", "write fear"), ("envy", "write one of them, or null to leave")])
def test_a_new_name_that_is_no_label_is_named(label, fix):
    text = f"ingest.rename gives 'x' the label '{label}', unknown to ingest.labels (anger, fear): {fix}"
    assert refused(["fear"], ("anger", "fear"), {"x": label}).startswith(text)
