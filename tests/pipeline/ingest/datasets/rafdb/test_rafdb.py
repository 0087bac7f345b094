from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.ingest import stage
from pipeline.ingest.datasets import DatasetSource, rafdb
from pipeline.ingest.labels import check_labels
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
        ("train_1.jpg joyous", "line 2: label 'joyous' is unknown"),
        ("val_1.jpg 1", "line 2: val_1.jpg starts with neither train_ nor test_"),
        ("train_1.jpg", "line 2: expected an image name and a number"),
        ("train_1.jpg 1 2", "line 2: expected an image name and a number"),
    ],
)
def test_mistake_is_named(read, line, match):
    with pytest.raises(InputError, match=match):
        read(["train_0.jpg 1", line])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_list_may_begin_with_a_byte_order_mark(read, tmp_path, encoding):
    published = read()
    table = tmp_path / "root" / "basic" / "EmoLabel" / "list_patition_label.txt"
    table.write_text("\r\n".join(LINES), encoding)
    assert rafdb.read(source(tmp_path)) == published


@pytest.mark.parametrize(
    "line", ["{}.jpg\t{}", "{}.jpg,{}", "{}_aligned.jpg {}", "  {}.jpg   {} ", "Image\\aligned\\{}.jpg {}", "{}.png {}.0"]
)
def test_the_list_may_be_written_otherwise(read, tmp_path, line):
    published = read()
    table = tmp_path / "root" / "basic" / "EmoLabel" / "list_patition_label.txt"
    table.rename(table.with_name("list_partition_label.txt"))
    lines = [line.format(name.removesuffix(".jpg"), label) for name, label in map(str.split, LINES[:-1])]
    table.with_name("list_partition_label.txt").write_text("\n".join(["name label", *lines, ""]))
    assert rafdb.read(source(tmp_path)) == published


def source(tmp_path, root="root"):
    return DatasetSource(tmp_path / root, tmp_path / "photos", (), 1, 0, 1)


@pytest.mark.parametrize(
    ("image", "box"),
    [
        ("basic/Image/original/test_0001.JPG", True),
        ("basic/Image/original/original/test_0001.png", True),
        ("basic/image/Original/TEST_0001.jpg", True),
        ("basic/original/test_0001.jpg", True),
        ("basic/test_0001.jpg", True),
        ("basic/Image/aligned/aligned/test_0001_aligned.jpg", False),
        ("basic/Image/aligned/test_0001.jpg", False),
        ("basic/aligned/test_0001_aligned.png", False),
        ("basic/test/4/test_0001_aligned.jpg", False),
    ],
)
def test_photos_are_found_in_any_folder(tmp_path, image, box):
    root = tmp_path / "root"
    for file, text in [
        ("basic/EmoLabel/list_patition_label.txt", "\n".join(LINES)),
        ("basic/Annotation/boundingbox/boundingbox/test_0001_boundingbox.txt", "1,2,3,4"),
        (image, ""),
    ]:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    photos = rafdb.read(source(tmp_path))
    assert (photos[-1].id, photos[-1].path) == ("test_0001", (root / image).as_posix())
    assert photos[-1].box == ((1, 2, 3, 4) if box else None)
    assert rafdb.read(source(tmp_path, "."))[-1].path == (root / image).as_posix()


def test_originals_come_before_aligned_photos(read, tmp_path):
    read(images="aligned")
    for name in ("original/test_0001.jpg", "aligned/test_0001_aligned.jpg"):
        (tmp_path / "root" / "basic" / "Image" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "root" / "basic" / "Image" / name).touch()
    assert rafdb.read(source(tmp_path))[-1].path.endswith("original/test_0001.jpg")
    (tmp_path / "root" / "basic" / "Image" / "original" / "test_0001.jpg").unlink()
    assert rafdb.read(source(tmp_path))[-1].path.endswith("aligned/test_0001_aligned.jpg")


@pytest.fixture
def copy(tmp_path):
    """A copy with aligned photos in folders of classes, and tables."""

    def copy(folder="root/DATASET", tables="root", labels=None):
        for split, number in (("train", 1), ("train", 5), ("test", 4), ("test", 7)):
            image = f"{split}_{number:05d}_aligned.jpg"
            (tmp_path / folder / split / str(number)).mkdir(parents=True)
            (tmp_path / folder / split / str(number) / image).touch()
            if tables:
                (tmp_path / tables).mkdir(parents=True, exist_ok=True)
                with (tmp_path / tables / f"{split}_labels.csv").open("a", encoding="utf-8") as table:
                    table.write("" if table.tell() else "image,label\n")
                    table.write(f"{image},{labels or number}\n")
        return rafdb.read(source(tmp_path))

    return copy


@pytest.mark.parametrize("folder", ["root/DATASET", "root", "root/archive/raf-db-dataset"])
@pytest.mark.parametrize("tables", ["root", None])
def test_a_copy_in_folders_of_classes(copy, tmp_path, folder, tables):
    photos = copy(folder, tables)
    assert {(Path(photo.path).name, photo.label, photo.split, photo.box) for photo in photos} == {
        ("train_00001_aligned.jpg", "surprise", "train", None),
        ("train_00005_aligned.jpg", "sadness", "train", None),
        ("test_00004_aligned.jpg", "happiness", "test", None),
        ("test_00007_aligned.jpg", "neutral", "test", None),
    }
    assert all(Path(photo.path).is_file() for photo in photos)


def test_a_copy_with_tables_has_the_published_ids(copy):
    assert [photo.id for photo in copy()] == ["train_00001", "train_00005", "test_00004", "test_00007"]


def test_the_tables_of_a_copy_give_the_labels(copy):
    assert {photo.label for photo in copy(labels=6)} == {"anger"}


@pytest.fixture
def write(tmp_path):
    """Write files below the dataset's root."""

    def write(files):
        for name, text in files.items():
            (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "root" / name).write_text(text)

    return write


TABLES = {"train_labels.csv": "image,label\n0000.jpg,1\n0001.jpg,2\n", "test_labels.csv": "image,label\n0000.jpg,5\n"}


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Train", "TEST"), ("b/training", "a/test_set")])
def test_one_name_in_train_and_test_is_two_photos(write, tmp_path, train, test):
    write(TABLES | {f"{train}/1/0000.jpg": "", f"{train}/2/0001.jpg": "", f"{test}/5/0000.jpg": ""})
    found = [
        (Path(photo.path).relative_to(tmp_path / "root").as_posix(), photo.label) for photo in rafdb.read(source(tmp_path))
    ]
    assert found == [
        (f"{train}/1/0000.jpg", "surprise"), (f"{train}/2/0001.jpg", "fear"), (f"{test}/5/0000.jpg", "sadness"),
    ]  # fmt: skip


def test_a_photo_of_another_split_is_not_meant(write, tmp_path):
    write(TABLES | {"train/1/0000.jpg": "", "train/2/0001.jpg": ""})
    assert not Path(rafdb.read(source(tmp_path))[2].path).exists()


def test_a_name_of_several_photos_is_excluded(write, tmp_path):
    write(TABLES | {f"{name}.jpg": "" for name in ("train/1/0000", "train/2/0000", "train/2/0001", "test/5/0000")})
    write({"train_labels.csv": TABLES["train_labels.csv"] + "0002.jpg,3\n"})
    assert [photo.reason for photo in rafdb.read(source(tmp_path))] == [
        "several photos have its name, train/1/0000.jpg and train/2/0000.jpg: keep one of them", "", "", "",
    ]  # fmt: skip


def test_a_copy_that_counts_from_0_is_refused(tmp_path):
    for number in range(7):
        (tmp_path / "root" / "train" / str(number)).mkdir(parents=True)
    with pytest.raises(InputError, match=r"numbered 0 to 6, .* its classes 1 to 7: .* ingest.rename: {'0': surprise, '1'"):
        rafdb.read(source(tmp_path))
    (tmp_path / "root" / "train" / "1" / "train_00001_aligned.jpg").touch()
    lines = [f"{split}_{number:05d}_aligned.jpg,{number % 7}" for split in ("train", "test") for number in range(70)]
    (tmp_path / "root" / "train_labels.csv").write_text("\n".join(["image,label", *lines]))
    with pytest.raises(
        InputError, match=r"train_labels.csv line 2: label '0' is unknown: .* \(20 rows\): restore .*{'0': sur"
    ):
        rafdb.read(source(tmp_path))


@pytest.mark.parametrize("splits", [("train/", "test/"), ("",)])
def test_the_user_says_what_other_numbers_mean(write, tmp_path, params, splits):
    names = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
    write({f"{split}{i % 7}/{i}.jpg": f"{split}{i}" for split in splits for i in range(70)})
    rename = {str(number): name for number, name in enumerate(names)}
    ours = {"dataset": "rafdb", "root": str(tmp_path / "root"), "labels": names, "rename": rename, "test_fraction": 0.3}
    photos = stage.main(
        base=params.base,
        params=params.ingest.model_copy(update=ours),
        photos_dir=tmp_path / "photos",
        manifest_path=tmp_path / "manifest.csv",
    )
    assert {Path(photo.path).parent.name: photo.label for photo in photos} == rename


def test_numbers_of_a_list_are_renamed_once(write, tmp_path):
    write({f"{name}.jpg": "" for name in ("train/train_1", "train/train_2", "train/train_3")})
    write({"train_labels.csv": "image,label\ntrain_1.jpg,0\ntrain_2.jpg,1\ntrain_3.jpg,fear\n"})
    rename = {"0": "fear", "1": "surprise", "fear": "anger"}
    photos = rafdb.read(replace(source(tmp_path), rename=rename))
    labels = ("surprise", "fear", "anger")
    assert [photo.label for photo in check_labels(photos, labels, rafdb.LABELS.values(), rename)] == [
        "fear", "surprise", "anger",
    ]  # fmt: skip


def splits_and_labels(photos):
    return sorted((photo.split, photo.label) for photo in photos if photo.status == "ok")


PHOTOS = dict.fromkeys(
    ("train/1/a_aligned.jpg", "train/2/b_aligned.jpg", "test/5/c_aligned.jpg", "test/7/d_aligned.jpg"), ""
)
LISTED = [("test", "neutral"), ("test", "sadness"), ("train", "fear"), ("train", "surprise")]


@pytest.mark.parametrize("folder", ["", "DATASET/"])
def test_a_split_without_a_table_has_the_labels_of_its_folders(write, tmp_path, folder):
    write({f"{folder}{path}": "" for path in (*PHOTOS, "test/e.jpg", "test/x/f.jpg")})
    write({"train_labels.csv": "image,label\na_aligned.jpg,1\nb_aligned.jpg,2\n"})
    photos = rafdb.read(source(tmp_path))
    assert splits_and_labels(photos) == LISTED
    assert {photo.id.removeprefix(folder) for photo in photos if photo.status != "ok"} == {"test/e.jpg", "test/x/f.jpg"}


@pytest.mark.parametrize(
    "tables",
    [
        {"labels.csv": "path,label\ntrain/1/a_aligned.jpg,1\ntrain/2/b_aligned.jpg,2\ntest/5/c.jpg,5\ntest/7/d.jpg,7\n"},
        {"labels.csv": ",filename,Emotion\n0,a.jpg,1\n1,b.jpg,2\n2,c.jpg,sad\n3,d.jpg,Neutral\n"},
        {"labels.csv": "a.jpg,1\nb.jpg,2\nc.jpg,5\nd.jpg,7\n"},
        {"labels.txt": "a.jpg 1\nb.jpg 2\nc.jpg 5\nd.jpg 7\n"},
        {"train.txt": "a.jpg 1\nb.jpg 2\n", "test.txt": "c.jpg 5\nd.jpg 7\n"},
        {
            "Train.txt": "train/1/a_aligned.jpg,1\ntrain/2/b_aligned.jpg,2\n",
            "test_labels.csv": "image,label\nc.jpg,5\nd.jpg,7",
        },
        {"train_labels.csv": "a.jpg,1\nb.jpg,2\n", "test_labels.csv": "c_aligned.jpg;5\nd_aligned.jpg;7\n"},
        {"train.csv": "image;label\na.jpg;1\nb.jpg;2\n", "test.csv": "name\tlabel\nc.jpg\t5\nd.jpg\t7\n"},
        {"train.txt": "a.jpg\nb.jpg\n", "labels.csv": "x,y\n1,2\n"},  # no lists of labels: the folders say them
    ],
)
def test_the_lists_of_copies(write, tmp_path, tables):
    write(PHOTOS | tables)
    assert splits_and_labels(rafdb.read(source(tmp_path))) == LISTED


@pytest.mark.parametrize("name", ["train.csv", "labels.csv", "train.txt", "train_labels.csv"])
def test_the_published_list_comes_before_other_tables(read, tmp_path, name):
    published = read()
    (tmp_path / "root" / name).write_text("train_00001.jpg,7\n")
    assert rafdb.read(source(tmp_path)) == published


def test_a_list_without_splits_is_split_by_ingest(write, tmp_path):
    write({"images/a.jpg": "", "images/b.jpg": "", "labels.csv": "image,label\na.jpg,1\nb.jpg,2\n"})
    assert splits_and_labels(rafdb.read(source(tmp_path))) == [("", "fear"), ("", "surprise")]


def test_compound_expressions_are_another_dataset(tmp_path):
    (tmp_path / "root" / "compound" / "EmoLabel").mkdir(parents=True)
    (tmp_path / "root" / "compound" / "EmoLabel" / "list_patition_label.txt").write_text("train_0001.jpg 1")
    with pytest.raises(InputError, match=r"ingest\.root must be the RAF-DB folder that holds basic/"):
        rafdb.read(source(tmp_path))


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        ("train_00009.jpg 8", "train_00009", "label '8' is unknown: this dataset numbers its classes 1 to 7"),
        ("train_00009.jpg", "train_00009", "expected an image name and a number"),
        ("train_00009.jpg 1 2", "train_00009", "expected an image name and a number"),
        ("photo.jpg 1", "photo", "photo.jpg starts with neither train_ nor test_"),
    ],
)
def test_an_unusable_line_is_excluded(read, line, name, reason):
    photos = read([*LINES[:3], line, *LINES[3:]])
    assert [(photo.id, photo.reason) for photo in photos if photo.status == "excluded"] == [(name, reason)]
    assert len(photos) == 9


def test_a_photo_with_a_damaged_box_is_excluded(read, tmp_path):
    folder = tmp_path / "root" / "basic" / "Annotation" / "boundingbox"
    folder.mkdir(parents=True)
    (folder / "train_00002_boundingbox.txt").write_text("10 20 30")
    photos = read()
    assert [photo.status for photo in photos] == ["ok", "excluded", *["ok"] * 6]
    assert photos[1].reason.startswith("train_00002_boundingbox.txt: box '10 20 30' is not four numbers")


def test_clutter_is_no_photo(read, tmp_path):
    published = read()
    for name in ("._test_0001.jpg", ".DS_Store", "Thumbs.db", ".ipynb_checkpoints"):
        (tmp_path / "root" / "basic" / "Image" / "original" / name).touch()
    ours = source(tmp_path)
    assert rafdb.read(ours) == published
    assert ours.notes[0].startswith("passed over: 4 files of tools and systems")


def test_a_list_of_train_photos_alone_is_split(read):
    assert {photo.split for photo in read(LINES[:7])} == {""}


def test_missing_parts_are_named(read, tmp_path):
    with pytest.raises(InputError, match="Image has neither original/ nor aligned/: unpack one of RAF-DB's image archives"):
        read(images=None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"list_patition_label\.txt does not exist: ingest\.root must be the RAF-DB folder"):
        rafdb.read(DatasetSource(tmp_path / "empty", tmp_path, (), 1, 0, 1))


def test_table_that_is_not_text_is_named(read, tmp_path):
    read()
    (tmp_path / "root" / "basic" / "EmoLabel" / "list_patition_label.txt").write_bytes(b"\xff\xfe 1\n")
    with pytest.raises(InputError, match=r"list_patition_label\.txt"):
        rafdb.read(DatasetSource(tmp_path / "root", tmp_path, (), 1, 0, 1))


def test_empty_table_is_named(read):
    with pytest.raises(InputError, match=r"list_patition_label\.txt"):
        read([])


def test_a_column_of_splits_in_a_list_counts(write, tmp_path):
    write(
        {f"images/{name}.jpg": "" for name in "abc"}
        | {"labels.csv": "image,label,Usage\na.jpg,1,train\nb.jpg,2,Test\nc.jpg,3,train\n"}
    )
    assert splits_and_labels(rafdb.read(source(tmp_path))) == [("test", "fear"), ("train", "disgust"), ("train", "surprise")]


def test_the_complete_set_of_photos_is_read(write, tmp_path):
    """All photos are aligned, and one of them is there as an original, too."""
    names = ("train_00001", "train_00002", "test_0001")
    files = {f"Image/aligned/{name}_aligned.jpg": "" for name in names} | {"Image/original/train_00001.jpg": ""}
    listed = "".join(f"{name}.jpg {number}\n" for number, name in enumerate(names, start=1))
    write({f"basic/{name}": text for name, text in files.items()} | {"basic/EmoLabel/list_patition_label.txt": listed})
    assert all("/aligned/" in photo.path for photo in rafdb.read(source(tmp_path)))


def test_photos_of_the_other_subset_are_counted_and_those_of_the_other_form_are_not(write, tmp_path):
    write(
        {
            "basic/EmoLabel/list_patition_label.txt": "train_00001.jpg 1\ntest_0001.jpg 2\n",
            **{f"basic/Image/original/{name}.jpg": "" for name in ("train_00001", "test_0001")},
            **{f"basic/Image/aligned/{name}_aligned.jpg": "" for name in ("train_00001", "test_0001")},
            **{f"compound/Image/aligned/{name}_aligned.jpg": "" for name in ("train_09991", "test_0991")},
        }
    )
    read = source(tmp_path)
    assert len(rafdb.read(read)) == 2
    assert [note.partition(", e.g.")[0] for note in read.notes] == ["not read, since no table names them: 2 photos"]


@pytest.mark.parametrize(
    ("table", "header", "place"),
    [
        ("train_label.csv", "image,label\n", "images"),
        ("RAF_train_labels.csv", "image,label\n", "train"),
        ("train_list.txt", "", "images"),
        ("train.csv", "img_path,label,gender\n", "train"),
        ("labels/train_labels.csv", "image,label\n", "images"),
        ("train/metadata.csv", "file_name,label\n", "train"),
    ],
)
def test_tables_of_copies_have_many_names(tmp_path, table, header, place):
    separator, more = (" ", "") if table.endswith(".txt") else (",", ",0" if "gender" in header else "")
    for split, number in (("train", 4), ("test", 6)):
        names = [f"{split}_0000{i}.jpg" for i in (1, 2)]
        files = {f"{place.replace('train', split)}/{name}": "x" for name in names}
        rows = [f"{name}{separator}{number}{more}\n" for name in names]
        files[table.replace("train", split)] = header + "".join(rows)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    photos = rafdb.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1))
    found = sorted((Path(photo.path).name, photo.label, photo.split) for photo in photos if Path(photo.path).is_file())
    assert found == [
        *(("test_00001.jpg", "anger", "test"), ("test_00002.jpg", "anger", "test")),
        *(("train_00001.jpg", "happiness", "train"), ("train_00002.jpg", "happiness", "train")),
    ]
