import csv
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pipeline import codebook as codebooks
from pipeline.faces import dlib_models
from pipeline.faces.decoding import read_rgb
from pipeline.runtime import parameters
from pipeline.runtime.errors import InputError
from pipeline.runtime.memory import release_free_memory
from train.attribution.prediction_maps import predict_maps
from train.data.augmentation import whole_view
from train.data.dataset import Faces, open_shards
from train.data.loading import BatchLoader
from train.evaluate.action_units import ActionUnitRegions
from train.explain import Explainer
from train.explain.answers.needed import NEGLIGIBLE, UNLIKELY
from train.explain.answers.photo_faces import DETECT, faces_in_file
from train.models import checkpoint as checkpoints
from train.models.maps import concentration, normalise


@pytest.fixture(scope="module")
def explained(explainer, test_photos):
    """The explanations of all test photos, in the order of the manifest. They are one batch, as in evaluate: PyTorch rounds
    differently in batches of other sizes."""
    return explainer.explain_all([faces_in_file(row["path"], explainer.settings).faces for row in test_photos])


def test_answers_and_figures_are_those_of_evaluate(explained, explainer, checkpoint, shards):
    classifier, config = checkpoints.load(checkpoint)
    faces_shards, heatmaps = open_shards(*shards)
    faces = Faces(faces_shards, heatmaps, "test", config.classes)
    view = whole_view(next(iter(BatchLoader(faces, [list(range(len(faces)))]))), config.train["input_size"])
    with torch.no_grad():
        answers = classifier(view.images).logits.argmax(dim=1)
    output = predict_maps(classifier, view.images, answers, (28, 28))
    regions = ActionUnitRegions(faces_shards, codebooks.load("belharbi2024"), config.classes, 28)
    assert list(regions.keys) == explainer.keys
    seen = concentration(output.maps["layer5"], regions.masks(faces.rows.tolist())).numpy()
    assert len(explained) == len(faces)
    for number, (face,) in enumerate(explained):
        probabilities = output.logits[number].softmax(dim=0).numpy()
        np.testing.assert_allclose(list(face.probabilities.values()), probabilities, atol=1e-6)
        np.testing.assert_allclose(face.attention, normalise(output.maps["layer5"])[number, 0].numpy(), atol=1e-6)
        np.testing.assert_allclose(face.class_map, output.maps["cam"][number, 0].numpy(), atol=1e-6)
        np.testing.assert_allclose([unit.seen for unit in face.units], seen[number], atol=1e-5)
        assert face.expression == config.classes[answers[number]]
        assert face.probability == max(face.probabilities.values())


def test_the_answers_are_evaluate_s_to_the_face(explained, evaluated, test_photos):
    with (evaluated / "evaluation" / "guided" / "predictions.csv").open(encoding="utf-8") as stream:
        predictions = {row["id"]: row for row in csv.DictReader(stream)}
    assert len(predictions) == len(test_photos)
    for row, (face,) in zip(test_photos, explained, strict=True):
        assert face.expression == predictions[row["id"]]["predicted"]
        assert face.probability == pytest.approx(float(predictions[row["id"]]["confidence"]), abs=1e-6)


def test_every_unit_of_the_codebook_is_measured(explained, explainer):
    for (face,) in explained:
        assert [unit.key for unit in face.units] == explainer.keys
        assert {unit.name for unit in face.units if unit.key == "12"} == {"Lip Corner Puller"}
        for unit, region in zip(face.units, face.regions, strict=True):
            assert (unit.seen >= 0) == region.any()
            assert (-1.5 < unit.needed < 1.5) == region.any()
            assert unit.spread >= 0 or not (region.any() and unit.needed >= UNLIKELY)  # one look has no spread
            assert unit.instead in (*explainer.classes, "") if region.any() else unit.instead == ""
        listed = {unit.key for unit in face.units if unit.is_listed}
        assert listed == {cue.au for cue in explainer.codebook.cues[face.expression]}


def test_the_same_photo_has_the_same_explanation_in_any_batch(explained, explainer, test_photos):
    (alone,) = explainer(read_rgb(test_photos[3]["path"]))
    together = explained[3][0]
    assert alone.sentence == together.sentence
    for one, other in zip(alone.units, together.units, strict=True):
        assert one.needed == pytest.approx(other.needed, abs=1e-5)
        assert one.seen == pytest.approx(other.seen, abs=1e-5)


@pytest.fixture(scope="module")
def two_faces(test_photos):
    """A wide photo with a large face at the right, and a smaller one at the left."""
    small, large = (read_rgb(row["path"]) for row in (test_photos[0], test_photos[-1]))
    photo = np.full((420, 760, 3), 128, np.uint8)
    photo[60:360, 20:320] = cv2.resize(small, (300, 300))
    photo[10:410, 345:745] = cv2.resize(large, (400, 400))
    return photo


def test_all_faces_of_a_photo_are_explained_from_left_to_right(checkpoint, two_faces):
    left, right = Explainer(checkpoint, needed=False)(two_faces)
    assert left.status == right.status == "ok"
    assert left.box[2] < right.box[0]
    assert left.landmarks[:, 0].max() < 340 < right.landmarks[:, 0].min()


def test_the_largest_face_may_count_alone(checkpoint, two_faces):
    (face,) = Explainer(checkpoint, which="largest", needed=False)(two_faces)
    assert face.box[0] > 330


def test_a_photo_without_a_face_says_so(explainer):
    (face,) = explainer(np.full((200, 300, 3), 90, np.uint8))
    assert (face.status, face.box, face.units, face.sentence) == ("no_face", None, (), "")
    assert face.reason.startswith("no face at any level")


def test_without_neutral_faces_regions_are_blurred_and_a_note_says_so(checkpoint, test_photos):
    explainer = Explainer(checkpoint, which="largest")
    assert explainer.fill == "the blurred face"
    assert any("no neutral face is at hand" in note for note in explainer.notes)
    (face,) = explainer(read_rgb(test_photos[0]["path"]))
    assert all(np.isfinite(unit.needed) for unit in face.units)
    assert not any(np.isnan(unit.spread) for unit in face.units if unit.needed > NEGLIGIBLE)


def test_shards_that_do_not_belong_together_are_no_donors(checkpoint, shards, tmp_path):
    explainer = Explainer(checkpoint, shards=(shards[0], tmp_path))
    assert explainer.fill == "the blurred face"
    assert any(str(tmp_path) in note for note in explainer.notes)


def test_what_answers_need_may_be_left_out(checkpoint, test_photos):
    explainer = Explainer(checkpoint, which="largest", needed=False)
    (face,) = explainer(read_rgb(test_photos[0]["path"]))
    assert all(np.isnan(unit.needed) for unit in face.units)
    assert not explainer.notes


def test_another_codebook_is_noted(checkpoint, tmp_path):
    assert any("of another codebook, belharbi2024" in note for note in Explainer(checkpoint, codebook="facs").notes)
    book = (Path(__file__).parents[4] / "pipeline" / "codebooks" / "facs.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(book.replace("  sadness:", "  grief:"))
    notes = Explainer(checkpoint, codebook=str(tmp_path / "mine.yaml")).notes
    assert any("has no expression sadness" in note for note in notes)


def test_another_predictor_than_the_training_s_is_refused(checkpoint, tmp_path):
    (tmp_path / "other.dat").write_bytes(b"x")
    with pytest.raises(InputError, match=r"aligned with another predictor than .*other\.dat: set landmarks\.predictor"):
        Explainer(checkpoint, predictor=str(tmp_path / "other.dat"))


def test_the_search_without_params_yaml_is_that_of_params_yaml(params_path):
    assert parameters.load(params_path).detect == DETECT


def test_the_picture_shows_the_photo_if_it_is_given(explained, test_photos):
    (face,) = explained[0]
    photo = read_rgb(test_photos[0]["path"])
    alone, with_photo = face.picture(), face.picture(photo)
    assert with_photo.shape[1] > alone.shape[1]
    assert with_photo.dtype == np.uint8
    half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    difference = np.abs(face.picture(half, 0.5).astype(int) - with_photo).mean()
    assert difference < 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc_trim")
def test_memory_of_a_batch_is_given_back(explainer, test_photos):
    """A process that explains a long video would grow otherwise: the batches' tensors are of many sizes."""

    def resident_megabytes():
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    faces = [faces_in_file(row["path"], explainer.settings).faces for row in test_photos]
    for size in (1, 3, 7, len(faces)):
        explainer.explain_all(faces[:size])
    held = resident_megabytes()
    release_free_memory()
    assert held - resident_megabytes() < 5


def test_a_digest_of_the_predictor_is_not_made_for_each_face(explainer, test_photos, monkeypatch):
    monkeypatch.setattr(dlib_models, "predictor_path", None)
    assert faces_in_file(test_photos[0]["path"], explainer.settings).faces[0].status == "ok"
