from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.ingest import stage as ingest
from pipeline.ingest.datasets import DatasetSource, ferplus
from pipeline.runtime.errors import InputError

NAMES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
PIXELS = " ".join(str(value % 256) for value in range(48 * 48))


def votes_for(*classes):
    """Ten columns: 3 votes for each of the classes, one for the next."""
    counts = [0] * 10
    for number in classes:
        counts[number] = 3
    counts[(max(classes) + 1) % 10] = max(1, counts[(max(classes) + 1) % 10])
    return ",".join(map(str, counts))


@pytest.fixture
def read(tmp_path):
    """Read FERPlus with the given votes, and as many photos; ``usages`` of all rows."""

    def read(votes, usages=None, pixels=None, fer_usages=None):
        usages = usages or ["Training"] * len(votes)
        fer_usages, pixels = fer_usages or usages, pixels or [PIXELS] * len(votes)
        fer = [f"0,{text},{usage}" for text, usage in zip(pixels, fer_usages, strict=True)]
        plus = [f"{usage},fer{i:07d}.png,{vote}" for i, (vote, usage) in enumerate(zip(votes, usages, strict=False))]
        header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
        (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *fer]))
        (tmp_path / "fer2013new.csv").write_text("\n".join([header, *plus]))
        return ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1))

    return read


def test_majority_decides(read):
    photos = read([votes_for(number) for number in range(10)])
    assert [photo.label for photo in photos] == NAMES
    assert {photo.status for photo in photos} == {"ok"}
    assert photos[3].id == "fer0000003"


def test_tie_is_excluded_with_its_reason(read):
    (photo,) = read([votes_for(1, 3)])
    assert (photo.status, photo.reason) == ("excluded", "votes tie")


def test_usage_is_the_split(read):
    photos = read([votes_for(0)] * 3, ["Training", "PublicTest", "PrivateTest"])
    assert [photo.split for photo in photos] == ["train", "validation", "test"]


def test_pixels_are_written_row_by_row(read):
    (photo,) = read([votes_for(0)])
    image = cv2.imread(photo.path, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image, (np.arange(48 * 48) % 256).reshape(48, 48))


def test_unknown_and_no_face_are_excluded_by_ingest(read, params, tmp_path):
    usages = ["Training"] * 4 + ["PublicTest", "PrivateTest"]
    read([votes_for(number) for number in (1, 7, 8, 9, 0, 0)], usages)
    ours = params.ingest.model_copy(update={"dataset": "ferplus", "root": str(tmp_path)})
    photos = ingest.main(
        base=params.base, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv"
    )
    assert [photo.reason for photo in photos if photo.status == "excluded"] == [
        f"label {label} is not in ingest.labels" for label in ("contempt", "unknown", "NF")
    ]


@pytest.mark.parametrize(
    "pixels", ["1 2 3", PIXELS + " 1", PIXELS.replace("255", "256"), PIXELS.replace("7", "x"), PIXELS.replace(" 5 ", " -5 ")]
)
def test_broken_pixels_are_named(read, pixels):
    with pytest.raises(
        InputError, match=r"fer2013.csv line 3: expected 2304 pixels of 0 to 255 .*: restore the published file"
    ):
        read([votes_for(0)] * 2, pixels=[PIXELS, pixels])


def test_broken_votes_are_named(read):
    with pytest.raises(
        InputError, match=r"fer2013new.csv line 3: expected a number of votes for each of neutral, happiness"
    ):
        read([votes_for(0), "0,1,x,0,0,0,0,0,0,0"])


def test_row_without_any_vote_is_not_a_face_of_a_class(read):
    (photo,) = read(["0,0,0,0,0,0,0,0,0,0"])
    assert photo.status == "excluded"


def test_tables_of_different_releases_are_named(read):
    with pytest.raises(InputError, match=r"fer2013new.csv has 1 rows, .*fer2013.csv 2: take both from one release"):
        read([votes_for(0)], usages=["Training"], pixels=[PIXELS] * 2, fer_usages=["Training"] * 2)
    with pytest.raises(InputError, match=r"fer2013new.csv line 2: Usage 'Training' does not match .*fer2013.csv line 2"):
        read([votes_for(0)], usages=["Training"], fer_usages=["PrivateTest"])
    with pytest.raises(InputError, match="Usage 'Other' does not match"):
        read([votes_for(0)], usages=["Other"])


def source(tmp_path, root="."):
    return DatasetSource(tmp_path / root, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1)


USAGES = ["Training", "Training", "PublicTest", "PrivateTest"]


@pytest.fixture
def write(tmp_path):
    """Write a table of four faces, anger, disgust, fear and happiness, with the given columns."""

    def write(name, columns=("emotion", "pixels", "Usage"), rows=range(4)):
        values = [{"emotion": str(row), "pixels": PIXELS, "Usage": USAGES[row]} for row in rows]
        lines = [",".join(row[column.strip()] for column in columns) for row in values]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n".join([",".join(columns), *lines, ""]))

    return write


@pytest.mark.parametrize(
    "name", ["fer2013.csv", "icml_face_data.csv", "FER2013.CSV", "fer2013/fer2013.csv", "a/b/icml_face_data.csv"]
)
@pytest.mark.parametrize("columns", [("emotion", "pixels", "Usage"), ("emotion", " Usage", " pixels")])
def test_without_votes_the_original_labels_count(write, tmp_path, name, columns):
    write(name, columns)
    ours = source(tmp_path)
    photos = ferplus.read(ours)
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("fer0000000", "anger", "train"), ("fer0000001", "disgust", "train"),
        ("fer0000002", "fear", "validation"), ("fer0000003", "happiness", "test"),
    ]  # fmt: skip
    assert "the labels are the original labels of FER2013, not FERPlus's votes" in ours.notes[0]
    assert cv2.imread(photos[3].path, cv2.IMREAD_UNCHANGED).shape == (48, 48)


@pytest.mark.parametrize("number", range(7))
def test_original_numbers_mean_what_fer2013_says(tmp_path, number):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{number},{PIXELS},Training\n")
    expected = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"][number]
    assert ferplus.read(source(tmp_path))[0].label == expected


def test_votes_on_icml_face_data(read, tmp_path):
    published = read([votes_for(number) for number in range(4)], USAGES)
    lines = [f"0,{usage},{PIXELS}" for usage in USAGES]
    (tmp_path / "fer2013.csv").unlink()
    (tmp_path / "icml_face_data.csv").write_text("\n".join(["emotion, Usage, pixels", *lines]))
    (tmp_path / "FERPlus-master").mkdir()
    (tmp_path / "fer2013new.csv").rename(tmp_path / "FERPlus-master" / "fer2013new.csv")
    assert ferplus.read(source(tmp_path)) == published


def test_train_csv_alone_is_split(write, tmp_path):
    write("train.csv", ("emotion", "pixels"), range(3))
    write("test.csv", ("pixels",), range(2))
    ours = source(tmp_path)
    photos = ferplus.read(ours)
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("fer0000000", "anger", ""), ("fer0000001", "disgust", ""), ("fer0000002", "fear", ""),
    ]  # fmt: skip
    assert "test.csv has no labels: its 2 photos are not read" in ours.notes[1]
    assert "has train photos alone: splits are made from them" in ours.notes[2]


def test_a_table_without_usage_is_split(write, tmp_path):
    write("fer2013.csv", ("emotion", "pixels"))
    assert {photo.split for photo in ferplus.read(source(tmp_path))} == {""}


def test_pixels_without_any_labels_are_an_error(write, tmp_path):
    write("fer2013.csv", ("pixels", "Usage"))
    with pytest.raises(InputError, match=r"fer2013\.csv has no column emotion: put fer2013new\.csv beside it"):
        ferplus.read(source(tmp_path))


def test_kaggles_parts_with_labels(write, tmp_path):
    write("train.csv", ("emotion", "pixels"), range(3))
    write("test.csv", ("emotion", "pixels"), range(3, 4))
    assert [photo.split for photo in ferplus.read(source(tmp_path))] == ["train"] * 3 + ["test"]


def test_votes_on_kaggles_parts(read, write, tmp_path):
    published = read([votes_for(number) for number in range(4)], USAGES)
    (tmp_path / "fer2013.csv").unlink()
    write("train.csv", ("emotion", "pixels"), range(2))
    write("test.csv", ("pixels",), range(2, 4))
    assert ferplus.read(source(tmp_path)) == published


def test_ferplus_as_image_files(read, tmp_path):
    read([*(votes_for(number) for number in range(3)), votes_for(9)], USAGES)
    (tmp_path / "fer2013.csv").unlink()
    text = (tmp_path / "fer2013new.csv").read_text().replace("fer0000003.png", "")
    (tmp_path / "fer2013new.csv").write_text(text)
    for number, folder in enumerate(("FER2013Train", "FER2013Train", "FER2013Valid")):
        (tmp_path / "images" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / folder / f"fer{number:07d}.png").touch()
    photos = ferplus.read(source(tmp_path))
    assert [(photo.id, photo.label, photo.split, photo.reason) for photo in photos] == [
        ("fer0000000", "neutral", "train", ""),
        ("fer0000001", "happiness", "train", ""),
        ("fer0000002", "surprise", "validation", ""),
        ("fer2013new.csv line 5", "", "test", "fer2013new.csv names no image"),
    ]
    assert photos[2].path == (tmp_path / "images" / "FER2013Valid" / "fer0000002.png").as_posix()


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("images/Train", "images/validation"), ("a/b/train", "a/b/test")]
)
def test_fer2013_in_folders_of_classes(tmp_path, train, test):
    for split in (train, test):
        for name in ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"):
            (tmp_path / "root" / split / name).mkdir(parents=True)
            (tmp_path / "root" / split / name / "1.jpg").touch()
    ours = source(tmp_path, "root")
    photos = ferplus.read(ours)
    assert [photo.label for photo in photos] == 2 * [
        "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"
    ]  # fmt: skip
    assert {(photo.id.rsplit("/", 2)[0], photo.split) for photo in photos} == {(train, "train"), (test, "test")}
    assert "original labels of FER2013" in ours.notes[0]


@pytest.mark.parametrize("pixels", ["1 2 3", PIXELS.replace("255", "256"), ""])
def test_a_row_of_broken_pixels_is_unreadable(read, pixels):
    photos = read([votes_for(0)] * 3, pixels=[PIXELS, pixels, PIXELS])
    assert [(photo.status, photo.reason) for photo in photos] == [
        ("ok", ""), ("unreadable", "expected 2304 pixels of 0 to 255"), ("ok", ""),
    ]  # fmt: skip


def test_a_row_of_broken_votes_is_excluded(read):
    photos = read([votes_for(0), "0,1,x,0,0,0,0,0,0,0", votes_for(1)])
    assert [photo.status for photo in photos] == ["ok", "excluded", "ok"]
    assert photos[1].reason.startswith("expected a number of votes for each of neutral, happiness")


def test_a_row_of_another_usage_is_excluded(read):
    photos = read([votes_for(0)] * 3, ["training", "Other", "PrivateTest"])
    assert [(photo.split, photo.status) for photo in photos] == [("train", "ok"), ("", "excluded"), ("test", "ok")]


def test_a_row_of_an_unknown_emotion_is_excluded(tmp_path):
    lines = [f"{emotion},{PIXELS},Training" for emotion in (0, 9, "", 3, 6)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    photos = ferplus.read(source(tmp_path))
    assert [photo.reason for photo in photos if photo.status != "ok"] == [
        f"label {label!r} is unknown: this dataset numbers its classes 0 to 6" for label in ("9", "")
    ]


def test_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"fer2013\.csv does not exist: check ingest\.root"):
        ferplus.read(DatasetSource(tmp_path, tmp_path, (), 1, 0, 1))


def test_original_labels_numbered_from_1_are_what_the_user_says(tmp_path):
    lines = [f"{1 + i % 7},{PIXELS},Training" for i in range(28)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    rename = {str(number): name for number, name in enumerate(ferplus.ORIGINAL.values(), start=1)}
    with pytest.raises(InputError, match=r"'7' is unknown: .* ingest.rename: {'1': anger, '2': disgust, .* '7': neutral}"):
        ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1))
    photos = ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", (), 1, 0, 1, rename))
    assert {photo.label for photo in photos} == set(rename)


def touch(tmp_path, *files):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()


@pytest.mark.parametrize("contempt", ["contempt", "Contempt", "7_contempt"])
@pytest.mark.parametrize("test", ["test", "validation"])
def test_ferplus_in_folders_of_classes(tmp_path, contempt, test):
    folders = ["angry", "disgust", "fear", "happy", "neutral", "sad", "suprise", contempt]
    touch(tmp_path, *(f"root/{split}/{name}/1.jpg" for split in ("train", test) for name in folders))
    ours = source(tmp_path, "root")
    photos = ferplus.read(ours)
    assert {photo.label for photo in photos} == set(NAMES[:8])
    assert {photo.status for photo in photos} == {"ok"}
    assert "the labels are those of a copy of FERPlus, not of FER2013" in ours.notes[0]
    assert "original labels" not in "\n".join(ours.notes)


def test_eight_numbered_folders_have_two_meanings(tmp_path):
    touch(tmp_path, *(f"root/{split}/{number}/1.jpg" for split in ("train", "test") for number in range(8)))
    ours = source(tmp_path, "root")
    with pytest.raises(
        InputError, match=r"{'0': neutral, .*'7': contempt}, or ingest.rename: {'0': anger, .*'7': contempt}"
    ):
        ferplus.read(ours)
    rename = {str(number): name for number, name in enumerate(NAMES[:8])}
    touch(tmp_path, *(f"from_1/{split}/{number}/1.jpg" for split in ("train", "test") for number in range(1, 8)))
    with pytest.raises(InputError, match=r"numbered 1 to 7, .* such as ingest.rename: {'1': anger, '2'"):
        ferplus.read(source(tmp_path, "from_1"))
    photos = ferplus.read(replace(ours, rename=rename))
    assert {photo.label for photo in photos} == set(rename)


PARTS = {"FER2013Train": (0, 1), "FER2013Valid": (2,), "FER2013Test": (3,)}


def write_parts(tmp_path, leave_out=()):
    """FERPlus's tables of parts, with a vote for class N on image N."""
    for part, numbers in PARTS.items():
        lines = [f'fer{n:07d}.png,"(0, 0, 48, 48)",{votes_for(n)}\n' for n in numbers if n not in leave_out]
        (tmp_path / "data" / part).mkdir(parents=True)
        (tmp_path / "data" / part / "label.csv").write_text("".join(lines))


def test_the_published_folders_of_ferplus(tmp_path):
    write_parts(tmp_path)
    touch(tmp_path, *(f"data/{part}/fer{n:07d}.png" for part, numbers in PARTS.items() for n in numbers))
    touch(tmp_path, "data/FER2013Test/other.png")
    ours = source(tmp_path)
    photos = ferplus.read(ours)
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("fer0000000", "neutral", "train"), ("fer0000001", "happiness", "train"),
        ("fer0000002", "surprise", "validation"), ("fer0000003", "sadness", "test"),
    ]  # fmt: skip
    assert photos[2].path == (tmp_path / "data" / "FER2013Valid" / "fer0000002.png").as_posix()
    assert "not read, since no table names them: 1 photo" in "\n".join(ours.notes)


def test_the_published_votes_of_parts_on_pixels(write, tmp_path):
    write("fer2013.csv")
    write_parts(tmp_path, leave_out=[1])
    photos = ferplus.read(source(tmp_path))
    assert [(photo.label, photo.split, photo.reason) for photo in photos] == [
        ("neutral", "train", ""), ("", "train", "no label.csv of FERPlus lists it"),
        ("surprise", "validation", ""), ("sadness", "test", ""),
    ]  # fmt: skip


def test_all_votes_come_before_those_of_parts(read, tmp_path):
    published = read([votes_for(number + 4) for number in range(4)], USAGES)
    write_parts(tmp_path)
    assert ferplus.read(source(tmp_path)) == published


def test_a_part_of_another_form_is_named(tmp_path):
    write_parts(tmp_path)
    touch(tmp_path, "data/FER2013Train/fer0000000.png")
    (tmp_path / "data" / "FER2013Test" / "label.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"FER2013Test/label\.csv has no column Image name, neutral"):
        ferplus.read(source(tmp_path))


@pytest.mark.parametrize("header", ["", "label,image,split\n"])
def test_a_table_without_the_published_header(tmp_path, header):
    lines = [f"{number},{PIXELS},{usage}" for number, usage in enumerate(USAGES)]
    (tmp_path / "fer2013.csv").write_text(header + "\n".join(lines))
    photos = ferplus.read(source(tmp_path))
    assert [(photo.label, photo.split) for photo in photos] == [
        ("anger", "train"), ("disgust", "train"), ("fear", "validation"), ("happiness", "test"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["val.csv", "valid.csv", "validation.csv"])
def test_a_part_of_validation_is_read(write, tmp_path, name):
    for part, numbers in (("train.csv", range(3)), (name, range(2)), ("test.csv", range(1))):
        write(part, ("emotion", "pixels"), numbers)
    photos = ferplus.read(source(tmp_path))
    assert [photo.split for photo in photos] == ["train"] * 3 + ["validation"] * 2 + ["test"]


def test_images_beside_the_pixels_are_counted(write, tmp_path):
    write("fer2013.csv", ("emotion", "pixels", "Usage"), range(3))
    (tmp_path / "train" / "angry").mkdir(parents=True)
    (tmp_path / "train" / "angry" / "a.jpg").write_bytes(b"x")
    read = source(tmp_path)
    ferplus.read(read)
    assert any(note.startswith("not read, since the pixels of fer2013.csv are: 1 photo, e.g. ") for note in read.notes)


def test_tables_of_parts_may_have_other_names(write, tmp_path):
    for name, row in (("fer2013_train.csv", 0), ("fer2013_val.csv", 1), ("fer2013_test.csv", 3)):
        write(name, ("emotion", "pixels"), [row])
    photos = ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1))
    assert [(photo.label, photo.split) for photo in photos] == [
        ("anger", "train"),
        ("disgust", "validation"),
        ("happiness", "test"),
    ]


@pytest.mark.parametrize("table", ["fer2013.csv", "labels.csv"])
def test_a_table_of_photos_and_labels_is_read(tmp_path, table):
    (tmp_path / "images").mkdir()
    for number in range(3):
        (tmp_path / "images" / f"{number}.png").write_bytes(b"x")
    rows = ["3,images/0.png,Training", "6,images/1.png,PublicTest", "Angry,images/2.png,PrivateTest"]
    (tmp_path / table).write_text("\n".join(["emotion,path,Usage", *rows]))
    notes = []
    photos = ferplus.read(DatasetSource(tmp_path, tmp_path / "photos", tuple(NAMES[:7]), 1, 0, 1, notes=notes))
    assert [(photo.id, photo.label, photo.split) for photo in photos] == [
        ("images/0.png", "happiness", "train"),
        ("images/1.png", "neutral", "validation"),
        ("images/2.png", "anger", "test"),
    ]
    assert any("the labels are the original labels of FER2013" in note for note in notes)


@pytest.mark.parametrize("rare", [1, 9])
def test_a_table_of_eight_numbers_has_two_meanings(tmp_path, rare):
    labels = [*range(7)] * 20 + [7] * rare
    (tmp_path / "labels.csv").write_text("".join(f"{i}.png,{label}\n" for i, label in enumerate(labels)))
    source = DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1)
    with pytest.raises(
        InputError, match="copies of FERPlus number its 8 classes in two ways: look at some photos, and write"
    ):
        ferplus.read(source)
    names = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
    rename = {str(number): name for number, name in enumerate(names)}
    photos = ferplus.read(replace(source, rename=rename))
    assert [photo.label for photo in photos] == [str(label) for label in labels]  # as check_labels renames them


@pytest.mark.parametrize("contempt", ["contempt", "Contemptuous"])
def test_a_table_with_contempt_is_one_of_ferplus(tmp_path, contempt):
    (tmp_path / "labels.csv").write_text(f"image,label\na.png,happy\nb.png,{contempt}\nc.png,neutral\n")
    source = DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1)
    assert [photo.label for photo in ferplus.read(source)] == ["happiness", "contempt", "neutral"]
    assert (
        source.notes[-1]
        == f"{tmp_path / 'labels.csv'} has 8 classes: the labels are those of a copy of FERPlus, not of FER2013"
    )


def pixels(number, label=0):
    return "".join(f"{label},{' '.join(['7'] * 48 * 48)}\n" for _ in range(number))


@pytest.mark.parametrize("other", ["testing.csv", "PrivateTest.csv"])
def test_two_tables_of_one_split_are_named(tmp_path, other):
    for name in ("train.csv", "test.csv", other):
        (tmp_path / name).write_text("emotion,pixels\n" + pixels(2))
    with pytest.raises(InputError, match=r"\w+\.csv and \w+\.csv may be the table of the test photos: keep one"):
        ferplus.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1))


def test_tables_without_pixels_do_not_count(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"fer2013_{split}.csv").write_text("emotion,pixels\n" + pixels(2))
        (tmp_path / f"fer2013_{split}_labels.csv").write_text("id,emotion\n0,1\n1,2\n")
    photos = ferplus.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1))
    assert [photo.split for photo in photos] == ["train", "train", "test", "test"]


def test_other_tables_of_pixels_are_named(tmp_path):
    for name in ("fer2013.csv", "train.csv"):
        (tmp_path / name).write_text("emotion,pixels,Usage\n" + pixels(2).replace("\n", ",Training\n"))
    source = DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1)
    assert len(ferplus.read(source)) == 2
    assert "not read: train.csv" in source.notes


def test_a_table_of_another_format_is_named_with_its_fix(tmp_path):
    (tmp_path / "fer2013.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"holds fer2013\.xlsx: save it as labels\.csv, with the columns image and label"):
        ferplus.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1))


def test_a_table_that_counts_from_1_is_one_of_fer2013(tmp_path):
    (tmp_path / "labels.csv").write_text("".join(f"{i}.png,{i % 7 + 1}\n" for i in range(14)))
    source = DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1)
    with pytest.raises(
        InputError, match=r"labels\.csv: labels are numbered 1 to 7, but this dataset numbers its classes 0 to 6"
    ):
        ferplus.read(source)
    rename = {str(number): "anger" for number in range(1, 8)}
    assert len(ferplus.read(replace(source, rename=rename))) == 14
    assert "the labels are the original labels of FER2013" in source.notes[-1]


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ([*range(8)], r"copies of FERPlus number its 8 classes in two ways"),
        ([*range(1, 8)], r"fer2013\.csv: emotions are numbered 1 to 7, but this dataset numbers its classes 0 to 6"),
    ],
)
def test_pixels_with_other_numbers_are_refused(tmp_path, numbers, problem):
    rows = "".join(pixels(1, number).replace("\n", ",Training\n") for number in [*numbers, *numbers[:-1] * 3])
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + rows)
    with pytest.raises(InputError, match=problem):
        ferplus.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1))


def test_the_label_of_a_row_without_pixels_says_nothing(tmp_path):
    rows = "".join(pixels(1, number).replace("\n", ",Training\n") for number in range(7))
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n7,1 2 3,Training\n{rows}")
    photos = ferplus.read(DatasetSource(tmp_path, tmp_path / "made", (), 1, 0, 1))
    assert [photo.status for photo in photos] == ["unreadable", *["ok"] * 7]
