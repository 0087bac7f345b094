import os
import shutil

import pytest

from pipeline.runtime.errors import InputError
from train.explain.outputs.picture_files import picture_name
from train.explain.sources import find_sources


@pytest.fixture
def folder(tmp_path, test_photos):
    """Two photos in folders, a video's name, and files that are neither."""
    for name in ("b/2.jpg", "a/1.JPG", "clip.MP4", "notes.txt", "__MACOSX/._1.jpg", ".hidden/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(test_photos[0]["path"], tmp_path / name)
    return tmp_path


def test_folders_are_read_at_any_depth_without_clutter(folder):
    sources, notes = find_sources([folder])
    assert [source.path.relative_to(folder).as_posix() for source in sources] == ["a/1.JPG", "b/2.jpg", "clip.MP4"]
    assert [source.is_video for source in sources] == [False, False, True]
    assert any("__MACOSX" in note for note in notes)


def test_each_source_counts_once_in_the_order_of_the_paths(folder):
    sources, _ = find_sources([folder / "b", folder, folder / "b" / "2.jpg"])
    assert [source.path.name for source in sources] == ["2.jpg", "1.JPG", "clip.MP4"]


def test_a_table_names_photos_relative_to_itself(folder):
    (folder / "b" / "list.csv").write_text("id;image\n7;2.jpg\n8;..\\a\\1.jpg\n9;missing.jpg\n")
    sources, _ = find_sources([folder / "b" / "list.csv"])
    assert [source.name for source in sources] == ["2.jpg", "..\\a\\1.jpg", "missing.jpg"]
    assert [source.path.is_file() for source in sources] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere.jpg", r"nowhere\.jpg does not exist: give photos, videos, folders, or a table with a column image"),
        ("empty", "empty holds no photo and no video: name a folder that does"),
        ("other.csv", r"other\.csv has no column image"),
    ],
)
def test_a_path_without_photos_is_named(tmp_path, name, problem):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("photo,label\na.jpg,1\n")
    with pytest.raises(InputError, match=problem):
        find_sources([tmp_path / name])


def test_what_a_folder_holds_besides_is_told(folder):
    (folder / "photo.heic").write_bytes(b"x")
    (folder / "lost").symlink_to(folder / "nowhere")
    _, notes = find_sources([folder])
    assert any(note.startswith("passed over: 2 files that may be neither photo nor video, e.g. ") for note in notes)
    assert f"passed over: 1 file that cannot be read, e.g. {folder}/lost (a link whose target does not exist)" in notes
    only = folder / "only"
    only.mkdir()
    shutil.move(folder / "photo.heic", only)
    with pytest.raises(InputError, match=r"only holds no photo and no video \(but 1 other file, e\.g\. .*heic\)"):
        find_sources([only])


def test_pictures_that_an_earlier_run_drew_are_no_photos(folder, test_photos):
    (folder / "out" / "pictures").mkdir(parents=True)
    for name in (picture_name("a/1.jpg", None, 1), picture_name("clip.mp4", 7, 12), "mine.png"):
        shutil.copy(test_photos[0]["path"], folder / "out" / "pictures" / name)
    assert len(find_sources([folder])[0]) == 6  # no table beside them: they may be anybody's
    (folder / "out" / "explanations.csv").write_text("source,frame,time,face\n")
    sources, notes = find_sources([folder])
    assert [source.path.name for source in sources] == ["1.JPG", "2.jpg", "clip.MP4", "mine.png"]
    assert any(note.startswith("passed over: 2 files that aucue explain drew, e.g. ") for note in notes)


def test_a_name_that_is_not_utf_8_is_written_out(tmp_path, test_photos):
    path = tmp_path / os.fsdecode(b"a\xff.jpg")
    shutil.copy(test_photos[0]["path"], path)
    (source,), _ = find_sources([tmp_path])
    assert source.name.endswith(r"a\udcff.jpg")
    assert source.path == path
    assert len(source.digest()) == 64
