"""The command ``aucue serve``."""

from importlib.util import find_spec
from pathlib import Path

import click

from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import faces_option, heatmaps_option, path_option
from pipeline.runtime.errors import InputError

PACKAGES = ("starlette", "uvicorn", "python_multipart")  # of the extra "page"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1.  [default: a free one]")
@path_option("--out", paths.EXPLANATIONS, "Folder of the codebooks that you save. Nothing is written elsewhere.")
@click.option("--codebook", help="Name or path of a codebook to begin with.")
@path_option("--checkpoint-dir", paths.TRAIN, "Folder of the trained variants, which explain photos.")
@path_option("--evaluation", paths.EVALUATION, "Folder of the evaluated variants, with their test figures.")
@faces_option
@heatmaps_option
@path_option("--report", f"{paths.REPORT}/index.html", "Page that `aucue report` wrote.")
@path_option("--tables", paths.TABLES, "Folder that `aucue tables` wrote.")
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Whether to open a browser.")
def serve(
    port: int,
    out: Path,
    codebook: str | None,
    checkpoint_dir: Path,
    evaluation: Path,
    faces: Path,
    heatmaps: Path,
    report: Path,
    tables: Path,
    opens: bool,
) -> None:
    """Open a page to edit codebooks on faces, to explain photos and to read the report.

    The page is for this computer alone: its server listens on 127.0.0.1, and answers only those who know the token in the
    printed address. Ctrl-C ends it.

    \b
    Examples:
      aucue serve
      aucue serve --codebook mine.yaml --port 8000 --no-open
    """
    if missing := [package for package in PACKAGES if find_spec(package) is None]:
        raise InputError(f"aucue serve needs {', '.join(missing)}: pip install -c constraints.txt -e '.[page]'")
    from train.page import server
    from train.page.settings import Settings

    settings = Settings(
        out=out,
        codebook=codebook,
        checkpoint_dir=checkpoint_dir,
        evaluation=evaluation,
        faces=faces,
        heatmaps=heatmaps,
        report=report,
        tables=tables,
    )
    server.run(settings, port=port, opens=opens)
