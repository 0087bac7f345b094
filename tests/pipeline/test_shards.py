import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time

import cv2
import h5py
import numpy as np
import pytest

from pipeline import shards as module
from pipeline.errors import InputError
from pipeline.shard_files import STRINGS
from pipeline.shards import ShardSet, ShardWriter

SIDE = 16
STAMP = {"stage": "landmarks", "crop_size": SIDE}
NAMES = ["plain", "größe/ñ", "顔 1", 'a,"b"\n', "🙂", ""]


def jpeg(value):
    return cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), value, np.uint8))[1].tobytes()


def faces(start=0, rows=6):
    """Columns of ``rows`` faces; every third row has no face."""
    numbers = range(start, start + rows)
    crops = [b"" if number % 3 == 2 else jpeg(number * 10) for number in numbers]
    columns = {name: [f"{name} {NAMES[number % 6]}" for number in numbers] for name in STRINGS}
    columns["id"] = [NAMES[number % 6] + str(number) for number in numbers]
    columns["status"] = ["ok" if crop else "no_face" for crop in crops]
    columns["reason"] = [""] * rows
    columns["key"] = np.full((rows, 32), start, np.uint8)
    columns["landmarks"] = np.arange(start * 136, (start + rows) * 136, dtype=np.float32).reshape(rows, 68, 2)
    columns["crop_offsets"] = np.cumsum([0, *map(len, crops)], dtype=np.int64)
    columns["crop_bytes"] = np.frombuffer(b"".join(crops), np.uint8)
    return columns


def write(folder, *shards, stamp=STAMP):
    with ShardWriter(folder, "faces", stamp) as writer:
        for columns in shards:
            writer.write(columns, len(columns["id"]))
    return folder


@pytest.fixture
def folder(tmp_path):
    """A set of two shards, 6 and 4 rows."""
    return write(tmp_path / "faces", faces(0, 6), faces(6, 4))


def test_everything_comes_back(folder):
    shards = ShardSet(folder, "faces")
    one, two = faces(0, 6), faces(6, 4)
    assert len(shards) == 10
    assert [shard.rows for shard in shards.shards] == [6, 4]
    for name in STRINGS:
        assert shards.column(name).tolist() == one[name] + two[name]
        assert shards.shard(1, [name])[name].tolist() == two[name]
    np.testing.assert_array_equal(shards.column("landmarks"), np.concatenate([one["landmarks"], two["landmarks"]]))
    assert shards.column("landmarks").dtype == np.float32
    for row in (0, 5, 6, 9):
        np.testing.assert_array_equal(shards.row("landmarks", row), shards.column("landmarks")[row])


def test_crops_come_back_in_rgb(tmp_path):
    columns = faces(0, 1)
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[:, :, 2] = 255  # OpenCV's order
    encoded = cv2.imencode(".jpg", red)[1]
    columns |= {"crop_bytes": encoded, "crop_offsets": np.array([0, len(encoded)])}
    crop = ShardSet(write(tmp_path, columns), "faces").crop(0)
    assert crop.shape == (SIDE, SIDE, 3)
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


def test_datasets_are_contiguous_and_unfiltered(folder):
    with h5py.File(folder / "00000.h5") as file:
        for data in file.values():
            assert data.chunks is None
            assert data.compression is None


def test_stamp_comes_back_with_the_version_of_the_code(folder):
    stamp = ShardSet(folder, "faces").stamp
    assert {key: stamp[key] for key in STAMP} == STAMP
    assert stamp["code"].startswith("aucue ")
    with h5py.File(folder / "00001.h5") as file:
        assert json.loads(file.attrs["stamp"]) == stamp


def test_same_input_same_bytes(folder, tmp_path):
    time.sleep(1.1)  # HDF5 keeps times in whole seconds
    again = write(tmp_path / "again", faces(0, 6), faces(6, 4))
    for name in ("00000.h5", "00001.h5", "index.json"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_digest_names_the_content(folder, tmp_path):
    digest = ShardSet(folder, "faces").digest()
    assert digest == ShardSet(write(tmp_path / "same", faces(0, 6), faces(6, 4)), "faces").digest()
    changed = faces(6, 4)
    changed["label"][3] = "other"
    others = [
        write(tmp_path / "label", faces(0, 6), changed),
        write(tmp_path / "order", faces(6, 4), faces(0, 6)),
        write(tmp_path / "fewer", faces(0, 6)),
        write(tmp_path / "stamp", faces(0, 6), faces(6, 4), stamp={**STAMP, "crop_size": 17}),
    ]
    assert len({digest, *(ShardSet(other, "faces").digest() for other in others)}) == 5


# Interrupted writers


def test_failed_writer_leaves_the_earlier_set(folder):
    def fail():
        with ShardWriter(folder, "faces", STAMP) as writer:
            writer.write(faces(), 6)
            raise RuntimeError("stop")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["faces"]


def test_set_without_an_index_is_not_complete(folder):
    (folder / "index.json").unlink()
    with pytest.raises(InputError, match=rf"{folder} is not a complete set of faces .*run `aucue landmarks` first"):
        ShardSet(folder, "faces")


def test_failed_shard_leaves_no_file(tmp_path):
    columns = faces()
    columns["landmarks"] = np.array([object()])
    with pytest.raises(TypeError), ShardWriter(tmp_path / "faces", "faces", STAMP) as writer:
        writer.write(columns, 6)
    assert list(tmp_path.iterdir()) == []


def test_writer_removes_the_earlier_set(folder):
    (folder / "notes.txt").write_text("the user's own")
    write(folder, faces(0, 3))
    assert sorted(path.name for path in folder.iterdir()) == ["00000.h5", "index.json", "notes.txt"]
    assert len(ShardSet(folder, "faces")) == 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_killed_writer_leaves_the_earlier_set_and_the_next_one_starts_clean(tmp_path):
    script = """
import sys, numpy as np
from pathlib import Path
from pipeline.shards import ShardWriter
with ShardWriter(Path(sys.argv[1]), "heatmaps", {}) as writer:
    while True:
        writer.write({"maps": np.zeros((20000, 28, 28), np.uint8), "has_map": np.zeros(20000, bool)}, 20000)
        print("written", flush=True)
"""
    folder = tmp_path / "maps"
    small = {"maps": np.ones((3, 28, 28), np.uint8), "has_map": np.ones(3, bool)}
    with ShardWriter(folder, "heatmaps", {}) as writer:
        writer.write(small, 3)
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(0.02)  # into the second
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    assert len(ShardSet(folder, "heatmaps")) == 3
    assert len(list(tmp_path.iterdir())) == 2  # what it was building
    with ShardWriter(folder, "heatmaps", {}) as writer:
        writer.write(small, 3)
        writer.write(small, 3)
    assert len(ShardSet(folder, "heatmaps")) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]


# Earlier runs


def test_finished_shard_is_adopted_byte_for_byte(tmp_path):
    cache = tmp_path / "cache"
    with ShardWriter(tmp_path / "one", "faces", STAMP, cache=cache) as writer:
        key = writer.key("what decides it")
        assert not writer.has(key)
        writer.write(faces(), 6, key)
        assert writer.has(key)
    with ShardWriter(tmp_path / "two", "faces", STAMP, cache=cache) as writer:
        columns = writer.adopt(key, ["status", "id"])
    assert columns["status"].tolist() == faces()["status"]
    assert columns["id"].tolist() == faces()["id"]
    for name in ("00000.h5", "index.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_shard_of_a_killed_run_is_adopted(tmp_path):
    killed = ShardWriter(tmp_path / "one", "faces", STAMP, cache=tmp_path / "cache").__enter__()
    key = killed.key(1)
    killed.write(faces(), 6, key)
    with ShardWriter(tmp_path / "one", "faces", STAMP, cache=tmp_path / "cache") as writer:
        assert writer.adopt(key, ["status"]) is not None


@pytest.mark.parametrize("change", [{"stamp": {**STAMP, "crop_size": 17}}, {"rows": 2}, {"kind": "class_heatmaps"}])
def test_what_is_decided_otherwise_is_not_adopted(tmp_path, change):
    with ShardWriter(tmp_path / "one", "faces", STAMP, cache=tmp_path / "cache") as writer:
        writer.write(faces(), 6, writer.key(1))
    kind, stamp = change.get("kind", "faces"), change.get("stamp", STAMP)
    with ShardWriter(tmp_path / "two", kind, stamp, cache=tmp_path / "cache") as writer:
        assert writer.adopt(writer.key(change.get("rows", 1)), []) is None
        writer.write(faces(), 6) if kind == "faces" else None


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-9] + b"x" + data[-8:], lambda data: b""])
def test_damaged_shard_is_not_adopted_and_goes(tmp_path, damage):
    with ShardWriter(tmp_path / "one", "faces", STAMP, cache=tmp_path / "cache") as writer:
        key = writer.key(1)
        writer.write(faces(), 6, key)
    (page,) = (tmp_path / "cache").rglob("*.h5")
    content = page.read_bytes()
    page.unlink()
    page.write_bytes(damage(content))
    with ShardWriter(tmp_path / "two", "faces", STAMP, cache=tmp_path / "cache") as writer:
        assert writer.adopt(key, ["status"]) is None
        assert not page.exists()
        writer.write(faces(), 6, key)
    assert (tmp_path / "one" / "00000.h5").read_bytes() == (tmp_path / "two" / "00000.h5").read_bytes()


# Other processes


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
    before = shards._opened_shard(0)
    child = os.fork()
    if child == 0:
        os._exit(0 if shards._opened_shard(0).file.id.id != before.file.id.id and shards.crop(3) is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert shards._opened_shard(0) is before


def test_few_files_are_open_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN", 3)
    folder = write(tmp_path, *(faces(start, 1) for start in (0, 1, 3, 4, 6)))
    shards = ShardSet(folder, "faces")
    for row in (0, 4, 1, 2, 3, 0, 2, 4):
        assert abs(shards.crop(row).mean() - [0, 10, 30, 40, 60][row]) < 2
        assert len(shards._open) <= 3
    shards.column("id")
    assert len(shards._open) == 3


# Files that are not what the writer left


def refuse(folder, match):
    """Opening the first shard fails, naming it, with one line."""
    with pytest.raises(InputError, match=match) as caught:
        ShardSet(folder, "faces").column("id")
    assert str(folder / "00000.h5") in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=match):
        ShardSet(folder, "faces").crop(0)


def replace(folder, name, make):
    """Put something else in the place of a dataset of the first shard."""
    with h5py.File(folder / "00000.h5", "r+") as file:
        data = file[name][:]
        del file[name]
        make(file, data)


@pytest.fixture
def secret(tmp_path, folder):
    """Another file, whose datasets would fit."""
    path = tmp_path / "secret.h5"
    path.write_bytes((folder / "00000.h5").read_bytes())
    return path


@pytest.mark.parametrize("name", ["id", "landmarks", "crop_bytes", "crop_offsets"])
def test_external_link_is_refused(folder, secret, name):
    replace(folder, name, lambda file, _: file.__setitem__(name, h5py.ExternalLink(str(secret), name)))
    refuse(folder, f"no plain dataset {name}")


@pytest.mark.parametrize("name", ["id", "landmarks", "crop_bytes", "crop_offsets"])
def test_soft_link_is_refused(folder, name):
    def link(file, data):
        file["elsewhere"] = data
        file[name] = h5py.SoftLink("/elsewhere")

    replace(folder, name, link)
    refuse(folder, f"no plain dataset {name}")


@pytest.mark.parametrize("name", ["landmarks", "crop_bytes", "crop_offsets"])
def test_virtual_dataset_is_refused(folder, secret, name):
    def virtual(file, data):
        layout = h5py.VirtualLayout(shape=data.shape, dtype=data.dtype)
        layout[...] = h5py.VirtualSource(str(secret), name, shape=data.shape)
        file.create_virtual_dataset(name, layout)

    replace(folder, name, virtual)
    refuse(folder, f"keeps {name} outside the file")


@pytest.mark.parametrize("name", ["landmarks", "crop_bytes"])
def test_external_storage_is_refused(folder, tmp_path, name):
    def external(file, data):
        raw = tmp_path / "raw"
        raw.write_bytes(data.tobytes())
        file.create_dataset(name, data.shape, data.dtype, external=[(str(raw), 0, data.nbytes)])

    replace(folder, name, external)
    refuse(folder, f"keeps {name} outside the file")


def test_declared_size_beyond_the_file_is_refused(folder):
    replace(folder, "landmarks", lambda file, _: file.create_dataset("landmarks", (6, 10**9), "f4", chunks=(1, 1000)))
    refuse(folder, "declares more than it holds")


def test_compressed_bomb_is_refused(folder):
    replace(
        folder,
        "crop_bytes",
        lambda file, _: file.create_dataset("crop_bytes", data=np.zeros(10**7, np.uint8), compression="gzip"),
    )
    refuse(folder, "declares more than it holds")


def test_group_in_the_place_of_a_dataset_is_refused(folder):
    replace(folder, "landmarks", lambda file, _: file.create_group("landmarks"))
    refuse(folder, "no plain dataset landmarks")


def test_missing_dataset_is_refused(folder):
    replace(folder, "subject", lambda file, _: None)
    refuse(folder, "no plain dataset subject: run `aucue landmarks` again")


@pytest.mark.parametrize(
    ("name", "dtype"), [("landmarks", "i4"), ("crop_bytes", "i1"), ("crop_offsets", "f8"), ("id", h5py.string_dtype())]
)
def test_wrong_type_is_refused(folder, name, dtype):
    replace(folder, name, lambda file, data: file.create_dataset(name, data=data.astype(dtype)))
    refuse(folder, f"has {name} of type")


@pytest.mark.parametrize("name", ["id", "landmarks", "label"])
def test_wrong_number_of_rows_is_refused(folder, name):
    replace(folder, name, lambda file, data: file.create_dataset(name, data=data[:-1]))
    refuse(folder, f"has {name} of type .* and shape")


def test_scalar_in_the_place_of_rows_is_refused(folder):
    replace(folder, "landmarks", lambda file, _: file.create_dataset("landmarks", data=np.float32(1)))
    refuse(folder, "has landmarks of type")


def test_wrong_number_of_offsets_is_refused(folder):
    replace(folder, "crop_offsets", lambda file, data: file.create_dataset("crop_offsets", data=data[:2]))
    refuse(folder, "crop_offsets")


@pytest.mark.parametrize("offsets", [[-50, 400], [10**6, 10**7]])
def test_offsets_beyond_the_crops_are_no_crop(folder, offsets):
    with h5py.File(folder / "00000.h5", "r+") as file:
        file["crop_offsets"][:2] = offsets
    with pytest.raises(InputError, match="00000.h5"):
        ShardSet(folder, "faces").crop(0)


def test_truncated_shard_is_refused(folder):
    whole = (folder / "00000.h5").read_bytes()
    for share in (0.5, 0.05, 0):
        (folder / "00000.h5").write_bytes(whole[: int(share * len(whole))])
        refuse(folder, "cannot be opened as HDF5: run `aucue landmarks` again")


def test_shard_that_is_not_hdf5_is_refused(folder):
    (folder / "00000.h5").write_text("id,label\n")
    refuse(folder, "cannot be opened as HDF5")


def test_missing_shard_is_refused(folder):
    (folder / "00000.h5").unlink()
    refuse(folder, "cannot be opened as HDF5")


def test_swapped_kind_is_refused(folder):
    with pytest.raises(InputError, match=r"index.json is not an index of heatmaps in schema 3: run `aucue heatmaps` again"):
        ShardSet(folder, "heatmaps")


def test_other_schema_is_refused(folder):
    text = (folder / "index.json").read_text()
    (folder / "index.json").write_text(text.replace('"schema": 3', '"schema": 4'))
    with pytest.raises(InputError, match="not an index of faces in schema 3"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"schema": 2, "kind": "faces"', "nonsense"])
def test_garbage_index_is_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(InputError, match=r"index.json cannot be read .*run `aucue landmarks` again"):
        ShardSet(folder, "faces")


def test_binary_index_is_refused(folder):
    (folder / "index.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="index.json cannot be read"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize("text", ["[]", "1", "null", "{}"])
def test_index_of_something_else_is_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(InputError, match=r"index.json cannot be read .*run `aucue landmarks` again"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.pop("shards"),
        lambda index: index.pop("stamp"),
        lambda index: index.update(shards=[1]),
        lambda index: index["shards"][0].pop("rows"),
        lambda index: index["shards"][0].update(rows="6"),
        lambda index: index["shards"][0].update(extra=1),
    ],
)
def test_malformed_index_is_refused(folder, change):
    index = json.loads((folder / "index.json").read_text())
    change(index)
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"index.json"):
        ShardSet(folder, "faces")


def test_index_cannot_name_files_elsewhere(folder, secret):
    index = json.loads((folder / "index.json").read_text())
    index["shards"][0]["file"] = str(secret)
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"index.json"):
        ShardSet(folder, "faces").column("id")


def test_shard_of_another_set_is_refused(folder, tmp_path):
    """The index keeps digests; a file swapped after it was written is another set's."""
    other = write(tmp_path / "other", faces(3, 6))
    (folder / "00000.h5").write_bytes((other / "00000.h5").read_bytes())
    refuse(folder, "00000.h5")


def test_writer_deletes_nothing_that_is_not_its_own(folder, tmp_path):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with (
        pytest.raises(InputError, match="holds faces, not heatmaps: give another folder"),
        ShardWriter(folder, "heatmaps", {}),
    ):
        pass
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "other.h5").write_bytes(b"precious")
    with pytest.raises(InputError, match="other.h5 is no shard of ours"), ShardWriter(tmp_path / "mine", "faces", {}):
        pass
    assert (tmp_path / "mine" / "other.h5").read_bytes() == b"precious"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("precious")
    with pytest.raises(InputError, match="code holds other files, not faces"), ShardWriter(tmp_path / "code", "faces", {}):
        pass


def test_set_with_a_damaged_index_is_written_anew(folder):
    (folder / "index.json").write_text("junk")
    write(folder, faces(0, 3))
    assert len(ShardSet(folder, "faces")) == 3
