import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.overwriting import holding, json_with, png_drawn_at, refuse_foreign, starting_with

PHOTO = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()


def drawn(path, dpi):
    Figure(figsize=(1, 1)).savefig(path, dpi=dpi)
    return path.read_bytes()


@pytest.mark.parametrize(
    "content", [b"image,label\na.jpg,fear\n", PHOTO, b'{"mine": 1}', b"[1, 2]", "größe".encode("cp1252")]
)
@pytest.mark.parametrize("kind", [starting_with("id,path,"), holding("aucue"), json_with("total"), png_drawn_at(110)])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, content, kind):
    (tmp_path / "mine").write_bytes(content)
    text = "mine is not a file that this command writes, and would be lost: move it, or name another place"
    with pytest.raises(InputError, match=text):
        refuse_foreign(tmp_path / "mine", kind)
    assert (tmp_path / "mine").read_bytes() == content


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"id,path,label\n", starting_with("id,path,")),
        (b"\xef\xbb\xbfid,path,label\n", starting_with("id,path,")),
        (b"<title>aucue report", holding("aucue")),
        (b'{"total": {}}', json_with("total")),
        (b'{"total": {"ok": 1', json_with("total")),
        (b"", json_with("total")),
        (b'{"total": 1, "by_split": {}}', json_with("total", "by_split")),
    ],
)
def test_an_earlier_file_and_a_damaged_one_are_replaced(tmp_path, content, kind):
    (tmp_path / "file").write_bytes(content)
    refuse_foreign(tmp_path / "file", kind)
    refuse_foreign(tmp_path / "none", kind)


@pytest.mark.parametrize("content", [b'{"total": 1}', b'{"total": 1, "by_split": 2}\n{"total": 3}\n', b'{"mine": 1'])
def test_json_of_another_tool_is_refused(tmp_path, content):
    (tmp_path / "metrics.json").write_bytes(content)
    with pytest.raises(InputError, match="would be lost"):
        refuse_foreign(tmp_path / "metrics.json", json_with("total", "by_split"))


def test_a_drawing_is_known_by_its_resolution(tmp_path):
    drawn(tmp_path / "file.png", 110)
    refuse_foreign(tmp_path / "file.png", png_drawn_at(110))
    with pytest.raises(InputError, match="would be lost"):
        refuse_foreign(tmp_path / "file.png", png_drawn_at(150))


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InputError, match=r"page\.html is a folder, and this command writes a file there: move it"):
        refuse_foreign(tmp_path / "page.html", holding("aucue"))
