import os

import pytest

from pipeline.ingest.datasets import DatasetSource, csv
from pipeline.runtime.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return csv.read(DatasetSource(tmp_path, tmp_path / "photos", ("anger", "fear"), 1, 0, 1))

    return read


def test_columns_become_photos(read, tmp_path):
    photos = read("image,label,subject,split\nimages/a.jpg,anger,s1,train\nb c/größe.png,fear,,test\n")
    assert [(photo.id, photo.label, photo.subject, photo.split) for photo in photos] == [
        ("images/a.jpg", "anger", "s1", "train"),
        ("b c/größe.png", "fear", "", "test"),
    ]
    assert photos[1].path == (tmp_path / "b c" / "größe.png").as_posix()


def test_subject_and_split_are_optional_and_columns_come_in_any_order(read):
    (photo,) = read("note,label,image\nx,anger,a.jpg\n")
    assert (photo.id, photo.label, photo.subject, photo.split) == ("a.jpg", "anger", "", "")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("splits", "split"), ("Splits", "split"), ("subjet", "subject"), ("bbox", "box")],
)
def test_column_in_another_spelling_is_named(read, name, meant):
    with pytest.raises(InputError, match=f"labels.csv has the column '{name}': write {meant}, or rename it if"):
        read(f"image,label,{name}\na.jpg,anger,x\n")


def test_columns_that_are_not_read_are_said(read, capsys):
    read("image,label,split,subset,object,box_x,subject_age,labels,\na.jpg,anger,train,x,x,1,x,x,\n")
    assert capsys.readouterr().err.endswith(
        "labels.csv: not read: 'subset', 'object', 'box_x', 'subject_age', 'labels' "
        "(columns that are read: image, label, subject, split, box)\n"
    )
    read(",image,label\n0,a.jpg,anger\n")
    assert capsys.readouterr().err == ""


def test_boxes_are_optional(read):
    photos = read("image,label,box\na.jpg,anger,10 20.5  110 140\nb.jpg,anger,\n")
    assert [photo.box for photo in photos] == [(10, 20.5, 110, 140), None]
    assert read("image,label\na.jpg,anger\n")[0].box is None


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ("1 2 3", "box '1 2 3' is not four numbers: write left top right bottom"),
        ("a b c d", "is not four numbers"),
        ('"1,2,3"', "is not four numbers"),
        ("1 2 nan 4", "is not finite"),
        ("1 2 1 4", "is empty: right must be larger than left"),
        ("1 4 3 2", "is empty"),
    ],
)
def test_malformed_box_is_named(read, box, problem):
    with pytest.raises(InputError, match=f"labels.csv line 3: .*{problem}"):
        read(f"image,label,box\na.jpg,anger,\nb.jpg,anger,{box}\n")


@pytest.mark.parametrize("box", ['"1,2,3,4"', '"[1, 2, 3, 4]"', '"(1; 2; 3; 4)"', "1.0 2.0 3 4"])
def test_a_box_may_have_brackets_and_commas(read, box):
    assert read(f"image,label,box\na.jpg,anger,{box}\n")[0].box == (1, 2, 3, 4)


@pytest.mark.parametrize("value", ["nan", "NaN", "NULL", "None", "N/A"])
def test_what_pandas_writes_for_no_value_is_no_value(read, value):
    """A subject NaN would make one person of all photos."""
    (photo,) = read(f"image,label,subject,split,box\na.jpg,anger,{value},{value},{value}\n")
    assert (photo.subject, photo.split, photo.box) == ("", "", None)


def test_a_photo_without_a_label_keeps_its_row(read):
    _, photo = read("image,label\na.jpg,anger\nb.jpg,\n")
    assert (photo.status, photo.reason) == ("excluded", "no label")


def test_absolute_paths_are_kept(read, tmp_path):
    (photo,) = read(f"image,label\n{tmp_path}/elsewhere/a.jpg,anger\n")
    assert photo.path == f"{tmp_path}/elsewhere/a.jpg"


@pytest.mark.parametrize(
    "text",
    [
        *("\ufeffimage,label\na.jpg,anger\n", "image, label\r\na.jpg, anger \r\n\r\n", '"image","label"\n"a.jpg","anger"'),
        *(" Image ,LABEL\na.jpg,anger\n,,\n,,\n", "image;label;;\r\na.jpg;anger;;\r\n;;;\r\n"),
        "image\tlabel\r\na.jpg\tanger\r\n".encode("utf-16"),
        "image,label,Größe\na.jpg,anger,ä\n".encode("cp1252"),
    ],
)
def test_what_spreadsheets_write_is_read(read, text):
    (photo,) = read(text)
    assert (photo.id, photo.label) == ("a.jpg", "anger")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "image,feeling\na.jpg,anger\n",
            "labels.csv has no column label: it has image, feeling: name the columns in the fir",
        ),
        ("image,class,emotion\na.jpg,1,anger\n", "labels.csv has no column label: it has image, class, emotion"),
        ("a,b\nc,d\n", "labels.csv has no column image, label: it has a, b: name the columns in the first line"),
        ("a.jpg,anger,5\n", "labels.csv has no column image, label: it has a.jpg, anger, 5: name"),
        ("", "labels.csv is empty: it must have a header, and a line for each photo"),
        ("image,label\n", "labels.csv has a header but no rows"),
        ("image,label\n,anger\n", "labels.csv line 2: image is empty"),
        ("image,label\na.jpg\n", "labels.csv gives no photo a label: fill in the column label"),
        (b"PK\3\4image,label\n", "labels.csv is a workbook or another binary file: save it as CSV"),
        (b"image,label\n\x81.jpg,anger\n", "labels.csv is not a CSV file in UTF-8"),
    ],
)
def test_mistake_is_named(read, text, match):
    with pytest.raises(InputError, match=match):
        read(text)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_taken(read, separator):
    (photo,) = read(f"image{separator}label\na.jpg{separator}anger\n")
    assert (photo.id, photo.label) == ("a.jpg", "anger")


def test_columns_are_read_in_any_case(read):
    (photo,) = read(" Image,LABEL,Split ,BOX, subject\na.jpg,anger,VAL,1 2 3 4,bob\n")
    assert (photo.id, photo.label, photo.split, photo.box, photo.subject) == (
        "a.jpg",
        "anger",
        "validation",
        (1, 2, 3, 4),
        "bob",
    )


def test_splits_may_have_other_names(read):
    photos = read("image,label,split\na,fear,Train\nb,fear,dev\nc,fear,TESTING\nd,fear,val_set\n")
    assert [photo.split for photo in photos] == ["train", "validation", "test", "validation"]


@pytest.mark.parametrize("written", [r"images\sub\a.jpg", "images/SUB/a.JPG", "IMAGES/sub/a.jpg", "'images/sub/a.jpg'"])
def test_paths_of_other_systems_are_found(read, tmp_path, written):
    (tmp_path / "images" / "sub").mkdir(parents=True)
    (tmp_path / "images" / "sub" / "a.jpg").write_bytes(b"x")
    (photo,) = read(f"image,label\n{written},anger\n")
    assert (photo.id, photo.path) == ("images/sub/a.jpg", (tmp_path / "images" / "sub" / "a.jpg").as_posix())


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system")
def test_absolute_paths_of_windows_say_so_in_their_row(read):
    windows, here = read("image,label,split\nC:\\faces\\a.jpg,anger,test\nb.jpg,anger,test\n")
    assert (windows.status, windows.split) == ("unreadable", "test")
    assert windows.reason == (r"C:\faces\a.jpg is a path of another machine: write it relative to labels.csv")
    assert here.status == "ok"


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system")
def test_absolute_paths_of_windows_are_found_by_their_end(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("image,label\nC:\\me\\Images\\A.jpg,anger\nC:\\b.jpg,anger\n")
    source = DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1)
    assert [(photo.id, photo.status) for photo in csv.read(source)] == [("images/a.jpg", "ok"), (r"C:\b.jpg", "unreadable")]
    assert source.notes == [
        rf"1 paths of another machine are found by their last parts, e.g. C:\me\Images\A.jpg is {tmp_path}/images/a.jpg"
    ]


def test_two_faces_of_one_photo_are_two_rows(read, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    photos = read("image,label,box\na.jpg,anger,1 2 3 4\nA.JPG,fear,5 6 7 8\nb.jpg,fear,\na.jpg,fear,5 6 7 8\n")
    assert [(photo.id, photo.label, photo.status) for photo in photos] == [
        ("a.jpg", "anger", "ok"),
        ("a.jpg#2", "fear", "ok"),
        ("b.jpg", "fear", "ok"),
        ("a.jpg#3", "fear", "excluded"),
    ]
    assert photos[3].reason == "it repeats line 3 of the table"


def test_a_photo_with_two_labels_is_named(read):
    with pytest.raises(
        InputError, match=r"labels\.csv line 3: a\.jpg is also in line 2, with other values: keep the right line"
    ):
        read("image,label\na.jpg,anger\na.jpg,fear\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows takes names in any case")
def test_the_table_may_have_another_case(tmp_path):
    (tmp_path / "Labels.CSV").write_text("image,label\na.jpg,anger\n")
    assert len(csv.read(DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1))) == 1


def test_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"labels\.csv does not exist: check ingest\.root and ingest\.dataset"):
        csv.read(DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1))


def test_root_may_be_too_high(tmp_path):
    for folder in ("archive", "__MACOSX"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "labels.csv").write_text("image,label\nimages/a.jpg,anger\n")
    source = DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1)
    (photo,) = csv.read(source)
    assert (photo.id, photo.path) == ("images/a.jpg", (tmp_path / "archive" / "images" / "a.jpg").as_posix())
    assert source.notes == [f"the table is {tmp_path / 'archive' / 'labels.csv'}, so its folder counts as the root"]
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "labels.csv").write_text("image,label\na.jpg,anger\n")
    (tmp_path / "Labels.xlsx").write_text("x")
    with pytest.raises(InputError, match=r"several tables that list photos, archive/labels\.csv, second/labels\.csv: keep"):
        csv.read(source)


def test_a_folder_named_as_the_table_is_none(tmp_path):
    (tmp_path / "labels.csv").mkdir()
    source = DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1)
    with pytest.raises(InputError, match=r"labels\.csv is a folder and no table: check ingest\.root"):
        csv.read(source)
    (tmp_path / "labels.csv" / "part-0.csv").write_text("image,label\na.jpg,anger\n")
    assert [photo.id for photo in csv.read(source)] == ["a.jpg"]


@pytest.fixture
def photos_below(tmp_path):
    for name in ("faces/a.jpg", "faces/happy/b.PNG", "faces/x/c.jpg", "faces/y/c.jpg", "faces/.ipynb_checkpoints/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")


@pytest.mark.usefixtures("photos_below")
def test_photos_are_found_below_the_root_by_their_names(tmp_path):
    written = ("a.jpg", "happy/b.png", "B", "c.jpg", r"Y\C.JPG", "d.jpg")
    (tmp_path / "labels.csv").write_text("image,label\n" + "".join(f"{name},anger\n" for name in written))
    source = DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1)
    assert [(photo.id, photo.status, photo.reason) for photo in csv.read(source)] == [
        ("faces/a.jpg", "ok", ""),
        ("faces/happy/b.PNG", "ok", ""),
        ("faces/happy/b.PNG#2", "excluded", "it repeats line 3 of the table"),
        ("c.jpg", "unreadable", "2 photos have this name: write the path relative to labels.csv"),
        ("faces/y/c.jpg", "ok", ""),
        ("d.jpg", "ok", ""),  # no such photo: detect says so
    ]
    several = f"{tmp_path / 'labels.csv'} line 5: 2 photos have this name: write the path relative to labels.csv"
    assert source.notes[-1] == f"1 row without a photo of its own, e.g. {several}"
    first = f"a.jpg is {tmp_path.as_posix()}/faces/a.jpg"
    assert source.notes[0] == f"4 photos are found in other folders below {tmp_path}, e.g. {first}"


@pytest.mark.usefixtures("photos_below")
def test_photos_are_found_beside_the_folder_of_the_table(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "labels.csv").write_text("image,label\na.jpg,anger\n")
    (photo,) = csv.read(DatasetSource(tmp_path, tmp_path, ("anger",), 1, 0, 1))
    assert photo.id == "../faces/a.jpg"
    assert (tmp_path / "faces" / "a.jpg").samefile(photo.path)


def test_rows_of_clutter_are_excluded_with_the_reason(read):
    names = ("._a.jpg", ".ipynb_checkpoints/a-checkpoint.jpg", "x/@eaDir/a.jpg", "a.sync-conflict-20240101-120000-AB.jpg")
    photos = read("image,label\n.own/a.jpg,anger\na-checkpoint.jpg,anger\n" + "".join(f"{name},anger\n" for name in names))
    assert [photo.status for photo in photos] == ["ok", "ok", *["excluded"] * 4]
    assert photos[3].reason == ".ipynb_checkpoints is a name that tools and systems give"


def test_real_table(faces_dir):
    photos = csv.read(DatasetSource(faces_dir, faces_dir, (), 1, 0, 1))
    assert len(photos) == 1257
    assert {photo.split for photo in photos} == {"train", "test"}


def test_photos_that_the_table_does_not_name_are_counted(tmp_path):
    for name in ("a.jpg", "b.jpg", "in/c.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,anger\n")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1)
    assert len(csv.read(source)) == 1
    assert source.notes[-1].startswith("not read, since labels.csv does not name them: 2 photos, e.g. ")
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,anger\nb.jpg,anger\nin/c.png,anger\n")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1)
    csv.read(source)
    assert source.notes == []


@pytest.mark.parametrize("written", ["in/../a.jpg", "link.jpg", "folder/a.jpg"])
def test_a_photo_that_the_table_names_by_another_path_is_not_counted(tmp_path, written):
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "in/c.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "labels.csv").write_text(f"image,label\n{written},anger\n")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1)
    assert len(csv.read(source)) == 1
    assert (
        source.notes[-1]
        == "not read, since labels.csv does not name them: 1 photo, e.g. " + (tmp_path / "in/c.png").as_posix()
    )


@pytest.mark.parametrize("outer", ["", "test/mine/"])
@pytest.mark.parametrize("is_absolute", [True, False])
def test_splits_come_from_the_folders_if_the_table_has_none(tmp_path, outer, is_absolute):
    names = ["Training/a.jpg", "Training/b.jpg", "test_set/a.jpg"]
    root = tmp_path / outer
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "labels.csv").write_text("".join(f"{root / name if is_absolute else name},anger\n" for name in names))
    source = DatasetSource(root, tmp_path / "photos", ("anger",), 1, 0, 1)
    assert [photo.split for photo in csv.read(source)] == ["train", "train", "test"]
    assert "the table gives no splits: those of the photos' folders are taken" in source.notes
    with (root / "labels.csv").open("a") as table:
        table.write("gone.jpg,anger\n")  # which is no reason to make other splits
    *photos, gone = csv.read(source)
    assert [photo.split for photo in photos] == ["train", "train", "test"]
    assert (gone.status, gone.reason) == ("unreadable", "there is no photo of this path")


@pytest.mark.parametrize("name", ["c.jpg", "extra/c.jpg"])
def test_a_photo_outside_the_folders_of_splits_is_named(tmp_path, name):
    for path in ("train/a.jpg", "test/b.jpg", name):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    (tmp_path / "labels.csv").write_text(f"image,label\ntrain/a.jpg,anger\ntest/b.jpg,anger\n{name},anger\n")
    with pytest.raises(InputError, match=rf"labels\.csv line 4: {name} is in no folder of a split, but other photos are"):
        csv.read(DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1))


@pytest.mark.parametrize(
    ("split", "folders", "found"),
    [
        ("test", ["train"], None),
        ("train", ["test"], None),
        ("train", ["val"], None),
        ("validation", ["train", "val"], "val"),
        ("test", ["train", "images"], "images"),
        ("validation", ["train"], "train"),  # of which validation photos were taken
        ("test", ["val"], "val"),  # as papers do with AffectNet
    ],
)
def test_a_bare_name_is_no_photo_of_another_split(tmp_path, split, folders, found):
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(b"x")
    (tmp_path / "b.jpg").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text(f"image,label,split\na.jpg,anger,{split}\nb.jpg,anger,train\n")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1)
    photo = csv.read(source)[0]
    if found:
        assert (photo.id, photo.status) == (f"{found}/a.jpg", "ok")
    else:
        reason = f"its split is {split}, but the photo of its name is in {folders[0]}: write its path if it is meant"
        assert (photo.status, photo.reason) == ("unreadable", reason)
        is_said = any(reason in note and f"none of the 1 {split} photos exists" in note for note in source.notes)
        assert is_said == (split == "test")  # of which there are no others


@pytest.mark.parametrize("value", ["-", "NA", "NaN"])
def test_a_table_of_missing_labels_is_named(read, value):
    with pytest.raises(InputError, match=r"labels\.csv gives no photo a label: fill in the column label"):
        read(f"image,label\na.jpg,{value}\nb.jpg,\n")


def test_a_row_in_other_letters_repeats_a_row(read):
    _, photo = read("image,label\na.jpg,anger\na.jpg,Anger \n")
    assert (photo.status, photo.reason) == ("excluded", "it repeats line 2 of the table")


def test_a_name_that_no_file_can_have_is_no_photo_beside_the_table(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "labels.csv").write_bytes(b"image,label\na.jpg,anger\nb\x00.jpg,anger\n")
    source = DatasetSource(tmp_path, tmp_path / "photos", ("anger",), 1, 0, 1)
    assert [photo.id for photo in csv.read(source)] == ["a.jpg", "b\x00.jpg"]
    assert source.notes == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("image,label\na, b.jpg,anger\n", r"labels\.csv line 2 has 3 values, but the table has 2 columns: put quotation"),
        (
            'image,label\na.jpg,"anger\nb.jpg,fear\nc.jpg,fear\n',
            r"labels\.csv line 4: the label has a line break: close the q",
        ),
        (
            'image,label\na.jpg,anger\n"b.jpg,fear\nc.jpg,fear\n',
            r"a quotation mark is not closed, in the lines before line 5",
        ),
    ],
)
def test_a_broken_line_is_named_with_its_fix(read, text, problem):
    with pytest.raises(InputError, match=problem):
        read(text)


@pytest.mark.parametrize("value", ["NaN", "null", "N/A", ""])
def test_a_missing_label_is_no_label(read, value):
    photos = read(f"image,label\na.jpg,anger\nb.jpg,{value}\n")
    assert [(photo.label, photo.status, photo.reason) for photo in photos] == [
        ("anger", "ok", ""),
        ("", "excluded", "no label"),
    ]


@pytest.mark.parametrize("header", ["Dateiname;Emotion", "Bild;Label", "image_id;label"])
def test_a_separator_is_found_in_a_header_of_other_names(read, header):
    assert [(photo.id, photo.label) for photo in read(f"{header}\r\na.jpg;anger\r\n")] == [("a.jpg", "anger")]
    with pytest.raises(InputError, match="it has Foto, Gefuehl: name the columns in the first line"):
        read("Foto;Gefuehl\na;b\n")
