import pytest
from ruamel.yaml import YAML

from pipeline.ingest.label_names import as_yaml, matching_label, meant_label, numbered_labels

LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        *(("Anger", "anger"), ("ANGER", "anger"), (" anger ", "anger"), ("no_face", "No Face"), ("no-face", "No Face")),
        *(("cafe\u0301", "café"), ("CAFÉ", "café"), ("ＡＮＧＥＲ", "anger"), ("07", "7"), ("7.0", "7"), ("7", "7")),
        *(("angry", None), ("", None), ("77", None)),
    ],
)
def test_a_label_is_found_however_it_is_spelt(text, label):
    assert matching_label(text, ("anger", "No Face", "café", "7")) == label


def test_the_same_spelling_comes_first():
    assert matching_label("Fear", ["fear", "Fear"]) == "Fear"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        *(("angry", "anger"), ("Happy", "happiness"), ("sad", "sadness"), ("surprised", "surprise"), ("scared", "fear")),
        *(("suprise", "surprise"), ("Fearfull", "fear"), ("hapiness", "happiness"), ("neutrality", "neutral")),
        *(("1_angry", "anger"), ("03 - sad", "sadness"), ("happy_faces", None), ("AN", "anger"), ("calm", "neutral")),
        *(("contempt", None), ("fer", None), ("sat", None), ("archive", None), ("7", None), ("", None)),
    ],
)
def test_a_meaning_is_guessed(text, label):
    assert meant_label(text, LABELS) == label


def test_a_synonym_may_be_the_label():
    assert meant_label("anger", ("angry", "happy")) == "angry"
    assert meant_label("joyful", ("angry", "happy")) == "happy"


def test_numbers_are_guessed_by_the_dataset_that_they_fit():
    assert set(numbered_labels(list("1234567"), LABELS)) == {"RAF-DB"}
    assert set(numbered_labels(list("0123456"), LABELS)) == {"FER2013", "AffectNet without contempt"}
    assert numbered_labels(list("01234567"), LABELS)["AffectNet"]["7"] is None
    assert numbered_labels(["01", "02"], LABELS)["RAF-DB"] == {"01": "surprise", "02": "fear"}
    assert numbered_labels(["1", "fear"], LABELS) == numbered_labels(["1", "99"], LABELS) == {}


def test_yaml_can_be_pasted():
    rename = {"angry": "anger", "1": "fear", "01": "fear", "no": "x y", "it's: #": None, "null": "true", "größe": "fear"}
    text = as_yaml(rename)
    read = YAML(typ="safe", pure=True).load(f"rename: {text}")["rename"]
    assert read == rename
    assert as_yaml({"angry": "anger", "1": "fear"}) == "{angry: anger, '1': fear}"
