import pytest

from pipeline.ingest.datasets import DatasetSource, rafdb
from pipeline.runtime.errors import InputError

LINES = [f"train_{number:05d}.jpg {number}" for number in range(1, 8)] + ["test_0001.jpg 4", ""]


@pytest.fixture
def read(tmp_path):
    def read(lines=LINES, images="original", basic="basic"):
        root = tmp_path / "root"
        (root / basic / "EmoLabel").mkdir(parents=True)
        (root / basic / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
        if images:
            (root / basic / "Image" / images).mkdir(parents=True)
        return rafdb.read(DatasetSource(root, tmp_path / "photos", (), 1, 0, 1))

    return read


def test_numbers_mean_what_raf_db_says(read):
    photos = read()
    assert [photo.label for photo in photos] == [
        "surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral", "happiness",
    ]  # fmt: skip
    assert [photo.split for photo in photos] == ["train"] * 7 + ["test"]
    assert {photo.subject for photo in photos} == {""}
    assert photos[-1].id == "test_0001"


@pytest.mark.parametrize(
    ("images", "end"),
    [("original", "basic/Image/original/test_0001.jpg"), ("aligned", "basic/Image/aligned/test_0001_aligned.jpg")],
)
def test_either_image_folder_serves(read, images, end):
    assert read(images=images)[-1].path.endswith(end)


def test_root_may_be_basic_itself(read):
    assert read(basic=".")[-1].path.endswith("root/Image/original/test_0001.jpg")


def annotate(tmp_path, text):
    folder = tmp_path / "root" / "basic" / "Annotation" / "boundingbox"
    folder.mkdir(parents=True)
    (folder / "test_0001_boundingbox.txt").write_text(text)


def test_originals_come_with_the_dataset_s_boxes(read, tmp_path):
    annotate(tmp_path, "10.5 20 110.5 140\n")
    photos = read()
    assert photos[-1].box == (10.5, 20, 110.5, 140)
    assert {photo.box for photo in photos[:-1]} == {None}


def test_boxes_of_the_originals_are_not_used_on_aligned_faces(read, tmp_path):
    annotate(tmp_path, "10.5 20 110.5 140")
    assert read(images="aligned")[-1].box is None


@pytest.mark.parametrize("text", ["10 20 30", "", "30 20 10 40", "left top right bottom", "\u00b2 1 2 3"])
def test_a_damaged_box_is_named(read, tmp_path, text):
    annotate(tmp_path, text)
    with pytest.raises(InputError, match=r"test_0001_boundingbox.txt: .*: restore the published file"):
        read()


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("train_1.jpg 8", r"list_patition_label.txt line 2: label '8' is unknown: this dataset numbers its classes 1 to 7"),
        ("train_1.jpg 0", "line 2: label '0' is unknown"),
        ("train_1.jpg happy", "line 2: label 'happy' is unknown"),
        ("val_1.jpg 1", "line 2: val_1.jpg starts with neither train_ nor test_"),
        ("train_1.jpg", "line 2: expected an image name and a number"),
        ("train_1.jpg 1 2", "line 2: expected an image name and a number"),
    ],
)
def test_mistake_is_named(read, line, match):
    with pytest.raises(InputError, match=match):
        read(["train_0.jpg 1", line])


def test_missing_parts_are_named(read, tmp_path):
    with pytest.raises(InputError, match="Image has neither original/ nor aligned/: unpack one of RAF-DB's image archives"):
        read(images=None)
    with pytest.raises(InputError, match=r"list_patition_label\.txt does not exist: ingest\.root must be the RAF-DB folder"):
        rafdb.read(DatasetSource(tmp_path, tmp_path, (), 1, 0, 1))


def test_table_that_is_not_text_is_named(read, tmp_path):
    read()
    (tmp_path / "root" / "basic" / "EmoLabel" / "list_patition_label.txt").write_bytes(b"\xff\xfe 1\n")
    with pytest.raises(InputError, match=r"list_patition_label\.txt"):
        rafdb.read(DatasetSource(tmp_path / "root", tmp_path, (), 1, 0, 1))


def test_empty_table_is_named(read):
    with pytest.raises(InputError, match=r"list_patition_label\.txt"):
        read([])
