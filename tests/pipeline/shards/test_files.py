"""Files that are not what the writer left."""

import h5py
import numpy as np
import pytest

from pipeline.shards import ShardError, ShardSet


def refuse(folder, match):
    """Opening the first shard fails, naming it, with one line."""
    with pytest.raises(ShardError, match=match) as caught:
        ShardSet(folder, "faces").column("id")
    assert str(folder / "00000.h5") in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ShardError, match=match):
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
    with pytest.raises(ShardError, match=r"00000\.h5"):
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
    refuse(folder, "is missing: run `aucue landmarks` again")


def test_shard_of_another_set_is_refused(folder, tmp_path, faces, write):
    """The index keeps digests; a file swapped after it was written is another set's."""
    other = write(tmp_path / "other", faces(3, 6))
    (folder / "00000.h5").write_bytes((other / "00000.h5").read_bytes())
    refuse(folder, "00000.h5")
