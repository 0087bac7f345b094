import pytest

from pipeline.runtime.errors import closest_name

EXPRESSIONS = ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


@pytest.mark.parametrize(
    ("name", "known"),
    [("hapiness", "happiness"), (" Fear", "fear"), ("SUPRISE", "surprise"), ("nuetral", "neutral"), ("sadnes", "sadness")],
)
def test_a_misspelling_is_recognised(name, known):
    assert closest_name(name, EXPRESSIONS) == known


@pytest.mark.parametrize("name", ["content", "distrust", "joy", "pain", "calm", "", "7"])
def test_another_word_is_not(name):
    assert closest_name(name, EXPRESSIONS) is None


def test_what_is_known_comes_back_as_it_is_written():
    assert closest_name("ärger", ["Ärger", "Angst"]) == "Ärger"
    assert closest_name("anger", []) is None
