import cv2
import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline import heatmaps
from pipeline.errors import InputError
from pipeline.heatmaps import au_maps, render
from pipeline.params import Heatmaps
from pipeline.shards import ShardSet, ShardWriter

EXPRESSIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


@pytest.fixture(scope="module")
def book():
    return codebooks.load("belharbi2024")


@pytest.fixture(scope="module")
def golden(small_reference):
    return dict(np.load(small_reference / "heatmaps.npz"))


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


def released(landmarks, label, height, width, book):
    """The released renderer, step by step as it is described, with the codebook's regions: (height, width) or None."""
    points = np.trunc(landmarks)

    def pixels(length, axis):
        if length.half is not None:
            first, second = points[list(length.half), axis]
            half = int((second - first + length.plus) / 2)
            return int(length.otherwise) if half <= 0 and length.otherwise is not None else half
        if length.px is not None:
            return int(length.px)
        return round(length.width * width) if length.width is not None else round(length.height * height)

    drawn = []
    for au in book.expressions[label]:
        canvas = np.full((height, width), 1e-4, np.float32)
        for ellipse in book.regions[au].ellipses:
            x = int(points[list(ellipse.centre.x), 0].mean()) + pixels(ellipse.offset.x, 0)
            y = int(points[list(ellipse.centre.y), 1].mean()) + pixels(ellipse.offset.y, 1)
            if ellipse.inside:
                x, y = min(max(x, 0), width), min(max(y, 0), height)
            radii = pixels(ellipse.rx, 0), pixels(ellipse.ry, 1)
            if min(radii) >= 0:
                cv2.ellipse(canvas, (x, y), radii, 0, 0, 360, 255, -1)
        if canvas.max() < 1:
            continue
        shrunk = cv2.resize(canvas, (28, 28), interpolation=cv2.INTER_LINEAR)
        blurred = cv2.blur(shrunk, (3, 3), borderType=cv2.BORDER_REFLECT_101)
        drawn.append(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR))
    if not drawn:
        return None
    combined = np.max(drawn, axis=0)
    return (combined - combined.min()) / (combined.max() - combined.min()) if np.ptp(combined) > 1e-3 else None


def plausible(golden, rng, height, width, shift=0.0):
    """A golden face, turned, jittered and scaled into another frame, and moved by up to ``shift`` of it."""
    face = golden["landmarks"][rng.integers(len(golden["landmarks"]))]
    angle = rng.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    face = (face - 112) @ turn.T * rng.uniform(0.7, 1.1) + rng.normal(0, 2, (68, 2))
    return (face / 224 + 0.5 + rng.uniform(-shift, shift, 2)) * [width, height]


def test_composites_match_the_released_code(golden, book):
    scores = cosines_with(golden, book)
    assert scores.min() >= 0.998
    assert scores.mean() >= 0.999


def test_all_golden_composites_match_the_released_code(reference, book):
    golden = dict(np.load(reference / "golden" / "heatmaps.npz"))
    scores = cosines_with(golden, book)
    assert scores.shape == (12, 6)
    assert scores.min() >= 0.998
    assert scores.mean() >= 0.999


def test_action_units_match_the_released_code(golden, book):
    sizes = square(len(golden["landmarks"]))
    assert set(golden["facs_numbers"].tolist()) == set(book.regions)
    for column, au in enumerate(golden["facs_numbers"].tolist()):
        maps, drawn = au_maps(golden["landmarks"].astype(float), sizes, book.regions[au], whole_pixels=True)
        np.testing.assert_array_equal(drawn, golden["au_drawn"][:, column], err_msg=f"AU {au}")
        for ours, theirs in zip(maps, golden["au_maps"][:, column], strict=True):
            # A cell is the mean of 4 pixels; the edges of cv2's ellipse are a pixel off here and there.
            off = np.abs(ours - theirs / 255.0)
            assert off.max() <= 0.5, f"AU {au}"
            assert (off > 0.26).sum() <= 2, f"AU {au}"
            assert off.mean() < 0.01, f"AU {au}"


SIZES = [(48, 48), (64, 96), (100, 100), (224, 224), (256, 300), (480, 360), (1024, 1024)]


def cosines_with_slow_renderer(golden, book, height, width, shift):
    rng = np.random.default_rng([height, width])
    scores = []
    for label in EXPRESSIONS * (2 if height > 500 else 6):
        face = plausible(golden, rng, height, width, shift)
        slow = released(face, label, height, width, book)
        (fast,), (has_map,) = render(face[None], [label], np.array([[height, width]]), book)
        assert has_map == (slow is not None)
        if has_map:
            scores.append(cosine(enlarged(fast, height, width), slow))
    return scores


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_agrees_with_a_slow_renderer(golden, book, height, width):
    assert min(cosines_with_slow_renderer(golden, book, height, width, shift=0)) >= 0.995


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_agrees_with_a_slow_renderer_on_faces_half_outside(golden, book, height, width):
    """Where only a sliver of one region is left in the frame, one pixel of an ellipse's edge is a large share of it."""
    scores = cosines_with_slow_renderer(golden, book, height, width, shift=0.5)
    assert min(scores) >= 0.98
    assert np.mean(scores) >= 0.999


@pytest.mark.parametrize("shift", [(0, 0), (-400, 0), (400, 0), (0, -400), (0, 400)])
def test_what_is_outside_the_frame_is_not_drawn(golden, book, shift):
    face = golden["landmarks"][:1].astype(float) + shift
    for au in sorted(set(book.regions) - {14}):  # 14 is moved inside
        maps, drawn = au_maps(face, square(1), book.regions[au], whole_pixels=True)
        assert drawn.tolist() == [maps.any()] == [shift == (0, 0)], f"AU {au}"


def test_a_region_that_touches_the_frame_is_drawn(golden, book):
    face = golden["landmarks"][:1].astype(float)
    face[0, 54] = -500
    for beside, expected in [(20, True), (21, False)]:
        for corner in [(-beside, 100), (100, -beside), (223 + beside, 100), (100, 223 + beside)]:
            face[0, 48] = corner
            _, drawn = au_maps(face, square(1), book.regions[12], whole_pixels=True)  # radius 20
            assert drawn.tolist() == [expected], corner


@pytest.mark.parametrize("shift", [(0, 0), (-70, 0), (70, 0), (-100, -30)])
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
    (ours,), _ = au_maps(face, square(1), book.regions[14], whole_pixels=True)
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
    faces[1, 30, 1] = bad  # of no region: an unusable face all the same
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
    labels, sizes = np.array((EXPRESSIONS + ["neutral"]) * 6)[:40], rng.integers(150, 400, (40, 2))
    maps, has_map = render(faces, labels, sizes, book)
    order = rng.permutation(40)
    monkeypatch.setattr(heatmaps, "BATCH", 3)
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


@pytest.mark.parametrize(
    ("shape", "labels", "sizes"),
    [((2, 51, 2), 2, (2, 2)), ((2, 68, 3), 2, (2, 2)), ((68, 2), 1, (1, 2)), ((2, 68, 2), 1, (2, 2)), ((2, 68, 2), 2, (2,))],
)
def test_arrays_that_do_not_fit_together_are_named(book, shape, labels, sizes):
    with pytest.raises(ValueError, match=r"must be \(N, 68, 2\), \(N,\), \(N, 2\)"):
        render(np.ones(shape), ["anger"] * labels, np.ones(sizes), book)


# The stage


def test_stage_writes_what_render_draws(dataset, book):
    faces, maps = ShardSet(dataset.faces, "faces"), ShardSet(dataset.heatmaps, "heatmaps")
    assert [shard.rows for shard in maps.shards] == [shard.rows for shard in faces.shards]
    drawn, labels = maps.column("maps"), faces.column("label")
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(maps.column("has_map"), (labels != "neutral") & (faces.column("status") == "ok"))
    frame = faces.column("landmarks") * (224 / 256)
    expected, _ = render(frame, labels, square(len(faces)), book)
    np.testing.assert_array_equal(drawn, np.rint(expected * 255))


def test_stage_stamps_what_the_maps_were_made_from(dataset, book):
    stamp = ShardSet(dataset.heatmaps, "heatmaps").stamp
    assert stamp["codebook"] == "belharbi2024"
    assert stamp["codebook_sha256"] == book.digest()
    assert stamp["faces_sha256"] == ShardSet(dataset.faces, "faces").digest()
    assert stamp["size"] == 28


def test_stage_counts_rows_with_and_without_a_map(dataset, params, tmp_path):
    counts = heatmaps.main(params.heatmaps, dataset.faces, tmp_path / "again")
    assert counts == {"with a map": 84, "without: neutral has no action units": 14}


def write_faces(folder, landmarks, labels, statuses, crop_size=256):
    rows = len(labels)
    columns = {name: [""] * rows for name in ("split", "subject", "reason", "aus")}
    columns |= {"id": [str(row) for row in range(rows)], "label": labels, "status": statuses}
    columns |= {"landmarks": np.asarray(landmarks, np.float32)}
    columns |= {"crop_offsets": np.zeros(rows + 1, np.int64), "crop_bytes": np.zeros(0, np.uint8)}
    with ShardWriter(folder, "faces", {"crop_size": crop_size}) as writer:
        writer.write(columns, rows)


def test_rows_that_failed_have_no_map(golden, params, tmp_path):
    face, outside = golden["landmarks"][0], golden["landmarks"][0] + 900
    landmarks = [face, np.zeros((68, 2)), face, outside, np.zeros((68, 2))]
    labels = ["anger", "anger", "neutral", "anger", "contempt"]
    write_faces(tmp_path / "faces", landmarks, labels, ["ok", "no_face", "ok", "ok", "excluded"])
    counts = heatmaps.main(params.heatmaps, tmp_path / "faces", tmp_path / "maps")
    maps = ShardSet(tmp_path / "maps", "heatmaps")
    assert maps.column("has_map").tolist() == [True, False, False, False, False]
    assert maps.column("maps").max(axis=(1, 2)).tolist() == [255, 0, 0, 0, 0]
    assert counts == {
        "with a map": 1,
        "without: no_face": 1,
        "without: neutral has no action units": 1,
        "without: no region in the crop": 1,
        "without: excluded": 1,
    }


def test_maps_do_not_depend_on_the_resolution_of_the_crops(golden, params, tmp_path):
    drawn = []
    for crop_size in (256, 512):
        landmarks = golden["landmarks"][[0] * 6] * (crop_size / 224)
        folder = tmp_path / str(crop_size)
        write_faces(folder / "faces", landmarks, EXPRESSIONS, ["ok"] * 6, crop_size)
        heatmaps.main(params.heatmaps, folder / "faces", folder / "maps")
        drawn.append(ShardSet(folder / "maps", "heatmaps").column("maps"))
    np.testing.assert_array_equal(*drawn)


def test_stage_refuses_a_label_that_the_codebook_lacks(golden, params, tmp_path):
    write_faces(tmp_path / "faces", golden["landmarks"][:1], ["envy"], ["ok"])
    with pytest.raises(InputError, match="no expression envy"):
        heatmaps.main(params.heatmaps, tmp_path / "faces", tmp_path / "maps")
    with pytest.raises(InputError, match="not a complete set of heatmaps"):
        ShardSet(tmp_path / "maps", "heatmaps")


def test_stage_names_a_missing_codebook(dataset, tmp_path):
    with pytest.raises(InputError, match="no codebook 'none': give one of belharbi2024, or the path"):
        heatmaps.main(Heatmaps(codebook="none", size=28), dataset.faces, tmp_path)
