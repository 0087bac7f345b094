import errno

import pytest

from pipeline.runtime.folder_outputs import replaced_together


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
