import errno

import pytest

from pipeline.runtime.outputs.folder_outputs import replaced_together


def test_files_are_replaced_together_or_not_at_all(tmp_path):
    def write(text, fails=False):
        with replaced_together(tmp_path / "out", "mark") as building:
            for name in ("a", "mark", "z"):
                (building / name).write_text(text)
            if fails:
                raise OSError(errno.ENOSPC, "full", str(building / "z"))

    def content():
        return {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}

    write("1")
    (tmp_path / "out" / "notes").write_text("stays")
    with pytest.raises(OSError, match=r"'.*/out/z'"):
        write("2", fails=True)
    assert content() == {"a": "1", "mark": "1", "z": "1", "notes": "stays"}
    write("3")
    assert content() == {"a": "3", "mark": "3", "z": "3", "notes": "stays"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.lock", "out"]


@pytest.mark.parametrize("is_bind", [True, False])
def test_an_output_on_another_disk(tmp_path, mount, is_bind):
    if is_bind:
        (tmp_path / "source").mkdir()
        folder = mount(tmp_path / "report", tmp_path / "source")
    else:
        folder = tmp_path / "report"
        folder.symlink_to(mount(tmp_path / "disk") / "deep" / "report")
    for text in ("1", "2"):
        with replaced_together(folder, "index.html") as building:
            (building / "index.html").write_text(text)
        assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", text)]
