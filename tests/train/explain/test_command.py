import csv
import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.runtime.errors import InputError
from train.explain import Explainer
from train.explain.command import main
from train.explain.outputs.figures import Figures
from train.explain.outputs.table import columns


@pytest.fixture
def explain(checkpoint, shards, tmp_path):
    """Explain paths into a folder; returns the rows of the table, and what was said."""

    def explain(*paths, explainer=None, **more):
        said, notes = [], []
        options = {"every": 0.0, "pictures": True, "batch_size": 4, "workers": 1, "figures": None} | more
        summary = main(
            explainer or Explainer(checkpoint, shards=shards, needed=False),
            checkpoint=checkpoint,
            paths=list(paths),
            out=tmp_path / "out",
            cache_dir=tmp_path / "cache",
            say=said.append,
            note=notes.append,
            **options,
        )
        with (tmp_path / "out" / "explanations.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert summary.statuses.total() == len(rows)
        return rows, said + notes

    return explain


@pytest.fixture
def photos(test_photos, tmp_path):
    """Two photos with a face, a photo without, and a text file that is called a photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, row in enumerate(test_photos[:2]):
        shutil.copy(row["path"], folder / f"{number}.png")
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 120, np.uint8))
    (folder / "text.jpg").write_text("no photo")
    return folder


def test_every_photo_has_a_row_with_its_status(explain, photos, explainer):
    rows, said = explain(photos)
    assert list(rows[0]) == columns(explainer.classes, explainer.keys)
    assert [(Path(row["source"]).name, row["status"], row["face"]) for row in rows] == [
        *(("0.png", "ok", "1"), ("1.png", "ok", "1"), ("text.jpg", "unreadable", ""), ("wall.png", "no_face", "")),
    ]
    assert [line.partition(": ")[0] for line in said] == [row["source"] for row in rows]
    assert rows[0]["sentence"] in said[0]
    for row in rows[:2]:
        assert sum(float(row[name]) for name in explainer.classes) == pytest.approx(1, abs=1e-5)


def test_the_json_holds_the_rows_the_settings_and_the_model(explain, photos, tmp_path, explainer):
    rows, _ = explain(photos)
    content = json.loads((tmp_path / "out" / "explanations.json").read_text())
    assert content["model"]["classes"] == list(explainer.classes)
    assert len(content["model"]["sha256"]) == 64
    assert content["versions"]["aucue"]
    assert [face["source"] for face in content["faces"]] == [row["source"] for row in rows]


def test_each_face_has_a_picture_and_a_card(explain, photos, tmp_path):
    rows, _ = explain(photos)
    pictures = [row["picture"] for row in rows if row["picture"]]
    assert len(pictures) == 2
    for picture in pictures:
        assert cv2.imread(str(tmp_path / "out" / picture)).shape[1] > 1000
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<li data-answer=") == 4
    assert all(f'href="{picture}"' in page for picture in pictures)
    assert "None of this says that a muscle moved." in page
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_pictures_may_be_left_out(explain, photos, tmp_path):
    rows, _ = explain(photos, pictures=False)
    assert {row["picture"] for row in rows} == {""}
    assert not (tmp_path / "out" / "pictures").exists()
    assert "<img" not in (tmp_path / "out" / "index.html").read_text()


class Untouchable(Explainer):
    """Fails if it has to look at a face."""

    def explain(self, faces):
        assert not faces, "a face was explained again"
        return super().explain(faces)


@pytest.mark.slow
def test_what_an_earlier_run_explained_is_not_looked_at_again(explain, photos, video, checkpoint, shards, tmp_path):
    clip = video()
    first, _ = explain(photos, clip)
    outputs = {file: file.read_bytes() for file in (tmp_path / "out").rglob("*.*") if file.is_file()}
    again = Untouchable(checkpoint, shards=shards, needed=False)
    second, _ = explain(photos, explainer=again)
    assert second == [row for row in first if row["time"] == ""]
    third, _ = explain(photos, clip)
    assert third == first
    assert {file: file.read_bytes() for file in (tmp_path / "out").rglob("*.*") if file.is_file()} == outputs


def test_a_picture_that_was_removed_is_drawn_again(explain, photos, tmp_path):
    rows, _ = explain(photos)
    picture = tmp_path / "out" / rows[0]["picture"]
    before = cv2.imread(str(picture)).astype(int)
    picture.unlink()
    explain(photos)
    assert np.abs(cv2.imread(str(picture)) - before).max() <= 2  # rounding depends on the other faces of a batch


def test_other_settings_are_other_results(explain, photos, checkpoint, shards):
    plain, _ = explain(photos)
    full, _ = explain(photos, explainer=Explainer(checkpoint, shards=shards))
    assert plain[0]["AU12 needed"] == ""
    assert full[0]["AU12 needed"] != ""
    other, _ = explain(photos, explainer=Explainer(checkpoint, codebook="facs", needed=False))
    assert "AU43 seen" in other[0]


def test_a_video_has_a_row_for_each_frame_and_a_timeline(explain, video, test_photos, tmp_path):
    first, second = (row["path"] for row in test_photos[:2])
    rows, said = explain(video(photos=[first, None, second]))
    assert [(row["frame"], row["status"]) for row in rows] == [
        *(("0", "ok"), ("1", "ok"), ("2", "no_face"), ("3", "no_face"), ("4", "ok"), ("5", "ok")),
    ]
    assert [float(row["time"]) for row in rows] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert said[-1].endswith("v.avi: 6 frames, a face in 4")
    assert rows[3]["time"] == "0.3"
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<svg") == 1
    peaks = {row["expression"] for row in rows if row["status"] == "ok"}
    assert page.count("surest at") == len(peaks) == len(list((tmp_path / "out" / "pictures").iterdir()))


@pytest.mark.slow
def test_a_video_that_ends_early_keeps_its_rows_and_says_so(explain, video):
    clip = video(repeat=6)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 2 // 3])
    rows, _ = explain(clip)
    assert rows[-1]["status"] == "unreadable"
    assert "ends after" in rows[-1]["reason"] or "OpenCV" in rows[-1]["reason"]


def test_a_video_that_cannot_be_read_has_its_reason_in_its_line(explain, tmp_path):
    (tmp_path / "v.mp4").write_text("no video")
    rows, said = explain(tmp_path / "v.mp4")
    assert [(row["status"], row["reason"]) for row in rows] == [("unreadable", "not a video that OpenCV can read")]
    assert said == [f"{tmp_path}/v.mp4: 0 frames, a face in 0; not a video that OpenCV can read"]
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("not a video that OpenCV can read") == 1
    assert "<h2>Photos</h2>" not in page


def test_a_single_frame_is_a_point_in_the_chart(explain, video, test_photos, tmp_path):
    rows, said = explain(video(photos=[test_photos[0]["path"]], repeat=1))
    assert said[-1].endswith("v.avi: 1 frame, a face in 1")
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<use ") > len(rows) * 7  # a point for each class and action unit, besides the ticks


def test_the_bar_tells_how_far_a_video_is(explain, video, capfd, monkeypatch):
    monkeypatch.setattr("pipeline.runtime.progress.SECONDS_BETWEEN_LINES", 1e-6)
    explain(video(), pictures=False)
    lines = capfd.readouterr().err.splitlines()
    assert any(re.search(r"v\.avi, 1 frame \(\d+\.\d a second\): 0/1 sources", line) for line in lines)
    assert any(re.search(r"v\.avi, 6 frames \(\d+\.\d a second\): 0/1 sources", line) for line in lines)
    assert lines[-1].startswith("explain: 1/1 sources")


def test_names_of_photos_cannot_break_the_page(explain, test_photos, tmp_path):
    name = tmp_path / 'x"><script>alert(1)<.png'
    shutil.copy(test_photos[0]["path"], name)
    explain(name)
    assert "<script>alert" not in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(("needed", "says"), [(0.01, True), (0.2, False), (None, False)])
def test_the_page_tells_the_classifier_s_own_figures(explain, photos, tmp_path, needed, says):
    explain(photos, figures=Figures(357, 0.65, 0.09, 0.81, 0.74, needed))
    page = (tmp_path / "out" / "index.html").read_text()
    assert "357 test faces this classifier is right for 65.0 %" in " ".join(page.split())
    assert ("says little about what decides its answers" in page) == says


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("index.html", "<html>mine</html>", r"index\.html is not a file that this command writes"),
        ("index.html", "<title>aucue report</title>", r"index\.html is not a file that this command writes"),
        ("explanations.csv", "a,b\n", r"explanations\.csv is not a file that this command writes"),
        ("pictures", "mine", r"pictures is a file where a folder is needed: move it, or name another --out"),
    ],
)
def test_files_of_other_programs_stay(explain, photos, tmp_path, name, content, problem):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(content)
    with pytest.raises(InputError, match=problem):
        explain(photos)
    assert [(file.name, file.read_text()) for file in (tmp_path / "out").iterdir()] == [(name, content)]


@pytest.mark.parametrize("name", ["index.html", "explanations.csv", "explanations.json"])
def test_a_folder_in_the_place_of_an_output_is_refused_before_any_photo(explain, photos, tmp_path, name):
    (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(InputError, match=rf"{name} is a folder, and this command writes a file there"):
        explain(photos)
    assert [file.name for file in (tmp_path / "out").iterdir()] == [name]


def test_names_of_any_kind_have_a_row_and_one_line(explain, test_photos, tmp_path):
    names = [b"new\nline.png", b"not-utf-8-\xff.png", b'tab\tcomma,quote".png', "\u8868 e\u0301.png".encode()]
    (tmp_path / "photos").mkdir()
    for name in names:
        shutil.copy(test_photos[0]["path"], tmp_path / "photos" / os.fsdecode(name))
    rows, said = explain(tmp_path / "photos")
    found = [row["source"].rpartition("/")[2] for row in rows]
    assert found == ["new\nline.png", r"not-utf-8-\udcff.png", 'tab\tcomma,quote".png', "\u8868 e\u0301.png"]
    assert {row["status"] for row in rows} == {"ok"}
    assert len(said) == len(names)
    assert all(line.isprintable() for line in said)
    assert r"new\nline.png: " in said[0]


def test_a_second_run_does_not_explain_the_pictures_of_the_first(explain, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "out" / "photos")
    first, _ = explain(tmp_path / "out")
    second, said = explain(tmp_path / "out")
    assert second == first
    assert any("2 files that aucue explain drew" in line for line in said)


@pytest.mark.slow
def test_frames_of_an_earlier_run_keep_their_place(explain, video):
    clip = video(repeat=4)
    explain(clip, every=0.3, pictures=False)
    rows, _ = explain(clip, pictures=False, batch_size=5)
    assert [int(row["frame"]) for row in rows] == list(range(12))
