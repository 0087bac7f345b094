import json

import pytest

from pipeline.faces.manifest import Photo
from pipeline.ingest import generated_photos
from pipeline.runtime.errors import InputError


def make(folder, **pictures):
    with generated_photos.replaced(folder) as building:
        for name, content in pictures.items():
            (building / name).write_text(content)
    return building


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != "index.json"}


def test_pictures_of_an_earlier_run_go_and_other_files_stay(tmp_path):
    folder = tmp_path / "generated"
    make(folder, a="1", b="2")
    (folder / "holiday.jpg").write_text("precious")
    make(folder, b="3", c="4")
    assert content(folder) == {"b": "3", "c": "4", "holiday.jpg": "precious"}
    make(folder)
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == ["generated"]


@pytest.mark.parametrize("has_record", [True, False])
def test_a_file_of_the_user_is_not_replaced(tmp_path, has_record):
    folder = tmp_path / "generated"
    folder.mkdir()
    if has_record:
        make(folder, a="1", b="2")
    (folder / "b").write_text("precious")
    (folder / "c").write_text("precious")
    before = content(folder)
    for pictures in ({"a": "7", "b": "8"}, {"a": "7", "c": "8"}):
        with pytest.raises(
            InputError, match=r"/[bc] is not as aucue made it, and would be lost: move it to a folder of your own"
        ):
            make(folder, **pictures)
        assert content(folder) == before
    make(folder, d="9")
    assert content(folder) == {"b": "precious", "c": "precious", "d": "9"}


def test_an_index_of_the_user_is_not_replaced(tmp_path):
    (tmp_path / "index.json").write_text('{"photos": []}')
    with pytest.raises(InputError, match=r"index\.json is not a file that this command writes"):
        make(tmp_path, a="1")
    assert (tmp_path / "index.json").read_text() == '{"photos": []}'


def test_a_failure_leaves_the_earlier_pictures(tmp_path):
    def fail():
        with generated_photos.replaced(tmp_path / "generated") as building:
            (building / "a").write_text("half")
            raise KeyboardInterrupt

    make(tmp_path / "generated", a="1")
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert content(tmp_path / "generated") == {"a": "1"}


def test_the_record_is_the_same_whatever_the_order(tmp_path):
    make(tmp_path / "one", a="1", b="2")
    make(tmp_path / "two", b="2", a="1")
    records = [(tmp_path / name / "index.json").read_bytes() for name in ("one", "two")]
    assert records[0] == records[1]
    assert list(json.loads(records[0])["generated_photos"]) == ["a", "b"]


def test_pictures_are_named_by_their_final_path(tmp_path):
    building = make(tmp_path / "generated", a="1")
    photos = [Photo("1", f"{building}/a", "fear", "", ""), Photo("2", "elsewhere/a", "fear", "", "")]
    moved = generated_photos.moved(photos, building, tmp_path / "generated")
    assert [photo.path for photo in moved] == [f"{tmp_path}/generated/a", "elsewhere/a"]


def test_pictures_on_another_disk(tmp_path, mount):
    disk = mount(tmp_path / "disk")
    (tmp_path / "generated").symlink_to(disk / "deep" / "generated")
    for number in range(2):
        make(tmp_path / "generated", a=str(number))
        assert content(disk / "deep" / "generated") == {"a": str(number)}


def test_equal_pictures_without_a_record_are_taken(tmp_path):
    make(tmp_path, a="1", b="2")
    (tmp_path / "index.json").unlink()
    make(tmp_path, a="1", b="2")
    assert (tmp_path / "index.json").exists()
