import numpy as np
import pytest

from pipeline.codebook.mirror import MIRRORED
from pipeline.landmarks import landmark_quality as quality
from pipeline.shards import ShardSet


@pytest.fixture(scope="module")
def faces(dataset):
    """Landmarks (n, 68, 2) of animated faces, each with the box around it."""
    shards = ShardSet(dataset.faces, "faces")
    points = shards.column("landmarks")[shards.column("status") == "ok"][::6].astype(float)
    return [(face, quality.box_around(face)) for face in points]


def about(box, centre):
    """The box of the same size around another centre."""
    half = np.array([box[2] - box[0], box[3] - box[1]]) / 2
    return *(centre - half), *(centre + half)


def turned(points, degrees):
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def centre_of(box):
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def test_faces_are_plausible(faces):
    assert len(faces) > 10
    assert [quality.implausibility(points, box) for points, box in faces] == [""] * len(faces)


@pytest.mark.parametrize("degrees", [-45, -20, 20, 45])
@pytest.mark.parametrize("scale", [0.05, 1, 40])
def test_rotation_and_scale_keep_the_verdict(faces, degrees, scale):
    for points, box in faces:
        moved = turned(points, degrees) * scale + 100
        centre = turned(centre_of(box), degrees) * scale + 100
        assert quality.implausibility(moved, about(scale * np.array(box), centre)) == ""


def test_mirroring_keeps_the_verdict(faces):
    for points, (left, top, right, bottom) in faces:
        mirrored = points[list(MIRRORED)] * [-1, 1]
        assert quality.implausibility(mirrored, (-right, top, -left, bottom)) == ""


def test_permuted_points_are_flagged(faces, rng):
    for points, box in faces:
        for _ in range(20):
            assert quality.implausibility(rng.permutation(points), box) != ""


def test_collapsed_and_spread_points_are_flagged(faces):
    for points, box in faces:
        centre = points.mean(axis=0)
        assert "collapse" in quality.implausibility(np.repeat(centre[None], 68, axis=0), box)
        assert "collapse" in quality.implausibility(centre + 0.2 * (points - centre), box)
        assert "spread" in quality.implausibility(centre + 3 * (points - centre), box)
        line = centre + (points - centre) * [1, 0]
        assert quality.implausibility(line, box) != ""


def test_flipped_and_upended_faces_are_flagged(faces):
    for points, box in faces:
        centre = points.mean(axis=0)
        around = about(box, centre)
        assert "flipped" in quality.implausibility(centre + (points - centre) * [-1, 1], around)
        assert "flipped" in quality.implausibility(centre + (points - centre) * [1, -1], around)
        for degrees in (120, 180, -120):
            assert "eyes are not above the mouth" in quality.implausibility(
                centre + turned(points - centre, degrees), around
            )


def test_wildly_asymmetric_faces_are_flagged(faces):
    for points, box in faces:
        jumbled = points.copy()
        jumbled[list(range(9)) + list(range(17, 22)) + list(range(36, 42))] = points[33]  # one half onto the nose
        assert quality.implausibility(jumbled, box) != ""


def test_points_outside_of_the_box_are_flagged(faces):
    for points, box in faces:
        side = box[2] - box[0]
        assert "outside" in quality.implausibility(points + np.array([side, 0]), box)


def test_points_that_are_no_numbers_are_flagged(faces):
    points, box = faces[0]
    broken = points.copy()
    broken[3, 1] = np.nan
    assert quality.implausibility(broken, box) == "landmarks are not finite"


def test_disagreement_is_the_mean_distance_in_face_sizes(faces):
    points, _ = faces[0]
    assert quality.disagreement(points, points) == 0
    size = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert quality.disagreement(points + np.array([0.03 * size, 0.04 * size]), points) == pytest.approx(0.05)
    same = np.ones((68, 2))
    assert np.isfinite(quality.disagreement(same, same))


def test_box_around_follows_the_face(faces):
    for points, box in faces:
        np.testing.assert_allclose(quality.box_around(2 * points + 7), 2 * np.array(box) + 7)
        assert box[2] - box[0] == pytest.approx(box[3] - box[1])
