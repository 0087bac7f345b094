"""Indexes that are not what the writer left."""

import json

import pytest

from pipeline.shards import ShardError, ShardSet


def test_set_without_an_index_is_not_complete(folder):
    (folder / "index.json").unlink()
    with pytest.raises(ShardError, match=rf"{folder} is not a complete set of faces .*run `aucue landmarks` first"):
        ShardSet(folder, "faces")


def test_a_folder_that_does_not_exist_is_said_to(tmp_path):
    match = r"none is not a complete set of faces \(it does not exist\): run `aucue landmarks` first, or give its path"
    with pytest.raises(ShardError, match=match):
        ShardSet(tmp_path / "none", "faces")


def test_swapped_kind_is_refused(folder):
    with pytest.raises(ShardError, match=r"index.json is not an index of heatmaps in schema 3: run `aucue heatmaps` again"):
        ShardSet(folder, "heatmaps")


def test_other_schema_is_refused(folder):
    text = (folder / "index.json").read_text()
    (folder / "index.json").write_text(text.replace('"schema": 3', '"schema": 4'))
    with pytest.raises(ShardError, match="not an index of faces in schema 3"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"schema": 2, "kind": "faces"', "nonsense"])
def test_garbage_index_is_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(ShardError, match=r"index.json cannot be read .*run `aucue landmarks` again"):
        ShardSet(folder, "faces")


def test_binary_index_is_refused(folder):
    (folder / "index.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ShardError, match=r"index\.json cannot be read"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize("text", ["[]", "1", "null", "{}"])
def test_index_of_something_else_is_refused(folder, text):
    (folder / "index.json").write_text(text)
    with pytest.raises(ShardError, match=r"index.json cannot be read .*run `aucue landmarks` again"):
        ShardSet(folder, "faces")


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.pop("shards"),
        lambda index: index.pop("stamp"),
        lambda index: index.update(shards=[1]),
        lambda index: index["shards"][0].pop("rows"),
        lambda index: index["shards"][0].update(rows="6"),
        lambda index: index["shards"][0].update(rows=10**30),
        lambda index: index["shards"][0].update(extra=1),
    ],
)
def test_malformed_index_is_refused(folder, change):
    index = json.loads((folder / "index.json").read_text())
    change(index)
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(ShardError, match=r"index\.json (cannot be read|lists|gives) "):
        ShardSet(folder, "faces")


def test_index_cannot_name_files_elsewhere(folder, tmp_path):
    secret = tmp_path / "secret.h5"  # its datasets would fit
    secret.write_bytes((folder / "00000.h5").read_bytes())
    index = json.loads((folder / "index.json").read_text())
    index["shards"][0]["file"] = str(secret)
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(ShardError, match=r"index\.json (cannot be read|lists|gives) "):
        ShardSet(folder, "faces").column("id")
