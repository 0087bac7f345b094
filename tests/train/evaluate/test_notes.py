from types import SimpleNamespace

import numpy as np
import pytest

from train.evaluate import notes
from train.models.guidance import Guidance

CLASSES = ("anger", "disgust", "fear")


@pytest.mark.parametrize(
    ("align", "attention", "cam", "noted"),
    [
        (["attention", "cam"], 2.0, 1.0, ["Guided attention", "Guided CAM"]),
        (["attention"], 2.0, 1.0, ["Guided attention"]),
        (["cam"], 2.0, 1.0, ["Guided CAM"]),
        (["attention", "cam"], 0.0, 1.0, ["Guided CAM"]),
        (["attention", "cam"], 0.0, 0.0, []),
    ],
)
def test_only_what_was_guided_is_noted(align, attention, cam, noted):
    controls = {kind: {"training_mean": 0.9} for kind in ("layer5", "cam")}
    guidance = Guidance.of(align, attention, cam, [5])
    found = notes.guidance_notes({"att_cos": 0.5, "cam_cos": 0.5}, controls, guidance)
    assert [note.partition(" does not beat")[0] for note in found] == noted


@pytest.mark.parametrize(("reached", "constant", "number"), [(0.9, 0.9, 1), (0.91, 0.9, 0), (None, 0.9, 0), (0.5, None, 0)])
def test_guidance_is_noted_only_where_the_constant_map_is_as_good(reached, constant, number):
    controls = {"layer5": {"training_mean": constant}}
    assert len(notes.guidance_notes({"att_cos": reached}, controls, Guidance(2.0, 0.0, (5,)))) == number


def test_guidance_of_a_map_that_the_method_does_not_make_is_not_noted():
    assert notes.guidance_notes({"cam_cos": None}, {}, Guidance(0.0, 1.0, ())) == []


@pytest.mark.parametrize(
    ("predicted", "actual", "said"),
    [
        ([2] * 19 + [0], [0, 1, 2, 0] * 5, "The guided classifier calls 95% of the test faces fear: "),
        ([2] * 17 + [0] * 3, [0, 1, 2, 0] * 5, None),
        ([2] * 19 + [0], [2] * 19 + [0], None),  # as they are
    ],
)
def test_a_classifier_that_gives_all_faces_the_same_expression_is_noted(predicted, actual, said):
    predictions = SimpleNamespace(predicted=np.array(predicted), actual=np.array(actual))
    found = notes.collapse_notes(predictions, CLASSES, "guided")
    assert len(found) == bool(said)
    assert all(note.startswith(said) for note in found)


def test_a_missing_codebook_is_noted():
    assert notes.codebook_notes(found=True) == []
    assert len(notes.codebook_notes(found=False)) == 1


def test_notes_on_the_source_become_sentences():
    assert notes.as_sentences(["colour tells disgust"]) == ["Colour tells disgust."]


@pytest.mark.parametrize(("wanted", "measured", "number"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_decisions_that_could_not_be_measured_are_told(wanted, measured, number):
    assert len(notes.decision_notes(wanted=wanted, measured=measured)) == number
