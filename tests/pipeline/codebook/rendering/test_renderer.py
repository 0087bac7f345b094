from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.bench import heatmaps as bench
from pipeline.codebook.geometry import Ellipse, Length
from pipeline.codebook.mirror import MIRRORED
from pipeline.codebook.rendering import renderer as rendering
from pipeline.codebook.rendering.grid import SamplingGrid
from pipeline.codebook.rendering.landmark_batch import LandmarkBatch
from pipeline.codebook.rendering.renderer import draw_region, render, render_cues
from pipeline.codebook.schema import ExpressionAU, Render
from pipeline.runtime.errors import InputError

SLOW = bench.load_module(Path(__file__).parents[1] / "slow_heatmaps.py")
EXPRESSIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


def square(number, side=224):
    return np.full((number, 2), side)


def cosine(one, two):
    assert np.any(one)
    one, two = np.ravel(one).astype(float), np.ravel(two).astype(float)
    return one @ two / (np.linalg.norm(one) * np.linalg.norm(two))


def enlarged(small, height, width):
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def cosines_with(golden, book):
    """The cosine of every golden composite with ours, (faces, classes)."""
    scores = []
    for column, label in enumerate(golden["classes"].tolist()):
        maps, has_map = render(
            golden["landmarks"], [label] * len(golden["landmarks"]), square(len(golden["landmarks"])), book
        )
        assert has_map.all()
        scores.append(
            [
                cosine(enlarged(ours, 224, 224), theirs[column])
                for ours, theirs in zip(maps, golden["composite"], strict=True)
            ]
        )
    return np.array(scores).T


def au_maps(landmarks, book, key, size=28):
    """One region before softening: maps (N, size, size) in [0, 1], at 224 x 224."""
    points = np.trunc(landmarks.transpose(1, 2, 0).astype(float))
    faces = LandmarkBatch(points, np.full((2, 1), 224.0), whole_pixels=True)
    hard = replace(book, render=book.render.model_copy(update={"soften": 1}))
    values, window = draw_region(faces, book.regions[key], hard, SamplingGrid.create(size, faces.sizes, whole_pixels=True))
    maps = np.zeros((size, size, len(landmarks)))
    maps[window] = values / 4
    return np.moveaxis(maps, -1, 0)


def drawn(landmarks, book, key):
    """Whether a region has a pixel in the frame, (N,)."""
    return au_maps(landmarks, book, key, size=224).any(axis=(1, 2))


def plausible(golden, rng, height, width, shift=0.0):
    """A golden face, turned, jittered and scaled into another frame, and moved by up to ``shift`` of it."""
    face = golden["landmarks"][rng.integers(len(golden["landmarks"]))]
    angle = rng.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    face = (face - 112) @ turn.T * rng.uniform(0.7, 1.1) + rng.normal(0, 2, (68, 2))
    return (face / 224 + 0.5 + rng.uniform(-shift, shift, 2)) * [width, height]


def test_composites_match_the_released_code(golden, book):
    scores = cosines_with(golden, book)
    assert scores.min() >= 0.999
    assert scores.mean() >= 0.9995


def test_all_golden_composites_match_the_released_code(reference, book):
    golden = dict(np.load(reference / "golden" / "heatmaps.npz"))
    scores = cosines_with(golden, book)
    assert scores.shape == (12, 6)
    assert scores.min() >= 0.999
    assert scores.mean() >= 0.9995


def test_composites_at_full_size_are_those_of_the_released_code(golden, book):
    for column, label in enumerate(golden["classes"].tolist()):
        number = len(golden["landmarks"])
        maps, _ = render(golden["landmarks"], [label] * number, square(number), book, size=224)
        off = np.abs(maps - golden["composite"][:, column] / 255.0)
        assert off.max() < 0.01
        assert off.mean() < 0.003


def test_action_units_are_those_of_the_released_code(golden, book):
    assert {str(au) for au in golden["facs_numbers"]} == set(book.regions)
    for column, au in enumerate(golden["facs_numbers"].tolist()):
        maps, seen = au_maps(golden["landmarks"], book, str(au)), drawn(golden["landmarks"], book, str(au))
        np.testing.assert_array_equal(seen, golden["au_drawn"][:, column], err_msg=f"AU {au}")
        np.testing.assert_allclose(maps, golden["au_maps"][:, column] / 255.0, atol=0.003, err_msg=f"AU {au}")


SIZES = [(48, 48), (64, 96), (100, 100), (224, 224), (256, 300), (480, 360), (1024, 1024)]


def cosines_with_slow_renderer(golden, book, height, width, shift):
    rng = np.random.default_rng([height, width])
    scores = []
    for label in EXPRESSIONS * (2 if height > 500 else 6):
        face = plausible(golden, rng, height, width, shift)
        slow = SLOW.render(face, label, height, width, book)
        (fast,), (has_map,) = render(face[None], [label], np.array([[height, width]]), book)
        assert has_map == (slow is not None)
        if has_map:
            scores.append(cosine(enlarged(fast, height, width), slow))
    return scores


@pytest.mark.parametrize("shift", [0, 0.5])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_agrees_with_a_slow_renderer(golden, book, height, width, shift):
    """Faces inside the frame, and faces half outside."""
    scores = cosines_with_slow_renderer(golden, book, height, width, shift)
    assert min(scores) >= 0.998
    assert np.mean(scores) >= 0.9995


def test_is_the_slow_renderer_at_full_size(golden, book, rng):
    for label in EXPRESSIONS:
        face = plausible(golden, rng, 200, 240, 0.4)
        (fast,), _ = render(face[None], [label], np.array([[200, 240]]), book, size=240)
        slow = SLOW.render(face, label, 200, 240, book)
        assert cosine(fast, cv2.resize(slow, (240, 240), interpolation=cv2.INTER_LINEAR)) > 0.9998


@pytest.mark.parametrize("shift", [(0, 0), (-400, 0), (400, 0), (0, -400), (0, 400)])
def test_what_is_outside_the_frame_is_not_drawn(golden, book, shift):
    face = golden["landmarks"][:1].astype(float) + shift
    for au in sorted(set(book.regions) - {"14"}):  # 14 is moved inside
        assert drawn(face, book, au).tolist() == [au_maps(face, book, au).any()] == [shift == (0, 0)], f"AU {au}"


def test_a_region_that_touches_the_frame_is_drawn(golden, book):
    face = golden["landmarks"][:1].astype(float)
    face[0, 54] = -500
    for beside, expected in [(20, True), (21, False)]:
        for corner in [(-beside, 100), (100, -beside), (223 + beside, 100), (100, 223 + beside)]:
            face[0, 48] = corner
            assert drawn(face, book, "12").tolist() == [expected], corner  # radius 20


@pytest.mark.parametrize("shift", [(0, 0), (-70, 0), (70, 0), (-100, -30), (-230, 0), (220, 20)])
def test_dimpler_is_moved_inside_sideways(golden, book, shift):
    check_dimpler(golden, book, shift)


def test_dimpler_below_the_frame_stays_there(golden, book):
    check_dimpler(golden, book, (0, 232 - golden["landmarks"][0, 48, 1]))


def check_dimpler(golden, book, shift):
    face = golden["landmarks"][:1] + np.float32(shift)
    (x48, y48), (x54, y54) = face[0, [48, 54]].astype(int).tolist()
    canvas = np.zeros((224, 224), np.float32)
    for centre in [(max(x48 - 20, 0), y48), (min(x54 + 20, 224), y54)]:
        cv2.ellipse(canvas, centre, (20, 20), 0, 0, 360, 1, -1)
    (ours,) = au_maps(face, book, "14")
    assert cosine(ours, cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_LINEAR)) > 0.99


def test_one_visible_action_unit_is_enough_for_a_map(golden, book):
    face = golden["landmarks"][:1] + np.float32([0, 180])  # only the brows are left
    (brows_only,), has_map = render(face, ["sadness"], square(1), book)
    assert has_map
    assert brows_only[:10].max() == 0
    assert brows_only.max() == 1


@pytest.mark.parametrize("label", ["neutral", "anger"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e6])
def test_faces_without_a_map_say_so(golden, book, label, bad):
    faces = golden["landmarks"][[0, 0, 0]].copy()
    faces[1, 30, 1] = bad  # a landmark without a region: the face is unusable all the same
    if bad == 1e6:
        faces[1] = bad
    maps, has_map = render(faces, [label] * 3, square(3), book)
    assert has_map.tolist() == [label == "anger", False, label == "anger"]
    assert not maps[~has_map].any()
    np.testing.assert_array_equal(maps[0], maps[2])


def test_values_range_from_zero_to_exactly_one(golden, book, rng):
    faces = np.stack([plausible(golden, rng, 224, 224, 0.4) for _ in range(120)])
    maps, has_map = render(faces, EXPRESSIONS * 20, square(120), book)
    assert maps.shape == (120, 28, 28)
    assert maps.dtype == np.float32
    assert has_map.mean() > 0.9
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), has_map)
    np.testing.assert_array_equal(maps.min(axis=(1, 2)), 0)


@pytest.mark.parametrize("size", [7, 14, 20, 28, 31, 56, 112])
def test_any_size_shows_the_same_regions(golden, book, size):
    labels = EXPRESSIONS * 2
    faces = golden["landmarks"].repeat(6, axis=0)
    expected, _ = render(faces, labels, square(12), book)
    maps, _ = render(faces, labels, square(12), book, size)
    assert maps.shape == (12, size, size)
    for one, other in zip(maps, expected, strict=True):
        assert cosine(enlarged(one, 224, 224), enlarged(other, 224, 224)) > 0.85


def test_x_runs_along_columns_and_y_along_rows(golden, book):
    (sadness,), _ = render(golden["landmarks"][:1], ["sadness"], square(1), book)
    mouth_corner, brow = golden["landmarks"][0, 48], golden["landmarks"][0, 20]
    for x, y in (mouth_corner, brow):
        assert sadness[int(y // 8), int(x // 8)] > 0.9
    wide, _ = render(golden["landmarks"][:1] * [2, 1], ["sadness"], np.array([[224, 448]]), book)
    assert cosine(wide, sadness) > 0.9  # (height, width), in this order


def test_a_map_depends_on_its_own_face_alone(golden, book, rng, monkeypatch):
    faces = np.stack([plausible(golden, rng, 224, 224, 0.6) for _ in range(40)])
    faces[7] = np.nan
    labels, sizes = np.array([*EXPRESSIONS, "neutral"] * 6)[:40], rng.integers(150, 400, (40, 2))
    maps, has_map = render(faces, labels, sizes, book)
    order = rng.permutation(40)
    monkeypatch.setattr(rendering, "BATCH_POINTS", 3 * 56**2)
    shuffled, shuffled_has_map = render(faces[order], labels[order], sizes[order], book)
    np.testing.assert_array_equal(shuffled, maps[order])
    np.testing.assert_array_equal(shuffled_has_map, has_map[order])
    for row in range(0, 40, 7):
        np.testing.assert_array_equal(render(faces[[row]], labels[[row]], sizes[[row]], book)[0][0], maps[row])


def test_no_faces_make_no_maps(book):
    maps, has_map = render(np.zeros((0, 68, 2)), [], np.zeros((0, 2)), book)
    assert maps.shape == (0, 28, 28)
    assert has_map.shape == (0,)


def test_inputs_are_not_written_to(golden, book):
    faces, sizes = golden["landmarks"].astype(float), square(2).astype(float)
    before = faces.copy(), sizes.copy()
    render(faces, ["fear", "anger"], sizes, book)
    np.testing.assert_array_equal(faces, before[0])
    np.testing.assert_array_equal(sizes, before[1])


def test_unknown_expression_is_named(golden, book):
    with pytest.raises(InputError, match="codebook belharbi2024 has no expression contempt, envy: add it there"):
        render(golden["landmarks"], ["envy", "contempt"], square(2), book)
    with pytest.raises(InputError, match=r"has no expression Hapiness \(but happiness\), contempt: add it there"):
        render(golden["landmarks"], ["contempt", "Hapiness"], square(2), book)


@pytest.mark.parametrize(
    ("shape", "labels", "sizes"),
    [((2, 51, 2), 2, (2, 2)), ((2, 68, 3), 2, (2, 2)), ((68, 2), 1, (1, 2)), ((2, 68, 2), 1, (2, 2)), ((2, 68, 2), 2, (2,))],
)
def test_arrays_that_do_not_fit_together_are_named(book, shape, labels, sizes):
    with pytest.raises(ValueError, match=r"must be \(N, 68, 2\), \(N,\), \(N, 2\)"):
        render(np.ones(shape), ["anger"] * labels, np.ones(sizes), book)


# A codebook that is measured on the face


@pytest.fixture(scope="module")
def facs():
    return codebooks.load("facs")


def similar(faces, angle=0.0, scale=1.0, shift=(0, 0), frame=224):
    """Faces turned and scaled about the middle of the frame, and moved."""
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = (frame - 1) / 2
    return (faces - middle) @ turn + middle + shift


def flipped(faces, width=224):
    mirrored = faces[:, list(MIRRORED)].astype(float)
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def other_side(cues):
    sides = str.maketrans("RL", "LR")
    return [cue.model_copy(update={"au": cue.au.translate(sides)}) for cue in cues]


@pytest.mark.parametrize("size", [28, 45])
@pytest.mark.parametrize("name", ["facs", "landmarks68"])
def test_mirrored_landmarks_give_the_mirrored_map(golden, rng, name, size):
    book = codebooks.load(name)
    faces = np.stack([plausible(golden, rng, 224, 224, 0.3) for _ in range(30)])
    for cues in book.cues.values():
        maps, has_map = render_cues(faces, square(30), cues, book, size)
        other, other_has_map = render_cues(flipped(faces), square(30), other_side(cues), book, size)
        np.testing.assert_array_equal(has_map, other_has_map)
        np.testing.assert_allclose(other, maps[:, :, ::-1], atol=1e-6)


def test_the_paper_s_codebook_is_not_symmetric(golden, book):
    maps, _ = render(golden["landmarks"], ["anger"] * len(golden["landmarks"]), square(len(golden["landmarks"])), book)
    other, _ = render(flipped(golden["landmarks"]), ["anger"] * len(maps), square(len(maps)), book)
    assert cosine(other, maps[:, :, ::-1]) < 0.98


def test_face_units_scale_with_the_face(golden, facs):
    """Twice the face in twice the frame is the same map; pixels would not do so."""
    faces, labels = golden["landmarks"].repeat(6, axis=0).astype(float), EXPRESSIONS * len(golden["landmarks"])
    maps, _ = render(faces, labels, square(len(labels)), facs)
    large, _ = render((faces + 0.5) * 3 - 0.5, labels, square(len(labels), 672), facs)
    np.testing.assert_allclose(large, maps, atol=1e-4)


def test_face_units_do_not_mind_where_the_face_is(golden, facs):
    """A shift by whole cells shifts the map; a smaller face has smaller regions."""
    faces = similar(golden["landmarks"].astype(float), scale=0.6)
    labels = ["happiness"] * len(faces)
    maps, _ = render(faces, labels, square(len(faces)), facs)
    moved, _ = render(faces + np.array([16, -24]), labels, square(len(faces)), facs)
    np.testing.assert_allclose(moved[:, :-3, 2:], maps[:, 3:, :-2], atol=1e-4)
    smaller, _ = render(similar(golden["landmarks"], scale=0.3), labels, square(len(faces)), facs, size=112)
    areas = smaller.sum() / render(faces, labels, square(len(faces)), facs, size=112)[0].sum()
    assert 0.22 < areas < 0.31  # a quarter, and a soft edge of at least a cell


def test_regions_turn_with_the_face(golden, facs):
    faces = similar(golden["landmarks"].astype(float), scale=0.7)
    for label in EXPRESSIONS:
        (upright,), _ = render(faces[:1], [label], square(1), facs, size=112)
        (turned,), _ = render(similar(faces[:1], angle=0.5), [label], square(1), facs, size=112)
        back = cv2.getRotationMatrix2D((55.5, 55.5), np.degrees(-0.5), 1)
        expected = cv2.warpAffine(upright, back, (112, 112))
        assert (
            max(
                cosine(turned, expected),
                cosine(turned, cv2.warpAffine(upright, cv2.invertAffineTransform(back), (112, 112))),
            )
            > 0.995
        )


@pytest.mark.parametrize("name", ["belharbi2024", "facs", "landmarks68"])
@pytest.mark.parametrize("spread", [0, 1, 30, 300, 3e4, 1e9])
def test_whatever_the_landmarks_a_map_is_a_map(rng, name, spread):
    """Even of landmarks that are no face: values in [0, 1] that reach 1, or none at all.

    And the same whatever other faces are in the batch.
    """
    book = codebooks.load(name)
    faces = 112 + spread * rng.normal(0, 1, (60, 68, 2))
    labels = rng.choice(list(book.cues), 60)
    sizes = rng.integers(20, 400, (60, 2))
    maps, has_map = render(faces, labels, sizes, book)
    assert np.isfinite(maps).all()
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), has_map)
    assert maps.min() == 0
    row = int(rng.integers(60))
    alone, _ = render(faces[[row]], labels[[row]], sizes[[row]], book)
    np.testing.assert_array_equal(alone[0], maps[row])


# Maps of other cues


def test_weights_weigh(golden, book, facs):
    face = golden["landmarks"][:1].astype(float)
    for combine in ("max", "sum"):
        weighed = replace(facs, render=facs.render.model_copy(update={"combine": combine}))
        (both,), _ = render_cues(face, square(1), [ExpressionAU(au="12"), ExpressionAU(au="4", weight=0.5)], weighed)
        (brow,), _ = render_cues(face, square(1), [ExpressionAU(au="4")], weighed)
        (mouth,), _ = render_cues(face, square(1), [ExpressionAU(au="12")], weighed)
        assert both.max() == 1
        np.testing.assert_allclose(both, np.maximum(mouth, 0.5 * brow), atol=1e-6)


def test_weights_weigh_whole_pixels(golden, book):
    face = golden["landmarks"][:1].astype(float)
    (both,), _ = render_cues(face, square(1), [ExpressionAU(au="12"), ExpressionAU(au="4", weight=0.3)], book)
    (brow,), _ = render_cues(face, square(1), [ExpressionAU(au="4")], book)
    (mouth,), _ = render_cues(face, square(1), [ExpressionAU(au="12")], book)
    np.testing.assert_allclose(both, np.maximum(mouth, np.float32(0.3) * brow), atol=1e-6)


@pytest.mark.parametrize("size", [14, 28, 56])
def test_map_that_covers_the_whole_frame_is_none_whatever_its_weight(golden, facs, size):
    everywhere = Ellipse.model_validate({"centre": [30], "rx": {"px": 2000}, "ry": {"px": 2000}})
    covered = replace(facs, regions={**facs.regions, "4": (everywhere,)}, render=Render(combine="max", cells=28, soften=7))
    (map_,), (has_map,) = render_cues(golden["landmarks"][:1], square(1), [ExpressionAU(au="4", weight=0.7)], covered, size)
    assert not has_map
    assert not map_.any()


def test_the_order_of_shapes_does_not_matter_to_a_sum(golden, facs):
    shapes = [Ellipse.model_validate({"centre": [30], "rx": {"px": r}, "ry": {"px": 31 - r / 3}}) for r in (23, 37, 51, 64)]
    cues = [ExpressionAU(au="1", weight=0.3), ExpressionAU(au="2", weight=0.7)]
    maps = []
    for one, two in [(shapes, shapes[::-1]), (shapes[::-1], shapes), (shapes[2:] + shapes[:2], shapes)]:
        book = replace(facs, regions={"1": tuple(one), "2": tuple(two)}, render=Render(combine="sum", edge=Length(px=40)))
        maps.append(render_cues(golden["landmarks"], square(len(golden["landmarks"])), cues, book)[0].tobytes())
    assert len(set(maps)) == 1


def test_sum_adds_where_regions_overlap(golden, facs):
    face = golden["landmarks"][:1].astype(float)
    added = replace(facs, render=facs.render.model_copy(update={"combine": "sum"}))
    (twice,), _ = render_cues(face, square(1), [ExpressionAU(au="23"), ExpressionAU(au="24"), ExpressionAU(au="12")], added)
    (lips,), _ = render_cues(face, square(1), [ExpressionAU(au="23")], added)
    assert twice[lips > 0.99].min() > 0.6
    only_corner = (twice > 0) & (lips == 0)
    assert twice[only_corner].max() < 0.5


@pytest.mark.parametrize("width", [1, 3, 5, 9])
@pytest.mark.parametrize("radius", [20, 80])
def test_softening_is_the_box_blur_of_opencv(golden, book, width, radius):
    face = golden["landmarks"][:1]
    disc = Ellipse.model_validate({"centre": [48], "rx": {"px": radius}, "ry": {"px": radius}})
    maps = []
    for soften in (1, width):
        blurred = replace(book, regions={"12": (disc,)}, render=book.render.model_copy(update={"soften": soften}))
        maps += list(render_cues(face, square(1), [ExpressionAU(au="12")], blurred)[0])
    blurred = cv2.blur(maps[0], (width, width), borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(maps[1], (blurred - blurred.min()) / np.ptp(blurred), atol=1e-5)


def test_cells_bound_the_detail_of_any_codebook(golden, facs):
    coarse = replace(facs, render=facs.render.model_copy(update={"cells": 7}))
    face = golden["landmarks"][:1]
    (small,), _ = render(face, ["anger"], square(1), coarse, size=7)
    (large,), _ = render(face, ["anger"], square(1), coarse, size=56)
    assert cosine(large, enlarged(small, 56, 56)) > 0.98  # of an action unit alone it is 1


def test_edges_are_at_least_a_cell_wide(golden, facs):
    """Sharper ones would come and go between the cells as a face moves."""
    sharp = replace(facs, render=facs.render.model_copy(update={"edge": None}))
    faces = similar(golden["landmarks"][:1], scale=0.5) + np.linspace(0, 8, 33)[:, None, None]
    maps, _ = render(faces, ["happiness"] * 33, square(33), sharp)
    assert np.abs(np.diff(maps, axis=0)).max() < 0.35


def test_one_side_is_half_of_both(golden, facs):
    face = golden["landmarks"][:1].astype(float)
    (both,), _ = render_cues(face, square(1), [ExpressionAU(au="6")], facs)
    (right,), (left,) = (render_cues(face, square(1), [ExpressionAU(au=key)], facs)[0] for key in ("6R", "6L"))
    np.testing.assert_allclose(both, np.maximum(right, left), atol=1e-6)
    assert right[:, 14:].sum() < 0.1 * right.sum()  # the subject's right is at the image's left
    assert left[:, :14].sum() < 0.1 * left.sum()


def test_gaussians_peak_at_their_landmarks(golden):
    book = codebooks.load("landmarks68")
    face = golden["landmarks"][0].astype(float)
    (whole,), _ = render(face[None], ["neutral"], square(1), book, size=224)
    for x, y in np.rint(face[(face < 223).all(axis=1)]).astype(int):
        assert whole[y, x] > 0.9
    far = np.array([[abs(face - (x, y)).max(axis=1).min() for x in range(0, 224, 9)] for y in range(0, 224, 9)])
    assert whole[::9, ::9][far > 30].max() == 0


@pytest.mark.parametrize("name", ["belharbi2024", "facs", "landmarks68"])
def test_every_expression_and_action_unit_of_a_shipped_codebook_is_drawn(golden, name):
    book = codebooks.load(name)
    face = golden["landmarks"][:1].astype(float)
    for cues in [*filter(None, book.cues.values()), *([ExpressionAU(au=key)] for key in book.regions)]:
        (map_,), (has_map,) = render_cues(face, square(1), cues, book)
        assert has_map
        assert (map_.min(), map_.max()) == (0, 1)
        assert 0.004 < (map_ > 0.5).mean() < 0.5


def test_frames_beyond_the_limit_are_named(golden, book):
    with pytest.raises(ValueError, match="sizes must be from 1 to 32767 pixels"):
        render(golden["landmarks"][:1], ["anger"], square(1, 40000), book)
