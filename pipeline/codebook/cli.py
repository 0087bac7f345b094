"""``aucue codebook``: read, check, compare, draw and start codebooks."""

import json
import re
from pathlib import Path

import click

from pipeline.runtime.errors import InputError

FACES = 10  # drawn by default from a folder of shards


@click.group()
def codebook() -> None:
    """Read, check, compare, draw and start codebooks.

    A codebook says which action units an expression shows and where on the face each of them is; the page
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
    from pipeline.codebook import describe as text

    for name in codebooks.shipped():
        try:
            click.echo(text.summary(codebooks.load(name)))
        except InputError:
            click.echo(f"{name}: has mistakes, see `aucue codebook check {name}`")


@codebook.command()
@click.argument("name_or_file")
def show(name_or_file: str) -> None:
    """Say what a codebook means: expressions, action units, shapes.

    \b
    Example:
      aucue codebook show facs
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import describe as text

    click.echo(text.show(codebooks.load(name_or_file)))


@codebook.command()
@click.argument("name_or_file")
def check(name_or_file: str) -> None:
    """Name every mistake in a codebook by its line; exit code 1 if there is any.

    \b
    Example:
      aucue codebook check mine.yaml
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import CodebookError
    from pipeline.codebook import describe as text

    try:
        book = codebooks.load(name_or_file)
    except CodebookError as error:
        for line, message in error.mistakes:
            click.echo(f"{error.path}:{line}: {message}")
        number = len(error.mistakes)
        raise InputError(f"{error.path} has {number} mistake{'s' if number > 1 else ''}: mend the lines above") from error
    click.echo(f"no mistakes. {text.summary(book)}")


@codebook.command()
@click.argument("name_or_file")
@click.option("--out", type=Path, required=True, help="JSON to write.")
def meaning(name_or_file: str, out: Path) -> None:
    """Write a codebook's name and what it means, without comments and order: where this is the same, every heatmap is.

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
    """Say what changes from one codebook to another; comments, names and order do not count.

    \b
    Example:
      aucue codebook diff belharbi2024 mine.yaml
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import describe as text

    lines = list(text.diff(codebooks.load(first), codebooks.load(second)))
    click.echo("\n".join(lines) if lines else "they mean the same: every heatmap stays as it is")


@codebook.command()
@click.argument("file", type=Path)
@click.option("--from", "origin", default="facs", show_default=True, help="Codebook to start from.")
def new(file: Path, origin: str) -> None:
    """Start one's own codebook as a copy of another, comments and all.

    \b
    Example:
      aucue codebook new pipeline/codebooks/mine.yaml --from belharbi2024
      (a file in that folder is known by its name: heatmaps.codebook: mine)
    """
    from pipeline import codebook as codebooks
    from pipeline.runtime.files import write_text

    if file.suffix != ".yaml":
        raise InputError(f"{file} must end in .yaml")
    if file.exists():
        raise InputError(f"{file} exists: give another name, or delete it first")
    codebooks.load(origin)
    content = codebooks.find(origin).read_text(encoding="utf-8")
    write_text(file, re.sub(r"^name:.*$", lambda _: f"name: {json.dumps(file.stem)}", content, count=1, flags=re.MULTILINE))
    click.echo(
        f"wrote {file}: edit it, then `aucue codebook check {file}`"
        "\n(`git add` it before `dvc exp run --queue`, which leaves out what git does not know)"
    )


@codebook.command()
@click.argument("name_or_file")
@click.option("-o", "--out", type=Path, required=True, help="PNG to write.")
@click.option("--faces", type=Path, help="Folder of face shards (data/faces): draw on its faces.")
@click.option("--mean-face", is_flag=True, help="Draw on the mean face, which needs no dataset [default].")
@click.option("--count", type=click.IntRange(1, 50), default=FACES, show_default=True, help="How many faces of --faces.")
@click.option("--action-units", is_flag=True, help="A panel per action unit instead of one per expression.")
def draw(name_or_file: str, out: Path, faces: Path | None, mean_face: bool, count: int, action_units: bool) -> None:
    """Draw a codebook's heatmaps over a face: one panel per expression, with the number of each action unit.

    \b
    Examples:
      aucue codebook draw facs -o data/facs.png
      aucue codebook draw facs -o data/units.png --action-units
      aucue codebook draw mine.yaml -o data/mine.png --faces data/faces --count 4
    """
    from pipeline import codebook as codebooks
    from pipeline.codebook import draw as pictures

    if faces is not None and mean_face:
        raise click.UsageError("--faces and --mean-face exclude each other: give one")
    if out.suffix != ".png":
        raise InputError(f"{out} must end in .png")
    book = codebooks.load(name_or_file)
    panels = pictures.action_units_of(book) if action_units else pictures.expressions_of(book)
    if not panels:
        raise InputError(f"codebook {book.name} has no expression with a map: there is nothing to draw")
    chosen = [(None, pictures.mean_landmarks())] if faces is None else pictures.sample(faces, count)
    pictures.draw(book, panels, chosen, out)
    click.echo(f"wrote {out}")
