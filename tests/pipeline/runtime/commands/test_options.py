import click
import pytest
from click.testing import CliRunner

from pipeline.runtime.commands.options import USER_PATH, path_option


@click.command()
@click.argument("source", type=USER_PATH)
@path_option("--out", "data/out", "Folder.")
def command(source, out):
    click.echo(f"{source} {out}")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["a.jpg"], "a.jpg data/out"),
        (["$PHOTOS/a.jpg", "--out", "~/x"], "/photos/a.jpg /users/me/x"),
        ([".", "--out=b"], ". b"),
    ],
)
def test_paths_are_written_out(arguments, printed):
    result = CliRunner().invoke(command, arguments, env={"PHOTOS": "/photos", "HOME": "/users/me"})
    assert result.output == f"{printed}\n"


@pytest.mark.parametrize("arguments", [[""], ["a.jpg", "--out", ""]])
def test_an_empty_path_is_refused(arguments):
    """That of a variable that is not set would mean all files here."""
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert "the path is empty." in result.output
