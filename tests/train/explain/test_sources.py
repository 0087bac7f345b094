import shutil

import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from train.explain.sources import find_sources, frames


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


@pytest.mark.parametrize(
    ("every", "numbers"), [(0, range(6)), (0.1, range(6)), (0.2, (0, 2, 4)), (0.25, (0, 3, 5)), (9, (0,))]
)
def test_frames_come_at_their_times(video, every, numbers):
    found = list(frames(video(), every))
    assert [frame.number for frame in found] == list(numbers)
    assert [frame.time for frame in found] == pytest.approx([0.1 * number for number in numbers], abs=1e-3)
    assert {frame.image.shape for frame in found} == {(320, 320, 3)}


def test_only_wanted_frames_have_images(video):
    assert [frame.image is not None for frame in frames(video(), 0, {1, 4})] == [False, True, False, False, True, False]


def test_frames_are_rgb(video, tmp_path):
    import cv2

    writer = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    writer.write(np.full((64, 64, 3), (0, 0, 255), np.uint8))  # BGR
    writer.release()
    (frame,) = frames(tmp_path / "red.avi")
    assert frame.image.mean(axis=(0, 1)) == pytest.approx([254, 0, 0], abs=4)


def test_a_video_that_ends_in_the_middle_says_where(video):
    path = video(repeat=20)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    decoded = frames(path)
    with pytest.raises(ValueError, match=r"the video ends after \d+ of 60 frames|not a video that OpenCV can read"):
        list(decoded)


@pytest.mark.parametrize("content", [b"", b"no video", b"\0" * 5000])
def test_other_files_are_no_videos(tmp_path, content):
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(ValueError, match=r"not a video that OpenCV can read|no frame that can be read"):
        list(frames(tmp_path / "v.mp4"))
