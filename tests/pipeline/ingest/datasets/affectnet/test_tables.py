import pytest

from pipeline.ingest.datasets import DatasetSource, affectnet
from pipeline.runtime.errors import InputError

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
TRAINING = [f"{number}/a{number}.jpg,1,2,9,9,1;2;3,{number},0.1,0.2" for number in range(11)]
VALIDATION = ["7/v.jpg,1,2,9,9,1;2,6,0,0", "8/w.jpg,1,2,9,9,1;2,5,0,0"]


@pytest.fixture
def notes():
    """Lines for the user."""
    return []


@pytest.fixture
def source(tmp_path, notes):
    return DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1, notes=notes)


@pytest.fixture
def read(tmp_path, source):
    """Read the older layout with the given lines of its tables; the photos they name are in the folder ``images``."""

    def read(training=TRAINING, validation=VALIDATION, lists=".", images="Manually_Annotated_Images", **options):
        for name, lines in (("training", training), ("validation", validation)):
            if lines is not None:
                (tmp_path / lists).mkdir(parents=True, exist_ok=True)
                header = options.get("headers", {}).get(name, HEADER)
                (tmp_path / lists / f"{name}.csv").write_text(header + "\n".join(lines) + "\n", options.get("encoding"))
                for line in lines:
                    path = line.partition(",")[0].replace("\\", "/")
                    path = path.rpartition("/")[2] if options.get("flat") else path
                    if path:
                        photo = (tmp_path / images / path).with_suffix(options.get("suffix", ".jpg"))
                        photo.parent.mkdir(parents=True, exist_ok=True)
                        photo.touch()
        return affectnet.read(source)

    return read


def with_row(row, place=3):
    return [*TRAINING[:place], row, *TRAINING[place:]]


def test_the_published_layout(read, tmp_path):
    photos = read()
    assert [photo.label for photo in photos] == [*affectnet.LABELS.values(), "anger", "disgust"]
    assert (photos[-2].id, photos[-2].split) == ("7/v.jpg", "test")
    assert photos[0].path == (tmp_path / "Manually_Annotated_Images" / "0" / "a0.jpg").as_posix()
    assert {photo.box for photo in photos} == {(1, 2, 10, 11)}


@pytest.mark.parametrize("lists", [".", "Manually_Annotated_file_lists", "Manually_annotated_file_lists", "AffectNet/lists"])
@pytest.mark.parametrize(
    "images",
    [
        ".",
        "Manually_Annotated",
        "Manually_Annotated/Manually_Annotated_Images",
        "Manually_Annotated_Images/Manually_Annotated_Images",
        "manually_annotated_images",
        "Manually_Annotated_compressed/Manually_Annotated_Images",
        "AffectNet/Manually_Annotated_Images",
        "images",
    ],
)
def test_photos_are_found_in_any_folder(read, tmp_path, lists, images, notes):
    photos = read(lists=lists, images=images)
    assert [photo.path for photo in photos[:2]] == [
        (tmp_path / images / name).as_posix() for name in ("0/a0.jpg", "1/a1.jpg")
    ]
    assert photos[-1].path == (tmp_path / images / "8/w.jpg").as_posix()
    assert notes == []


def test_photos_may_be_in_one_folder(read, tmp_path):
    photos = read(images="Manually_Annotated_extracted", flat=True)
    assert photos[3].path == (tmp_path / "Manually_Annotated_extracted" / "a3.jpg").as_posix()
    assert photos[3].id == "3/a3.jpg"


@pytest.mark.parametrize("suffix", [".JPG", ".png", ".jpeg"])
def test_photos_may_have_been_converted(read, tmp_path, suffix):
    assert read(suffix=suffix)[3].path == (tmp_path / "Manually_Annotated_Images" / "3" / f"a3{suffix}").as_posix()


def test_windows_paths(read, tmp_path):
    photos = read([line.replace("/", "\\", 1) for line in TRAINING])
    assert photos[3].path == (tmp_path / "Manually_Annotated_Images" / "3" / "a3.jpg").as_posix()


def test_photos_that_were_not_unpacked_keep_their_rows(read, source, tmp_path):
    read()
    for number in (0, 1, 2, 4, 5, 6):
        (tmp_path / "Manually_Annotated_Images" / str(number) / f"a{number}.jpg").unlink()
    photos = affectnet.read(source)
    assert len(photos) == 13
    assert photos[0].path == (tmp_path / "Manually_Annotated_Images" / "0" / "a0.jpg").as_posix()


@pytest.mark.parametrize("box", ["NULL,NULL,NULL,NULL", "NULL,NULL,9,9", "null,,NaN,nan", ",,,", "None,-,NA,9"])
def test_the_face_is_looked_for_where_the_box_is_null(read, box):
    row = read(with_row(f"x/b.jpg,{box},1;2,3,0,0"))[3]
    assert (row.id, row.label, row.status, row.box) == ("x/b.jpg", "surprise", "ok", None)


def test_null_boxes_are_counted(read, notes):
    read(with_row("x/b.jpg,NULL,NULL,NULL,NULL,1;2,3,0,0"))
    assert "training.csv: 1 rows have no box (NULL): detect looks for the face" in "\n".join(notes)
    notes.clear()
    read(with_row("x/b.jpg,,,,,1;2,3,0,0"))
    assert notes == []


@pytest.mark.parametrize("box", ["0,0,0,0", "5,5,-1,-1", "5,5,0,9"])
def test_rows_without_a_face_have_no_box(read, box):
    assert read(with_row(f"x/b.jpg,{box},1;2,3,0,0"))[3].box is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x/b.jpg,1,2,x,4,1;2,3,0,0", "face box '1 2 x 4' is not four numbers"),
        ("x/b.jpg,1,2,inf,4,1;2,3,0,0", "face box '1 2 inf 4' is not four numbers"),
        ("x/b.jpg,1,2,3,4,1;2,11,0,0", "label '11' is unknown: this dataset numbers its classes 0 to 10"),
        ("x/b.jpg,1,2,3,4,1;2,,0,0", "label '' is unknown"),
        ("x/b.jpg,1,2,3,4,1;2,NULL,0,0", "label 'NULL' is unknown"),
        ("x/b.jpg", "label '' is unknown"),
        (",1,2,3,4,1;2,3,0,0", "subDirectory_filePath is empty"),
    ],
)
def test_an_unusable_row_is_excluded(read, row, reason):
    photos = read(with_row(row))
    assert len(photos) == 14
    assert photos[3].status == "excluded"
    assert reason in photos[3].reason
    assert {photo.status for photo in photos[:3] + photos[4:]} == {"ok"}


def test_a_table_of_unusable_rows_is_an_error(read):
    with pytest.raises(InputError, match=r"training\.csv line 3: label '11' is unknown: .* \(1 of 2 rows cannot be used\)"):
        read(["a.jpg,1,2,3,4,1,1,0,0", "b.jpg,1,2,3,4,1,11,0,0"])


def test_tables_as_pandas_writes_them(read):
    photos = read([f"{line.rsplit(',', 3)[0]},{number}.0,0,0" for number, line in enumerate(TRAINING)])
    assert [photo.label for photo in photos[:11]] == list(affectnet.LABELS.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("name", ["validation", "training"])
def test_a_table_may_lack_its_header(read, encoding, name):
    photos = read(**{name: VALIDATION if name == "validation" else TRAINING, "headers": {name: ""}, "encoding": encoding})
    assert [photo.id for photo in photos] == [line.partition(",")[0] for line in TRAINING + VALIDATION]
    assert [photo.label for photo in photos[-2:]] == ["anger", "disgust"]


def test_a_table_of_other_columns_is_refused(read):
    with pytest.raises(
        InputError, match=r"training\.csv has no column subDirectory_filePath, expression: it has image, label"
    ):
        read(["a.jpg,1"], headers={"training": "image,label\n"})


def test_a_second_face_of_a_photo_is_a_second_row(read):
    photos = read(with_row("2/a2.jpg,50,60,9,9,1;2;3,4,0,0"))
    assert [(photo.id, photo.label, photo.box) for photo in photos[2:4]] == [
        ("2/a2.jpg", "sadness", (1, 2, 10, 11)), ("2/a2.jpg#2", "fear", (50, 60, 59, 69)),
    ]  # fmt: skip
    assert photos[2].path == photos[3].path
    assert read(with_row(TRAINING[2]))[3].reason == "an earlier row is the same"


def test_a_photo_of_both_tables_has_two_rows(read):
    photos = read(validation=[*VALIDATION, TRAINING[0]])
    assert (photos[-1].id, photos[-1].split, photos[-1].status) == ("0/a0.jpg#2", "test", "ok")


def test_tables_in_several_folders(read, source, tmp_path):
    read()
    (tmp_path / "lists").mkdir()
    (tmp_path / "validation.csv").rename(tmp_path / "lists" / "validation.csv")
    photos = affectnet.read(source)
    assert [photo.split for photo in photos] == ["train"] * 11 + ["test"] * 2


@pytest.mark.parametrize("name", ["training", "validation"])
def test_one_table_alone_is_split(read, name, notes):
    photos = read(**{name: None})
    assert {photo.split for photo in photos} == {""}
    assert "photos alone: splits are made from them" in "\n".join(notes)


def test_automatic_labels_serve_where_there_are_no_others(read, source, tmp_path):
    read()
    (tmp_path / "automatically_annotated.csv").write_text(HEADER + TRAINING[1] + "\n")
    assert len(affectnet.read(source)) == 13
    assert source.notes == [f"not read: {tmp_path / 'automatically_annotated.csv'}, whose labels are those of a network"]
    for name in ("training", "validation"):
        (tmp_path / f"{name}.csv").unlink()
    assert [photo.label for photo in affectnet.read(source)] == ["happiness"]


def test_photos_in_no_table_are_counted(read, source, tmp_path, notes):
    read()
    (tmp_path / "Manually_Annotated_Images" / "3" / "more.jpg").touch()
    affectnet.read(source)
    assert "not read, since no table names them: 1 photo, e.g. " in "\n".join(notes)


@pytest.mark.parametrize("names", [("train.csv", "val.csv"), ("Train.csv", "valid.csv"), ("training.csv", "Val.csv")])
@pytest.mark.parametrize("headers", [{}, {"training": "", "validation": ""}])
@pytest.mark.parametrize("above", [".", "lists"])
def test_tables_of_common_names(read, source, tmp_path, names, headers, above):
    published = read(headers=headers)
    (tmp_path / above).mkdir(exist_ok=True)
    for old, new in zip(("training.csv", "validation.csv"), names, strict=True):
        (tmp_path / old).rename(tmp_path / above / new)
    assert affectnet.read(source) == published


@pytest.mark.parametrize("text", ["image,label\na.jpg,1\n", "", "a.jpg\n", "1,2,3,4,5,6,7,8,9\n"])
def test_another_table_of_a_common_name_is_not_read(source, tmp_path, text):
    for split in ("train", "val"):
        (tmp_path / f"{split}.csv").write_text(text)
        for name in ("happy", "sad"):
            (tmp_path / split / name).mkdir(parents=True)
            (tmp_path / split / name / "1.jpg").touch()
    assert [photo.label for photo in affectnet.read(source)] == ["happiness", "sadness"] * 2


def test_expressions_that_count_from_1_are_refused(tmp_path):
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    for name in ("training.csv", "validation.csv"):
        rows = "".join(f"1/{i}.jpg,1,1,9,9,1;2,{i % 8 + 1},0,0\n" for i in range(16))
        (tmp_path / name).write_text(header + rows)
    with pytest.raises(InputError, match=r"training\.csv: expressions are numbered 1 to 8, but this dataset numbers"):
        affectnet.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1))


def test_a_part_of_the_expressions_may_lack_neutral(tmp_path):
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    for name in ("training.csv", "validation.csv"):
        rows = "".join(f"1/{i}.jpg,1,1,9,9,1;2,{i % 6 + 1},0,0\n" for i in range(12))
        (tmp_path / name).write_text(header + rows)
    photos = affectnet.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1))
    assert photos[0].label == "happiness"
