import io
import subprocess
import sys
import warnings

import click
import pytest
from click.testing import CliRunner

from pipeline.runtime.commands.command_group import CommandGroup


@click.group(cls=CommandGroup)
def group():
    pass


@group.command()
def warn():
    warnings.warn("a library's warning", UserWarning, stacklevel=1)
    click.echo("done")


@group.command()
def arrow():
    click.echo("→ 顔 \udcff")


def test_no_warning_of_a_library_reaches_the_user():
    code = "import sys; sys.path[:0] = sys.argv[1:2]; del sys.argv[1]; from test_command_group import group; group()"
    command = [sys.executable, "-c", code, str(__file__).rpartition("/")[0], "warn"]
    silent = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (silent.stdout, silent.stderr) == ("done\n", "")
    asked = subprocess.run([command[0], "-W", "default", *command[1:]], capture_output=True, text=True, check=True)
    assert "a library's warning" in asked.stderr


def test_warnings_are_shown_again_after_a_command():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert CliRunner().invoke(group, ["warn"]).exit_code == 0
        warnings.warn("mine", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["mine"]


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
@pytest.mark.parametrize(("encoding", "printed"), [("cp1252", b"? ? ?"), ("utf-8", "→ 顔 ?".encode()), ("ascii", b"? ? ?")])
def test_any_text_is_printed_in_any_encoding(monkeypatch, encoding, errors, printed):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding=encoding, errors=errors))
    with pytest.raises(SystemExit):
        group(["arrow"])
    sys.stdout.flush()
    assert buffer.getvalue().strip() in (printed, "→ 顔 ?".encode())  # click writes UTF-8 where the encoding is ASCII
