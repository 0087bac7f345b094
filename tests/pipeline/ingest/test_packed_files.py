import pytest

from pipeline.ingest import packed_files


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        *(("archive.zip", "unpack it"), ("basic/Image/aligned.ZIP", "unpack it"), ("train_set.tar.gz.aa", "unpack it")),
        *(("a/b/fer2013.tar.gz", "unpack it"), ("set.7z.001", "unpack it"), ("x.tgz", "unpack it")),
        ("data/train-00000-of-00001.parquet", "write its photos as image files, and their labels as labels.csv"),
    ],
)
def test_a_packed_dataset_is_named_with_its_fix(tmp_path, name, fix):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    assert packed_files.describe(tmp_path) == f"{tmp_path} holds no photo, but {name}: {fix}"


def test_files_beside_photos_are_not_meant(tmp_path):
    assert packed_files.describe(tmp_path) == ""
    (tmp_path / "labels.csv").write_text("image,label\n")
    assert packed_files.describe(tmp_path) == ""
    (tmp_path / "archive.zip").write_bytes(b"")
    (tmp_path / "a" / "b" / "c" / "d" / "anger").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "d" / "anger" / "a.JPG").write_bytes(b"")
    assert packed_files.describe(tmp_path) == ""
