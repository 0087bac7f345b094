"""The example of the page train/README.md runs as it is written."""

import re
import shutil
from pathlib import Path

PAGE = Path(__file__).parents[3] / "train" / "README.md"


def test_the_example_runs(checkpoint, test_photos, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(
        r"```python\n(.*?)```",
        PAGE.read_text(encoding="utf-8").partition("## Explanations")[2].partition("\n## ")[0],
        re.DOTALL,
    )
    (tmp_path / "data" / "train" / "guided").mkdir(parents=True)
    shutil.copy(checkpoint, tmp_path / "data" / "train" / "guided" / "model.safetensors")
    shutil.copy(test_photos[0]["path"], tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, PAGE, "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("ok  ")
    assert "looks at" in first
    assert second.startswith("{")
