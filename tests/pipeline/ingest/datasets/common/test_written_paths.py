import os
import unicodedata

import pytest

from pipeline.ingest.datasets.common import written_paths


@pytest.fixture
def root(tmp_path):
    (tmp_path / "Images" / "Anger").mkdir(parents=True)
    for name in ("a.jpg", "größe.jpg", "with blank.PNG"):
        (tmp_path / "Images" / "Anger" / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    "written",
    [
        *("Images/Anger/a.jpg", "./Images/Anger/a.jpg", r"Images\Anger\a.jpg", r".\Images\Anger\a.jpg"),
        *("images/anger/A.JPG", r"IMAGES\anger\a.JPG", '"Images/Anger/a.jpg"', r"'Images\Anger\a.jpg'"),
        *("Images/../Images/Anger/a.jpg", "images/../images/anger/a.jpg", "/Images/Anger/a.jpg", r"\images\anger\a.jpg"),
    ],
)
def test_the_file_is_found_however_it_is_written(root, written):
    found = written_paths.find(root, written)
    assert found.samefile(root / "Images" / "Anger" / "a.jpg")
    assert found.name == "a.jpg"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_are_found_in_both_unicode_forms(root, form):
    assert written_paths.find(root, unicodedata.normalize(form, "Images/Anger/GRÖßE.jpg")).name == "größe.jpg"


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system")
def test_the_longest_end_of_a_path_of_windows_is_found(root):
    (root / "a.jpg").write_bytes(b"x")
    assert written_paths.find(root, r"C:\Users\me\faces\images\anger\A.JPG") == root / "Images" / "Anger" / "a.jpg"
    assert written_paths.find(root, r"\\server\faces\a.jpg") == root / "a.jpg"
    assert written_paths.find(root, "/mnt/theirs/faces/Images/Anger/a.jpg") == root / "Images" / "Anger" / "a.jpg"
    assert written_paths.find(root, f"{root.name}/Images/Anger/a.png") == root / "Images" / "Anger" / "a.jpg"
    assert written_paths.find(root, "Images/Anger/a") == root / "Images" / "Anger" / "a.jpg"


def test_absolute_paths_are_found(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("USERPROFILE", str(root))
    photo = root / "Images" / "Anger" / "with blank.PNG"
    for written in (str(photo), photo.as_uri(), "~/Images/Anger/with blank.png", f"{root}/images/anger/WITH BLANK.png"):
        assert written_paths.find(root / "Images", written) == photo


@pytest.mark.parametrize(
    "written", ["Images/b.jpg", r"Images\b.jpg", "", r"C:\faces\b.jpg", "x\0y", "~nobody-of-this-name/a"]
)
def test_a_file_that_does_not_exist_stays_as_it_is_written(root, written):
    assert written_paths.find(root, written) == root / written


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot hold both files")
def test_the_exact_name_wins_and_nothing_is_guessed(root):
    (root / "A.jpg").write_bytes(b"x")
    (root / "a.JPG").write_bytes(b"x")
    (root / r"b\c.jpg").write_bytes(b"x")
    if (root / "a.jpg").exists():
        pytest.skip("this file system takes names in any case")
    assert written_paths.find(root, "a.JPG").name == "a.JPG"
    assert written_paths.find(root, "a.jpg") == root / "a.jpg"  # either could be meant
    assert written_paths.find(root, r"b\c.jpg") == root / r"b\c.jpg"


def test_a_changed_folder_is_read_again(root):
    assert not written_paths.find(root, "NEW.jpg").exists()
    (root / "new.jpg").write_bytes(b"x")
    os.utime(root, (1, 1))
    assert written_paths.find(root, "NEW.jpg").samefile(root / "new.jpg")


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system")
@pytest.mark.parametrize(
    ("written", "is_foreign"),
    [
        *((r"C:\faces\a.jpg", True), ("d:/faces/a.jpg", True), (r"\\server\faces\a.jpg", True), (r"'C:\a.jpg'", True)),
        *(("/faces/a.jpg", False), (r"faces\a.jpg", False), ("C:a.jpg", False)),
    ],
)
def test_absolute_paths_of_windows_are_recognised(written, is_foreign):
    assert written_paths.is_foreign(written) == is_foreign


@pytest.mark.parametrize(
    "written", ["Images/Anger/with%20blank.PNG", "images/anger/With%20Blank.png", "Images%2FAnger/a.jpg"]
)
def test_the_codes_of_a_url_are_written_out(root, written):
    assert written_paths.find_existing(root, written).parent == root / "Images" / "Anger"
    (root / "Images" / "Anger" / "100%20.jpg").write_bytes(b"x")
    assert written_paths.find(root, "Images/Anger/100%20.jpg").name == "100%20.jpg"
