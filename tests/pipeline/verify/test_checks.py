import errno
import os
import shutil

import numpy as np
import pytest

from pipeline.shards import ShardSet, ShardWriter, access


@pytest.fixture
def data(dataset, tmp_path):
    """A copy of all that the offline stages wrote."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in (dataset.manifest, dataset.detections):
        shutil.copy(path, folder)
    for path in (dataset.faces, dataset.heatmaps):
        shutil.copytree(path, folder / path.name)
    return folder


def edit(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def rewritten(folder, kind, change):
    """A set with one of its columns changed, its index and digests in order."""
    shards = ShardSet(folder, kind)
    columns = [shards.shard(number, list(shards.shards[number].columns)) for number in range(len(shards.shards))]
    change(columns[-1])
    with ShardWriter(folder, kind, {name: value for name, value in shards.provenance.items() if name != "code"}) as writer:
        for shard in columns:
            rows = len(shard["has_map" if "maps" in shard else "id"])
            writer.write({name: text(column) for name, column in shard.items()}, rows)


def text(column):
    return column.tolist() if column.dtype.kind == "U" else column


def test_all_is_sound(run, data):
    result = run("verify", data)
    assert result.exit_code == 0
    assert [line.split(": ")[1] for line in result.stdout.splitlines()] == [
        "98 photos, sound",
        "98 photos, sound",
        "98 rows in 3 shards, sound",
        "98 rows in 3 shards, sound",
    ]


def test_what_is_not_there_is_not_checked(run, data):
    (data / "manifest.csv").unlink()
    (data / "detections.csv").unlink()
    shutil.rmtree(data / "faces")
    result = run("verify", data)
    assert result.exit_code == 0
    assert result.stdout == f"{data / 'heatmaps'}: 98 rows in 3 shards, sound\n"


def test_detections_alone_are_compared_with_nothing(run, data):
    (data / "manifest.csv").unlink()
    assert f"{data / 'detections.csv'}: 98 photos, sound" in run("verify", data).stdout.splitlines()


def test_nothing_to_check_is_an_error(run, tmp_path):
    result = run("verify", tmp_path)
    assert result.exit_code == 1
    assert "holds nothing that the stages write" in result.stderr


@pytest.mark.parametrize("table", ["detections.csv", "manifest.csv"])
@pytest.mark.parametrize(
    "change",
    [lambda rows: rows[:-1], lambda rows: [*rows, "more" + rows[-1]], lambda rows: [rows[1], rows[0], *rows[2:]]],
    ids=["a row less", "a row more", "another order"],
)
def test_tables_of_other_photos_do_not_belong_together(run, data, table, change):
    header, *rows = (data / table).read_text().splitlines(keepends=True)
    (data / table).write_text(header + "".join(change(rows)))
    found = run("verify", data).stdout
    assert f"{data / 'detections.csv'}: does not have the manifest's photos in its order: run `aucue detect` again" in found


@pytest.mark.parametrize(
    ("damage", "place", "problem"),
    [
        (lambda data: flip_a_byte(data / "faces/00001.h5"), "faces/00001.h5", "run `aucue landmarks` again"),
        (lambda data: flip_a_byte(data / "heatmaps/00002.h5"), "heatmaps/00002.h5", "run `aucue heatmaps` again"),
        (lambda data: (data / "faces/00000.h5").write_bytes(b""), "faces/00000.h5", "cannot be opened as HDF5"),
        (lambda data: (data / "faces/00002.h5").unlink(), "faces/00002.h5", "is missing"),
        (lambda data: (data / "faces/index.json").unlink(), "faces", "not a complete set of faces"),
        (lambda data: (data / "heatmaps/index.json").unlink(), "heatmaps", "not a complete set of heatmaps"),
        (lambda data: edit(data / "manifest.csv", b",train,", b",test,"), "faces", "was not made from"),
        (lambda data: edit(data / "manifest.csv", b"id,path", b"id,paths"), "manifest.csv", "has the columns id, paths"),
        (lambda data: edit(data / "detections.csv", b",ok,", b",fine,"), "detections.csv", "has the status 'fine'"),
        (lambda data: edit(data / "faces/index.json", b"landmarks", b"landmarkz"), "heatmaps", "was not rendered from"),
    ],
)
def test_damage_is_named_with_what_to_run(run, data, damage, place, problem):
    damage(data)
    result = run("verify", data)
    assert result.exit_code == 1
    lines = [line for line in result.stdout.splitlines() if not line.endswith("sound")]
    (line,) = [line for line in lines if line.startswith(f"{data / place}: ")]
    assert problem in line
    assert "run `aucue" in line
    assert result.stderr.splitlines()[-1].startswith(f"Error: {len(lines)} problem")


def test_advice_for_a_file_that_cannot_be_read_is_not_to_make_it_again(run, data, monkeypatch):
    def refuse(path, flags):
        if str(path).endswith("00001.h5"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return os.open(path, flags)

    monkeypatch.setattr(access, "_open_without_waiting", refuse)
    result = run("verify", data)
    assert result.exit_code == 1
    file = data / "heatmaps/00001.h5"
    expected = f"{file}: cannot be read (Permission denied): give this user the right to read it"
    assert expected in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("faces", lambda columns: columns["landmarks"].__setitem__((0, 5), np.nan), "landmarks far outside"),
        ("faces", lambda columns: columns["landmarks"].__setitem__((0, 5), 1e4), "landmarks far outside"),
        ("faces", lambda columns: columns["crop_bytes"].__setitem__(slice(0, 200), 0), "row 0 holds no crop of 256 x 256"),
        (
            "faces",
            lambda columns: columns.update(status=np.array(["no_face", *columns["status"][1:]])),
            "a crop without a face",
        ),
        ("faces", lambda columns: columns.update(id=columns["id"][::-1]), "the manifest's photos in its order"),
        ("heatmaps", lambda columns: columns["maps"].__setitem__(np.flatnonzero(columns["has_map"])[0], 7), "from 0 to 255"),
        ("heatmaps", lambda columns: columns["has_map"].__setitem__(slice(None), False), "a map where there should be none"),
    ],
)
def test_impossible_values_are_found(run, data, kind, change, problem):
    rewritten(data / kind, kind, change)
    result = run("verify", data)
    assert result.exit_code == 1
    assert problem in result.stdout
