import cv2
import numpy as np
import pytest

from pipeline.faces import manifest
from pipeline.ingest import generated_photos
from pipeline.ingest import stage as ingest
from pipeline.runtime.errors import InputError

LABELS = ("anger", "fear")


@pytest.fixture
def run(params, tmp_path):
    """Ingest a dataset with the labels anger and fear."""

    def run(**changes):
        ours = params.ingest.model_copy(update={"labels": LABELS, "root": str(tmp_path / "root"), **changes})
        return ingest.main(
            base=params.base, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv"
        )

    return run


@pytest.fixture
def folders(tmp_path):
    """Ten photos of each label, without splits."""
    for label in LABELS:
        (tmp_path / "root" / label).mkdir(parents=True)
        for number in range(10):
            cv2.imwrite(str(tmp_path / "root" / label / f"{number}.png"), np.zeros((4, 4), np.uint8))
    return tmp_path / "root"


def rafdb(root, lines, images=True):
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    (root / "Image" / "original").mkdir(parents=True)
    if images:
        (root / "Image" / "original" / "train_0.jpg").write_bytes(b"x")


def test_folder_is_split_and_written(run, folders, tmp_path):
    photos = run(dataset="folder", test_fraction=0.2, validation_fraction=0.25)
    assert manifest.read(tmp_path / "manifest.csv") == photos
    assert [photo.split for photo in photos].count("test") == 4
    assert [photo.split for photo in photos].count("validation") == 4
    assert (tmp_path / "photos").is_dir()


def test_seed_decides_the_split(run, folders, params, tmp_path):
    photos = run(dataset="folder")
    assert run(dataset="folder") == photos
    ours = params.ingest.model_copy(update={"labels": LABELS, "root": str(folders), "dataset": "folder"})
    other = params.base.model_copy(update={"seed": 1})
    assert (
        ingest.main(base=other, params=ours, photos_dir=tmp_path / "photos", manifest_path=tmp_path / "manifest.csv")
        != photos
    )


def test_unknown_label_of_the_users_own_photos_is_an_error(run, folders, tmp_path):
    (folders / "contempt").mkdir()
    (folders / "contempt" / "1.png").write_bytes(b"x")
    text = (
        r"labels unknown to ingest.labels \(anger, fear\): 'contempt' \(1 photo\): write in params.yaml ingest.rename: "
        r"{contempt: '\?'} with one of ingest.labels for each \?, or null"
    )
    with pytest.raises(InputError, match=text):
        run(dataset="folder")
    assert not (tmp_path / "manifest.csv").exists()
    (folders / "contempt").rename(folders / "FEAER")
    with pytest.raises(
        InputError, match=r"'FEAER' \(1 photo\): write in params.yaml ingest.rename: {FEAER: fear} if that is"
    ):
        run(dataset="folder")


def test_renamed_labels_and_labels_in_another_case_are_taken(run, folders, capsys):
    (folders / "anger").rename(folders / "0")
    (folders / "fear").rename(folders / "FEAR")
    (folders / "contempt").mkdir()
    (folders / "contempt" / "1.png").write_bytes(b"x")
    photos = run(dataset="folder", rename={"0": "anger", "contempt": None, "joy": "fear"})
    assert [photo.label for photo in photos].count("anger") == [photo.label for photo in photos].count("fear") == 10
    (left_out,) = [photo for photo in photos if photo.status != "ok"]
    assert (left_out.id, left_out.reason) == ("contempt/1.png", "ingest.rename leaves label contempt out")
    assert capsys.readouterr().err.splitlines()[0] == "ingest.rename: no photo has the label 'joy'"


def test_what_is_passed_over_is_said(run, folders, capsys):
    for name in ("anger/.ipynb_checkpoints", "__MACOSX", "docs"):
        (folders / name).mkdir()
        (folders / name / "0.txt").write_bytes(b"x")
    assert len(run(dataset="folder")) == 20
    said = capsys.readouterr().err
    assert "passed over: 2 files of tools and systems (.ipynb_checkpoints, __MACOSX)\n" in said
    assert f"passed over: 1 folder without photos, with 1 file ({folders.as_posix()}/docs)\n" in said


def test_other_classes_of_a_public_dataset_keep_their_row(run, tmp_path):
    """RAF-DB: 6 anger, 2 fear, 4 happiness."""
    lines = [f"train_{i}.jpg {(6, 2, 4)[i % 3]}" for i in range(30)] + ["test_0.jpg 6", "test_1.jpg 4"]
    rafdb(tmp_path / "root", lines)
    photos = run(dataset="rafdb", validation_fraction=0.2)
    assert len(photos) == 32
    out = [photo for photo in photos if photo.status == "excluded"]
    assert len(out) == 11
    assert {(photo.label, photo.split, photo.reason) for photo in out} == {
        ("happiness", "", "label happiness is not in ingest.labels")
    }
    assert [photo.split for photo in photos].count("validation") == 4
    assert photos[30].split == "test"


def test_photos_that_are_elsewhere_are_noticed_at_once(run, tmp_path):
    rafdb(tmp_path / "root", ["train_0.jpg 6", "train_1.jpg 2", "test_0.jpg 6"], images=False)
    with pytest.raises(InputError, match=r"none of the 3 photos exists, e.g. .*train_0.jpg: check ingest.root"):
        run(dataset="rafdb")


@pytest.mark.parametrize("root", ["none", "file"])
def test_root_that_is_no_folder_is_named(run, tmp_path, root):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=f"ingest.root '.*{root}' is not a folder: give the folder of the csv photos"):
        run(dataset="csv", root=str(tmp_path / root))


def test_an_ingest_that_is_refused_leaves_the_earlier_pictures(run, folders, tmp_path):
    with generated_photos.replaced(tmp_path / "photos") as building:
        (building / "a.png").write_text("earlier")
    with pytest.raises(InputError, match="the validation split is empty"):
        run(dataset="folder", validation_fraction=0)
    assert (tmp_path / "photos" / "a.png").read_text() == "earlier"
    run(dataset="folder")
    assert not (tmp_path / "photos" / "a.png").exists()


def test_empty_split_is_named(run, folders, tmp_path):
    with pytest.raises(InputError, match=r"the validation split is empty: .*raise ingest\.validation_fraction"):
        run(dataset="folder", validation_fraction=0.0)
    with pytest.raises(InputError, match=r"the test split is empty: .*raise ingest\.test_fraction"):
        run(dataset="folder", test_fraction=0.0)


def test_same_name_under_two_labels_is_two_photos(run, folders):
    assert len({photo.id for photo in run(dataset="folder")}) == 20


def test_file_name_that_is_no_text_is_named(run, folders, tmp_path):
    try:
        (folders / "fear" / "0.png").rename(folders / "fear" / "caf\udce9.png")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match=r"caf\\udce9.png' is not valid UTF-8 text: rename the file"):
        run(dataset="folder", test_fraction=0.2, validation_fraction=0.2)


def test_a_name_that_no_file_can_have_keeps_its_row(run, folders):
    (folders / "labels.csv").write_text(
        f"image,label\n{'x' * 300}.jpg,fear\n"
        + "".join(f"{label}/{number}.png,{label}\n" for label in LABELS for number in range(10))
    )
    assert len(run(dataset="csv")) == 21


def test_an_unusable_row_of_a_public_dataset_reaches_the_manifest(run, tmp_path, capsys):
    """AffectNet's older layout without the header of validation.csv, with a box NULL and a damaged box."""
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    lines = [f"{number}/{number}.jpg,1,2,9,9,1;2,{(6, 4)[number % 2]},0,0" for number in range(24)]
    lines[3] = lines[3].replace(",1,2,9,9,", ",NULL,NULL,NULL,NULL,")
    lines[5] = lines[5].replace(",1,2,9,9,", ",1,2,9,x,")
    (tmp_path / "root" / "lists").mkdir(parents=True)
    (tmp_path / "root" / "lists" / "training.csv").write_text("\n".join([header, *lines[:20]]))
    (tmp_path / "root" / "lists" / "validation.csv").write_text("\n".join(lines[20:]))
    for number in range(24):
        (tmp_path / "root" / "Manually_Annotated" / f"{number}").mkdir(parents=True)
        (tmp_path / "root" / "Manually_Annotated" / f"{number}" / f"{number}.jpg").write_bytes(bytes([number]))
    run(dataset="affectnet", validation_fraction=0.2)
    photos = manifest.read(tmp_path / "manifest.csv")
    assert (photos[3].status, photos[3].box) == ("ok", None)
    assert (photos[5].status, photos[5].reason) == ("excluded", "face box '1 2 9 x' is not four numbers")
    assert all(photo.sha256 for photo in photos)
    assert {photo.split for photo in photos[20:]} == {"test"}
    assert "1 rows have no box (NULL): detect looks for the face" in capsys.readouterr().err


def test_notes_come_before_the_error_that_they_explain(run, tmp_path, capsys):
    for name in ("subject01/anger", "subject02/fear"):
        (tmp_path / "persons" / name).mkdir(parents=True)
        (tmp_path / "persons" / name / "a.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"split is empty: .* subjects"):
        run(dataset="folder", root=str(tmp_path / "persons"))
    assert "are taken as subjects" in capsys.readouterr().err


def test_a_true_error_is_not_hidden_by_a_packed_file(run, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "fer2013.tar.gz").write_bytes(b"x")
    with pytest.raises(InputError, match=r"root holds no photo, but fer2013\.tar\.gz: unpack it"):
        run(dataset="ferplus")
    (root / "fer2013.csv").write_text("emotion,pixels,Usage\n0,1 2 3,Training\n")
    with pytest.raises(InputError, match=r"fer2013\.csv line 2: expected 2304 pixels"):
        run(dataset="ferplus")


def test_the_packed_photos_of_a_list_are_named(run, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "images.zip").write_bytes(b"x")
    (root / "labels.csv").write_text("image,label\na.jpg,anger\n")
    with pytest.raises(
        InputError, match=r"none of the 1 photos exists, .*: .*root holds no photo, but images\.zip: unpack it"
    ):
        run(dataset="csv")
