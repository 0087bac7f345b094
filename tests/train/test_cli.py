import pytest
from click.testing import CliRunner

from pipeline.cli import aucue


@pytest.mark.parametrize("command", ["train", "evaluate", "report", "tables", "export", "preset", "serve"])
def test_help_has_an_example(command):
    result = CliRunner().invoke(aucue, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "is not a complete set of faces"),
        (["evaluate"], "model.safetensors does not exist: run `aucue train` first"),
        (["evaluate", "--variant", "baseline"], "does not exist: run `aucue train --variant baseline` first"),
        (["report"], "is not a complete set of faces"),
        (["tables"], "there is no evaluated run under data/evaluation"),
        (["train", "--variant", "other"], "Invalid value for '--variant'"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch, params_path):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(aucue, [*arguments, "--params", str(params_path)])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
