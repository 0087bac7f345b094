"""``aucue codebook``: read, check, compare, draw and start codebooks."""

import json
import re
from pathlib import Path

import click
from click.core import ParameterSource

from pipeline.runtime.commands.options import USER_PATH, params_option
from pipeline.runtime.errors import InputError

DEFAULT_FACES = 10  # drawn from a folder of shards


@click.group()
def codebook() -> None:
    """Read, check, compare, draw and start codebooks.

    A codebook says which action units an expression shows, and where on the face each action unit is. The page
    pipeline/codebooks/README.md explains the file.

    \b
    Examples:
      aucue codebook new pipeline/codebooks/mine.yaml --from facs
      aucue codebook check pipeline/codebooks/mine.yaml
      aucue codebook draw mine -o data/mine.png
      aucue codebook diff facs mine
    """


@codebook.command("list")
def list_() -> None:
    """List the codebooks in pipeline/codebooks."""
    from pipeline import codebook as codebooks
    from pipeline.codebook import describe

    for name in codebooks.shipped():
        try:
            click.echo(describe.summary(codebooks.load(name)))
        except InputError:
            click.echo(f"{name}: has mistakes, see `aucue codebook check {name}`")


@codebook.command()
@click.argument("name_or_file")
def show(name_or_file: str) -> None:
    """Print the content of a codebook: expressions, action units, shapes.

    \b
    Example:
      aucue codebook show facs
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import describe

    click.echo(describe.show(codebooks.load(name_or_file)))


@codebook.command()
@click.argument("name_or_file")
@params_option
@click.pass_context
def check(context: click.Context, name_or_file: str, params_path: Path) -> None:
    """List every mistake in a codebook with its line. The exit code is 1 if there is any.

    The codebook also has to have an expression for each label of ingest.labels, if there is a file of parameters.

    \b
    Examples:
      aucue codebook check mine.yaml
      aucue codebook check mine.yaml --params other_params.yaml
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import CodebookError, describe
    from pipeline.runtime import parameters

    try:
        book = codebooks.load(name_or_file)
    except CodebookError as error:
        for line, message in error.mistakes:
            click.echo(f"{error.path}:{line}: {message}")
        number = len(error.mistakes)
        raise InputError(f"{error.path} has {number} mistake{'s' if number > 1 else ''}: fix the lines above") from error
    is_default = context.get_parameter_source("params_path") == ParameterSource.DEFAULT
    if params_path.exists() or not is_default:
        book.refuse_unknown(set(parameters.load(params_path).ingest.labels))
    click.echo(f"no mistakes. {describe.summary(book)}")


@codebook.command()
@click.argument("name_or_file")
@click.option("--out", type=USER_PATH, required=True, help="JSON to write.")
def meaning(name_or_file: str, out: Path) -> None:
    """Write a codebook's name and meaning, without comments and order. The same meaning gives the same heatmaps.

    \b
    Example:
      aucue codebook meaning facs --out data/facs.json
    """
    from pipeline.codebook import describe, stage

    book = stage.main(codebook=name_or_file, out_path=out)
    click.echo(f"{describe.summary(book)}\nwrote {out}")


@codebook.command()
@click.argument("first")
@click.argument("second")
def diff(first: str, second: str) -> None:
    """List the changes of meaning from one codebook to another. Comments, names and order do not count.

    \b
    Example:
      aucue codebook diff belharbi2024 mine.yaml
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import describe

    lines = list(describe.diff(codebooks.load(first), codebooks.load(second)))
    click.echo("\n".join(lines) if lines else "they mean the same: every heatmap stays as it is")


@codebook.command()
@click.argument("file", type=USER_PATH)
@click.option("--from", "origin", default="facs", show_default=True, help="Codebook to start from.")
def new(file: Path, origin: str) -> None:
    """Start your own codebook as a copy of another one, with its comments.

    \b
    Example:
      aucue codebook new pipeline/codebooks/mine.yaml --from belharbi2024
      (a file in that folder is known by its name: heatmaps.codebook: mine)
    """
    from pipeline import codebook as codebooks
    from pipeline.runtime.outputs.files import write_text

    if file.suffix != ".yaml":
        raise InputError(f"{file} must end in .yaml")
    if file.exists():
        raise InputError(f"{file} exists: give another name, or delete it first")
    codebooks.load(origin)
    content = codebooks.find(origin).read_text(encoding="utf-8")
    write_text(file, re.sub(r"^name:.*$", lambda _: f"name: {json.dumps(file.stem)}", content, count=1, flags=re.MULTILINE))
    click.echo(
        f"wrote {file}: edit it, then `aucue codebook check {file}`"
        "\n(`git add` it before `dvc exp run --queue`, which leaves out files that git does not know)"
    )


@codebook.command()
@click.argument("name_or_file")
@click.option("-o", "--out", type=USER_PATH, required=True, help="PNG to write.")
@click.option("--faces", type=USER_PATH, help="Folder of face shards (data/faces) to draw on.")
@click.option("--mean-face", is_flag=True, help="Draw on the mean face, which needs no dataset.  [default]")
@click.option(
    "--count",
    type=click.IntRange(1, 50),
    default=DEFAULT_FACES,
    show_default=True,
    help="Number of faces to draw from --faces.",
)
@click.option("--action-units", is_flag=True, help="Draw a panel for each action unit instead of each expression.")
def draw(name_or_file: str, out: Path, faces: Path | None, mean_face: bool, count: int, action_units: bool) -> None:
    """Draw a codebook's heatmaps over a face: a panel for each expression, with the number of each action unit.

    \b
    Examples:
      aucue codebook draw facs -o data/facs.png
      aucue codebook draw facs -o data/units.png --action-units
      aucue codebook draw mine.yaml -o data/mine.png --faces data/faces --count 4
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import draw as drawing
    from pipeline.runtime.outputs.overwriting import png_drawn_at, refuse_foreign

    if faces is not None and mean_face:
        raise click.UsageError("--faces and --mean-face exclude each other: give one of them")
    if out.suffix != ".png":
        raise InputError(f"{out} must end in .png")
    refuse_foreign(out, png_drawn_at(drawing.DPI))
    book = codebooks.load(name_or_file)
    panels = drawing.action_unit_panels(book) if action_units else drawing.expression_panels(book)
    if not panels:
        raise InputError(f"codebook {book.name} has no expression with a map: there is nothing to draw")
    chosen = [(None, drawing.mean_landmarks())] if faces is None else drawing.sample_faces(faces, count)
    drawing.draw(book, panels, chosen, out)
    click.echo(f"wrote {out}")
