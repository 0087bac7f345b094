import multiprocessing
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pipeline.runtime.errors import InputError
from pipeline.shards import ShardError, ShardSet, ShardWriter, open_files
from pipeline.shards.files import STRING_COLUMNS
from pipeline.shards.shard_file import ShardFile


def test_everything_comes_back(folder, faces):
    shards = ShardSet(folder, "faces")
    one, two = faces(0, 6), faces(6, 4)
    assert len(shards) == 10
    assert [shard.rows for shard in shards.shards] == [6, 4]
    for name in STRING_COLUMNS:
        assert shards.column(name).tolist() == one[name] + two[name]
        assert shards.shard(1, [name])[name].tolist() == two[name]
    np.testing.assert_array_equal(shards.column("landmarks"), np.concatenate([one["landmarks"], two["landmarks"]]))
    assert shards.column("landmarks").dtype == np.float32
    for row in (0, 5, 6, 9):
        np.testing.assert_array_equal(shards.row("landmarks", row), shards.column("landmarks")[row])


def test_crops_come_back_in_rgb(tmp_path, faces, write, provenance):
    side = provenance["crop_size"]
    columns = faces(0, 1)
    red = np.zeros((side, side, 3), np.uint8)
    red[:, :, 2] = 255  # OpenCV's order
    encoded = cv2.imencode(".jpg", red)[1]
    columns |= {"crop_bytes": encoded, "crop_offsets": np.array([0, len(encoded)])}
    crop = ShardSet(write(tmp_path, columns), "faces").crop(0)
    assert crop.shape == (side, side, 3)
    assert crop.dtype == np.uint8
    np.testing.assert_allclose(crop.mean(axis=(0, 1)), [254, 0, 0], atol=3)


def test_every_row_has_its_own_crop(folder):
    shards = ShardSet(folder, "faces")
    for row in (0, 1, 3, 4, 6, 7, 9):
        assert abs(shards.crop(row).mean() - row * 10) < 2
    for row, file, local in [(2, "00000.h5", 2), (8, "00001.h5", 2)]:
        with pytest.raises(InputError, match=rf"{file} row {local} holds no crop"):
            shards.crop(row)


@pytest.mark.parametrize("row", [10, 1000, -1])
def test_row_beyond_the_set_is_an_error(folder, row):
    with pytest.raises((IndexError, InputError)):
        ShardSet(folder, "faces").row("landmarks", row)


def test_maps_come_back(tmp_path, rng):
    maps, has_map = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8), np.array([True, False, True, True, False])
    with ShardWriter(tmp_path, "heatmaps", {}) as writer:
        writer.write({"maps": maps, "has_map": has_map}, 5)
    shards = ShardSet(tmp_path, "heatmaps")
    np.testing.assert_array_equal(shards.column("maps"), maps)
    np.testing.assert_array_equal(shards.column("has_map"), has_map)
    assert shards.column("has_map").dtype == bool


def test_digest_names_the_content(folder, tmp_path, faces, write, provenance):
    digest = ShardSet(folder, "faces").digest()
    assert digest == ShardSet(write(tmp_path / "same", faces(0, 6), faces(6, 4)), "faces").digest()
    changed = faces(6, 4)
    changed["label"][3] = "other"
    others = [
        write(tmp_path / "label", faces(0, 6), changed),
        write(tmp_path / "order", faces(6, 4), faces(0, 6)),
        write(tmp_path / "fewer", faces(0, 6)),
        write(tmp_path / "stamp", faces(0, 6), faces(6, 4), provenance={**provenance, "crop_size": 17}),
    ]
    assert len({digest, *(ShardSet(other, "faces").digest() for other in others)}) == 5


def test_pickle_carries_no_open_file(folder):
    shards = ShardSet(folder, "faces")
    shards.crop(0)
    copy = pickle.loads(pickle.dumps(shards))
    np.testing.assert_array_equal(copy.crop(7), shards.crop(7))
    assert len(copy) == 10


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_opened_set_is_usable_in_another_process(folder, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    shards = ShardSet(folder, "faces")
    expected = [shards.crop(row) for row in (0, 7)]
    with multiprocessing.get_context(method).Pool(1) as pool:
        theirs = pool.map(shards.crop, (0, 7))
    np.testing.assert_array_equal(theirs, expected)
    np.testing.assert_array_equal(shards.crop(0), expected[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_opens_files_of_its_own(folder):
    shards = ShardSet(folder, "faces")
    expected = shards.crop(3)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(shards.crop(3), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(shards.crop(3), expected)


def opened_in(folder):
    """The files of a folder that this process has open."""
    return {file.path for file in psutil.Process().open_files() if Path(file.path).parent == folder.resolve()}


def test_rows_are_checked_beforehand_and_not_again(folder, monkeypatch):
    shards = ShardSet(folder, "faces")
    shards.check(["crop_offsets", "crop_bytes", "landmarks"], np.arange(10))
    copies = pickle.loads(pickle.dumps(shards)), shards
    expected = [ShardSet(folder, "faces").crop(row) for row in (0, 7)]
    for name in ("find", "column", "check"):
        monkeypatch.setattr(ShardFile, name, None)
    for copy in copies:
        np.testing.assert_array_equal([copy.crop(row) for row in (0, 7)], expected)
        assert copy.row("landmarks", 9).shape == (68, 2)


def test_only_the_shards_of_the_rows_are_checked(folder):
    shards = ShardSet(folder, "faces")
    (folder / "00001.h5").write_bytes(b"")
    shards.check(["crop_offsets", "crop_bytes"], np.arange(6))
    with pytest.raises(ShardError, match=r"00001\.h5 cannot be opened as HDF5"):
        shards.check(["crop_offsets", "crop_bytes"], np.arange(7))


def test_processes_share_the_comparison_of_digests_but_each_knows_every_form(tmp_path, faces, write, monkeypatch):
    folder = write(tmp_path, *(faces(start, 3) for start in (0, 3, 6, 9)))
    compared, check = [], ShardFile.check
    monkeypatch.setattr(
        ShardFile, "check", lambda file, stream, name: compared.append(file.path.name) or check(file, stream, name)
    )
    parts = []
    for part in range(3):
        shards = ShardSet(folder, "faces")
        shards.check(["crop_offsets", "crop_bytes"], np.arange(12), part, 3)
        parts.append(sorted(compared))
        compared.clear()
        assert [abs(shards.crop(row).mean() - row * 10) < 2 for row in (0, 3, 6, 9)] == [True] * 4
        assert not compared
    assert parts == [["00000.h5", "00003.h5"], ["00001.h5"], ["00002.h5"]]


def test_columns_that_are_asked_for_again_are_read_once(folder):
    shards = ShardSet(folder, "faces")
    labels = shards.column("label")
    for file in folder.glob("*.h5"):
        file.unlink()
    assert shards.column("label").tolist() == labels.tolist()
    assert labels.tobytes() not in pickle.dumps(shards)  # processes that read rows need no columns


def test_few_files_are_open_at_a_time(tmp_path, monkeypatch, faces, write):
    monkeypatch.setattr(open_files, "most_open", lambda: 3)
    folder = write(tmp_path, *(faces(start, 1) for start in (0, 1, 3, 4, 6)))
    shards = ShardSet(folder, "faces")
    for row in (0, 4, 1, 2, 3, 0, 2, 4):
        assert abs(shards.crop(row).mean() - [0, 10, 30, 40, 60][row]) < 2
        assert len(opened_in(folder)) <= 3
    shards.column("id")
    assert len(opened_in(folder)) == 3
