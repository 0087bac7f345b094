import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.bench.heatmaps import random_faces
from pipeline.codebook import renderer as rendering
from pipeline.codebook.mirror import MIRRORED
from pipeline.heatmaps import stage as heatmaps
from pipeline.heatmaps.stage import render
from pipeline.runtime.errors import InputError
from pipeline.runtime.parameters import Heatmaps
from pipeline.shards import ShardSet, ShardWriter

EXPRESSIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]


def test_stage_writes_what_render_draws(dataset, book):
    faces, maps = ShardSet(dataset.faces, "faces"), ShardSet(dataset.heatmaps, "heatmaps")
    assert [shard.rows for shard in maps.shards] == [shard.rows for shard in faces.shards]
    drawn, labels = maps.column("maps"), faces.column("label")
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(maps.column("has_map"), (labels != "neutral") & (faces.column("status") == "ok"))
    frame = (faces.column("landmarks") + 0.5) * (224 / 256) - 0.5
    expected, _ = render(frame, labels, np.full((len(faces), 2), 224), book)
    np.testing.assert_array_equal(drawn, np.rint(expected * 255))


def test_stage_stamps_what_the_maps_were_made_from(dataset, book):
    stamp = ShardSet(dataset.heatmaps, "heatmaps").provenance
    assert stamp["codebook"] == "belharbi2024"
    assert stamp["codebook_sha256"] == book.digest()
    assert stamp["faces_sha256"] == ShardSet(dataset.faces, "faces").digest()
    assert stamp["size"] == 28


def test_stage_counts_rows_with_and_without_a_map(dataset, params, tmp_path):
    _, counts = heatmaps.main(params=params.heatmaps, faces_dir=dataset.faces, heatmaps_dir=tmp_path / "again")
    assert counts == {"with a map": 84, "without: neutral has no action units": 14}


def write_faces(folder, landmarks, labels, statuses, crop_size=256, shard=1000):
    with ShardWriter(folder, "faces", {"crop_size": crop_size}) as writer:
        for start in range(0, len(labels), shard):
            part = slice(start, start + shard)
            write_shard(writer, landmarks[part], labels[part], statuses[part])


def write_shard(writer, landmarks, labels, statuses):
    rows = len(labels)
    columns = {name: [""] * rows for name in ("split", "subject", "reason", "aus")}
    columns |= {"id": [str(row) for row in range(rows)], "label": labels, "status": statuses}
    columns |= {"key": np.zeros((rows, 32), np.uint8), "landmarks": np.asarray(landmarks, np.float32)}
    columns |= {"crop_offsets": np.zeros(rows + 1, np.int64), "crop_bytes": np.zeros(0, np.uint8)}
    writer.write(columns, rows)


def test_codebook_that_no_longer_means_what_dvc_compared_is_refused(dataset, params, tmp_path):
    meaning = tmp_path / "codebook.json"
    meaning.write_text(codebooks.load("facs").to_json())
    out = tmp_path / "maps"
    with pytest.raises(InputError, match=r"codebook\.json is not what codebook belharbi2024 means: run `dvc repro`"):
        heatmaps.main(params=params.heatmaps, faces_dir=dataset.faces, heatmaps_dir=out, meaning_path=meaning)
    assert not out.exists()
    heatmaps.main(
        params=params.heatmaps.model_copy(update={"codebook": "facs"}),
        faces_dir=dataset.faces,
        heatmaps_dir=out,
        meaning_path=meaning,
    )


def test_finished_shards_are_taken_up_again(golden, params, tmp_path, monkeypatch):
    write_faces(
        tmp_path / "faces",
        golden["landmarks"].repeat(3, axis=0),
        ["fear"] * 3 * len(golden["landmarks"]),
        ["ok"] * 3 * len(golden["landmarks"]),
        shard=4,
    )
    _, counts = heatmaps.main(
        params=params.heatmaps, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps", cache_dir=tmp_path / "cache"
    )
    monkeypatch.setattr(heatmaps, "render", None)  # would fail
    _, again = heatmaps.main(
        params=params.heatmaps,
        faces_dir=tmp_path / "faces",
        heatmaps_dir=tmp_path / "again",
        workers=2,
        cache_dir=tmp_path / "cache",
    )
    assert counts == again
    for file in (tmp_path / "maps").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_rows_that_failed_have_no_map(golden, params, tmp_path):
    face, outside = golden["landmarks"][0], golden["landmarks"][0] + 900
    landmarks = [face, np.zeros((68, 2)), face, outside, np.zeros((68, 2))]
    labels = ["anger", "anger", "neutral", "anger", "contempt"]
    write_faces(tmp_path / "faces", landmarks, labels, ["ok", "no_face", "ok", "ok", "excluded"])
    _, counts = heatmaps.main(params=params.heatmaps, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps")
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
        landmarks = (golden["landmarks"][[0] * 6] + 0.5) * (crop_size / 224) - 0.5
        folder = tmp_path / str(crop_size)
        write_faces(folder / "faces", landmarks, EXPRESSIONS, ["ok"] * 6, crop_size)
        heatmaps.main(params=params.heatmaps, faces_dir=folder / "faces", heatmaps_dir=folder / "maps")
        drawn.append(ShardSet(folder / "maps", "heatmaps").column("maps"))
    np.testing.assert_array_equal(*drawn)


def test_stage_refuses_a_label_that_the_codebook_lacks(golden, params, tmp_path):
    write_faces(tmp_path / "faces", golden["landmarks"][:1], ["envy"], ["ok"])
    with pytest.raises(InputError, match="no expression envy"):
        heatmaps.main(params=params.heatmaps, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps")
    with pytest.raises(InputError, match="not a complete set of heatmaps"):
        ShardSet(tmp_path / "maps", "heatmaps")


@pytest.mark.parametrize("per_class", [False, True])
def test_refusal_leaves_the_earlier_heatmaps(golden, params, tmp_path, per_class):
    write_faces(tmp_path / "faces", golden["landmarks"][:1], ["anger"], ["ok"])
    heatmaps.main(params=params.heatmaps, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps")
    before = {path.name: path.read_bytes() for path in (tmp_path / "maps").iterdir()}
    write_faces(tmp_path / "faces", golden["landmarks"][:1], ["envy"], ["ok"])
    with pytest.raises(InputError, match="no expression envy"):
        heatmaps.main(
            params=params.heatmaps.model_copy(update={"per_class": per_class}),
            faces_dir=tmp_path / "faces",
            heatmaps_dir=tmp_path / "maps",
        )
    assert {path.name: path.read_bytes() for path in (tmp_path / "maps").iterdir()} == before


@pytest.mark.parametrize("crop_size", [64, 256, 512])
def test_stage_mirrors_what_is_mirrored(params, tmp_path, rng, crop_size):
    faces = random_faces(50, rng) * crop_size
    mirrored = faces[:, list(MIRRORED)]
    mirrored[..., 0] = crop_size - 1 - mirrored[..., 0]
    drawn = []
    for name, landmarks in (("one", faces), ("two", mirrored)):
        write_faces(tmp_path / name, landmarks, ["fear"] * 50, ["ok"] * 50, crop_size)
        heatmaps.main(
            params=params.heatmaps.model_copy(update={"codebook": "facs"}),
            faces_dir=tmp_path / name,
            heatmaps_dir=tmp_path / f"{name}_maps",
        )
        drawn.append(ShardSet(tmp_path / f"{name}_maps", "heatmaps").column("maps").astype(int))
    assert np.abs(drawn[0] - drawn[1][:, :, ::-1]).max() <= 1


def test_stage_names_a_missing_codebook(dataset, tmp_path):
    with pytest.raises(InputError, match="no codebook 'none': give one of belharbi2024, facs, landmarks68, or the path"):
        heatmaps.main(
            params=Heatmaps(codebook="none", size=28, per_class=False), faces_dir=dataset.faces, heatmaps_dir=tmp_path
        )


def test_stage_renders_a_map_per_class(golden, params, tmp_path):
    write_faces(
        tmp_path / "faces",
        golden["landmarks"][[0, 1, 0]] * (256 / 224),
        ["anger", "neutral", "fear"],
        ["ok", "ok", "no_face"],
    )
    every = params.heatmaps.model_copy(update={"per_class": True})
    heatmaps.main(params=every, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps")
    maps = ShardSet(tmp_path / "maps", "class_heatmaps")
    assert maps.provenance["classes"] == EXPRESSIONS
    assert maps.column("has_map").tolist() == [[True] * 6, [True] * 6, [False] * 6]
    heatmaps.main(
        params=params.heatmaps, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "maps"
    )  # in the place of the others
    single = ShardSet(tmp_path / "maps", "heatmaps")
    heatmaps.main(params=every, faces_dir=tmp_path / "faces", heatmaps_dir=tmp_path / "again")
    np.testing.assert_array_equal(
        ShardSet(tmp_path / "again", "class_heatmaps").column("maps")[0, 0], single.column("maps")[0]
    )


def test_stage_writes_the_same_bytes_whatever_the_workers_and_chunks(params, tmp_path, rng, monkeypatch):
    labels = rng.choice([*EXPRESSIONS, "neutral"], 200).tolist()
    faces = 256 * random_faces(200, rng, shift=0.3)
    write_faces(tmp_path / "faces", faces, labels, ["ok"] * 200, shard=37)
    for codebook in ("belharbi2024", "facs"):
        block = params.heatmaps.model_copy(update={"codebook": codebook})
        written = []
        for workers, rows, points in [(1, 4096, 2**20), (3, 50, 2**20), (2, 1, 10_000)]:
            monkeypatch.setattr(heatmaps, "CELLS_PER_TASK", rows * 28**2)
            monkeypatch.setattr(rendering, "BATCH_POINTS", points)
            folder = tmp_path / f"{codebook}{workers}"
            heatmaps.main(params=block, faces_dir=tmp_path / "faces", heatmaps_dir=folder, workers=workers)
            written.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert len(written[0]) == 7
        assert written[0] == written[1] == written[2]


def test_stage_refuses_maps_larger_than_the_crops(golden, params, tmp_path):
    write_faces(tmp_path / "faces", golden["landmarks"][:1], ["anger"], ["ok"], crop_size=64)
    with pytest.raises(InputError, match=r"heatmaps\.size is 65, but the crops have 64 pixels: give 64 or less"):
        heatmaps.main(
            params=params.heatmaps.model_copy(update={"size": 65}),
            faces_dir=tmp_path / "faces",
            heatmaps_dir=tmp_path / "maps",
        )
