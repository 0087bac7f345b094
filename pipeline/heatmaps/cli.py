"""``aucue heatmaps``."""

import time
from collections import Counter
from pathlib import Path

import click

from pipeline.runtime import parameters, paths
from pipeline.runtime.options import cache_option, params_option, path_option


@click.command()
@params_option
@click.option("--codebook", help="Name or path; replaces heatmaps.codebook.")
@path_option("--faces", paths.FACES, "Folder of face shards to read.")
@path_option("--out", paths.HEATMAPS, "Folder of heatmap shards to write.")
@click.option("--workers", type=click.IntRange(1), help="Threads; replaces base.workers. They change no byte.")
@click.option("--meaning", type=Path, help="What `aucue codebook meaning` wrote, which the codebook must still mean.")
@cache_option
def heatmaps(
    params_path: Path, codebook: str | None, faces: Path, out: Path, workers: int | None, meaning: Path | None, cache: Path
) -> None:
    """Render every face's action-unit heatmap from its stored landmarks.

    \b
    Examples:
      aucue heatmaps                            the codebook of params.yaml
      aucue heatmaps --codebook my.yaml         another one: no photo is opened, no face detected
    """
    from pipeline.heatmaps import stage

    every = parameters.load(params_path)
    params = every.heatmaps if codebook is None else every.heatmaps.model_copy(update={"codebook": codebook})
    started = time.perf_counter()
    book, counts = stage.main(
        params=params,
        faces_dir=faces,
        heatmaps_dir=out,
        workers=workers or every.base.workers,
        cache_dir=cache,
        meaning_path=meaning,
    )
    seconds = time.perf_counter() - started
    click.echo(f"{_counted(counts)}\ncodebook {book.name}: {seconds:.1f} s, {counts.total() / seconds:,.0f} faces/s")
    click.echo(f"wrote {counts.total():,} rows to {out}")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
