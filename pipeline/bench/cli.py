"""``aucue bench``."""

from pathlib import Path

import click

from pipeline.runtime import parameters, paths
from pipeline.runtime.options import params_option, path_option


@click.group()
def bench() -> None:
    """Measure: figures side by side in one run, printed and written as JSON."""


@bench.command("heatmaps")
@params_option
@click.option("--faces", type=click.IntRange(1), default=287_000, show_default=True, help="AffectNet has as many.")
@click.option("--most", type=click.IntRange(1), default=1_000_000, show_default=True, help="Faces of the largest run.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Threads of the end-to-end runs.")
@path_option("--slow", "tests/pipeline/codebook/slow_heatmaps.py", "The renderer to compare with.")
@path_option("--golden", "tests/reference/heatmaps.npz", "Maps of the released code to compare with.")
@path_option("--out", f"{paths.BENCH}/heatmaps.json", "JSON to write.")
def bench_heatmaps(params_path: Path, faces: int, most: int, workers: int, slow: Path, golden: Path, out: Path) -> None:
    """Heatmaps: likeness to the released code's, speed, memory, size on disk.

    \b
    Examples:
      aucue bench heatmaps                          about two minutes
      aucue bench heatmaps --faces 5000 --most 10000
    """
    from pipeline.bench import heatmaps as benchmark

    sizes = sorted({min(10_000, faces), faces, 2 * faces, most})
    benchmark.main(sizes, workers, params_path, slow, golden, out)
    click.echo(f"wrote {out}")


@bench.command("preprocess")
@params_option
@path_option("--manifest", paths.MANIFEST, "Photos to measure with.")
@click.option("--photos", type=click.IntRange(8), default=5000, show_default=True, help="Timed; repeated if fewer.")
@click.option("--many", type=click.IntRange(8), default=20_000, show_default=True, help="Photos of the run for memory.")
@path_option("--out", f"{paths.BENCH}/preprocess.json", "JSON to write.")
def bench_preprocess(params_path: Path, manifest: Path, photos: int, many: int, out: Path) -> None:
    """Photos to crops and landmarks: rates beside the plain loop, recall, memory, reading of crops.

    \b
    Examples:
      aucue bench preprocess                        about five minutes
      aucue bench preprocess --photos 500 --many 1000
    """
    from pipeline.bench import preprocess as benchmark

    benchmark.main(parameters.load(params_path), manifest, photos, many, out)
    click.echo(f"wrote {out}")


@bench.command("train")
@params_option
@path_option("--faces", paths.FACES, "Folder of face shards to read.")
@path_option("--heatmaps", paths.HEATMAPS, "Folder of heatmap shards to read.")
@click.option("--steps", type=click.IntRange(2), default=8, show_default=True, help="Steps of each kind a round.")
@path_option("--out", f"{paths.BENCH}/train.json", "JSON to write.")
def bench_train(params_path: Path, faces: Path, heatmaps: Path, steps: int, out: Path) -> None:
    """Training: what guidance costs a step, images a second, waiting for data, peak memory.

    From shards is measured twice: as in a first epoch, which decodes every crop, and as in later ones, which find in memory
    what train.cache_megabytes has room for.

    \b
    Examples:
      aucue bench train                             about three minutes on 2 cores
      aucue bench train --steps 20
    """
    from train import bench as benchmark

    benchmark.main(parameters.load(params_path), faces, heatmaps, steps, out)
    click.echo(f"wrote {out}")
