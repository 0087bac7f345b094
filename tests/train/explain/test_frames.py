import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from train.explain.frames import frames


@pytest.mark.parametrize(
    ("every", "numbers"), [(0, range(6)), (0.1, range(6)), (0.2, (0, 2, 4)), (0.25, (0, 3, 5)), (9, (0,))]
)
def test_frames_come_at_their_times(video, every, numbers):
    found = list(frames(video(), every))
    assert [frame.number for frame in found] == list(numbers)
    assert [frame.time for frame in found] == pytest.approx([0.1 * number for number in numbers], abs=1e-3)
    assert {frame.image.shape for frame in found} == {(320, 320, 3)}


def test_a_variable_frame_rate_gives_true_times(tmp_path):
    pictures = [Image.new("RGB", (64, 64), (shade, 0, 255 - shade)) for shade in (0, 80, 160, 240)]
    pictures[0].save(tmp_path / "v.gif", save_all=True, append_images=pictures[1:], duration=[100, 500, 200, 100])
    assert [frame.time for frame in frames(tmp_path / "v.gif")] == pytest.approx([0, 0.1, 0.6, 0.8], abs=0.011)
    assert [frame.number for frame in frames(tmp_path / "v.gif", 0.5)] == [0, 2]
    pictures[0].save(tmp_path / "gap.gif", save_all=True, append_images=pictures[1:], duration=[1200, 100, 100, 100])
    assert [frame.number for frame in frames(tmp_path / "gap.gif", 0.5)] == [0, 1]  # after a pause, no frames too many


def test_only_wanted_frames_have_images(video):
    assert [frame.image is not None for frame in frames(video(), 0, {1, 4})] == [False, True, False, False, True, False]


def test_frames_are_rgb(video, tmp_path):
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


def test_what_is_no_file_is_no_video(tmp_path):
    with pytest.raises(ValueError, match="No such file or directory"):
        list(frames(tmp_path / "none.mp4"))
    os.mkfifo(tmp_path / "pipe.mp4")  # opening it would wait for ever
    with pytest.raises(ValueError, match="not a regular file"):
        list(frames(tmp_path / "pipe.mp4"))


def test_the_decoder_itself_says_nothing_about_a_damaged_video(video):
    path = video("v.mp4", fourcc="mp4v", repeat=9)
    path.write_bytes(path.read_bytes()[:5000])
    program = f"from pathlib import Path; from train.explain.frames import frames; list(frames(Path({str(path)!r})))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == "ValueError: not a video that OpenCV can read"
    assert "atom" not in ended.stderr
