"""The command ``aucue heatmaps``."""

import time
from collections import Counter
from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, cache_option, params_option, path_option


@click.command()
@params_option
@click.option("--codebook", help="Name or path of a codebook, instead of heatmaps.codebook.")
@path_option("--faces", paths.FACES, "Folder of face shards to read.")
@path_option("--out", paths.HEATMAPS, "Folder of heatmap shards to write.")
@click.option("--workers", type=click.IntRange(1), help="Threads, instead of base.workers. Their number changes no byte.")
@click.option(
    "--meaning", type=USER_PATH, help="File of `aucue codebook meaning`: the codebook must still have this meaning."
)
@cache_option
def heatmaps(
    params_path: Path, codebook: str | None, faces: Path, out: Path, workers: int | None, meaning: Path | None, cache: Path
) -> None:
    """Render every face's action-unit heatmap from its stored landmarks.

    \b
    Examples:
      aucue heatmaps                            the codebook of params.yaml
      aucue heatmaps --codebook mine.yaml       another codebook: no photo is opened, no face detected
    """
    from pipeline.heatmaps import stage

    params = parameters.load(params_path)
    block = params.heatmaps if codebook is None else params.heatmaps.model_copy(update={"codebook": codebook})
    started = time.perf_counter()
    book, counts = stage.main(
        params=block,
        faces_dir=faces,
        heatmaps_dir=out,
        workers=workers or params.base.workers,
        cache_dir=cache,
        meaning_path=meaning,
    )
    seconds = time.perf_counter() - started
    click.echo(f"{_format_counts(counts)}\ncodebook {book.name}: {seconds:.1f} s, {counts.total() / seconds:,.0f} faces/s")
    click.echo(f"wrote {counts.total():,} rows to {out}")


def _format_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
