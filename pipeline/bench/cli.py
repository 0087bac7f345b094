"""The commands ``aucue bench``."""

from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, params_option, path_option


@click.group()
def bench() -> None:
    """Measure figures side by side in one run; print them and write them as JSON."""


@bench.command("heatmaps")
@params_option
@click.option(
    "--faces",
    type=click.IntRange(1),
    default=287_000,
    show_default=True,
    help="Faces of the main run; AffectNet has 287,000.",
)
@click.option("--most", type=click.IntRange(1), default=1_000_000, show_default=True, help="Faces of the largest run.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Threads of the end-to-end runs.")
@path_option("--slow", "tests/pipeline/codebook/slow_heatmaps.py", "Slow renderer to compare with.")
@path_option("--golden", "tests/reference/heatmaps.npz", "Maps of the released code to compare with.")
@path_option("--out", f"{paths.BENCH}/heatmaps.json", "JSON to write.")
def bench_heatmaps(params_path: Path, faces: int, most: int, workers: int, slow: Path, golden: Path, out: Path) -> None:
    """Heatmaps: fidelity to the released code, speed, memory, size on disk.

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
@click.option(
    "--photos", type=click.IntRange(8), default=5000, show_default=True, help="Photos to time; repeated if there are fewer."
)
@click.option(
    "--large", type=click.IntRange(0), default=24, show_default=True, help="Photos of 12 megapixels to make and time."
)
@click.option(
    "--many", type=click.IntRange(8), default=20_000, show_default=True, help="Photos of the run that measures memory."
)
@path_option("--out", f"{paths.BENCH}/preprocess.json", "JSON to write.")
def bench_preprocess(params_path: Path, manifest: Path, photos: int, large: int, many: int, out: Path) -> None:
    """From photos to crops and landmarks: rates beside a plain loop and mediapipe, recall, memory, reading of crops.

    \b
    Examples:
      aucue bench preprocess                        about five minutes
      aucue bench preprocess --photos 500 --many 1000
    """
    from pipeline.bench import preprocess as benchmark

    benchmark.main(parameters.load(params_path), manifest, photos, large, many, out)
    click.echo(f"wrote {out}")


@bench.command("train")
@params_option
@path_option("--faces", paths.FACES, "Folder of face shards to read.")
@path_option("--heatmaps", paths.HEATMAPS, "Folder of heatmap shards to read.")
@click.option("--steps", type=click.IntRange(2), default=8, show_default=True, help="Steps of each kind per round.")
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda", "mps")),
    help="Device; with cuda, the recipe is the preset paper_resnet50 from random weights.  [default: train.device]",
)
@path_option("--out", f"{paths.BENCH}/train.json", "JSON to write.")
def bench_train(params_path: Path, faces: Path, heatmaps: Path, steps: int, device: str | None, out: Path) -> None:
    """Training: the cost of guidance per step, images per second, waiting for data, dearest kernels, peak memory.

    Training from shards is measured twice: as in the first epoch, which decodes every crop, and as in later epochs, which
    find in memory the crops for which train.cache_megabytes has room. On a GPU nothing is kept in memory, the processes that
    read are at work before the time begins, and the host's waits for the GPU are counted.

    \b
    Examples:
      aucue bench train                             about three minutes on 2 cores
      aucue bench train --steps 20
      aucue bench train --device cuda               the paper's ResNet-50 on a GPU
    """
    from train.bench import benchmark, recipes

    benchmark.main(recipes.recipe_for(parameters.load(params_path), device), faces, heatmaps, steps, out)
    click.echo(f"wrote {out}")


@bench.command("read")
@path_option("--faces", paths.FACES, "Folder of face shards. One of them, repeated, makes the sets to read.")
@path_option("--heatmaps", paths.HEATMAPS, "Folder of their heatmap shards.")
@click.option(
    "--rows",
    "sizes",
    type=click.IntRange(1),
    multiple=True,
    default=(10_000, 287_000, 1_000_000),
    show_default=True,
    help="Rows of a set. Repeat it for several sets.",
)
@path_option("--out", f"{paths.BENCH}/read.json", "JSON to write.")
def bench_read(faces: Path, heatmaps: Path, sizes: tuple[int, ...], out: Path) -> None:
    """Reading: faces a second from sets of several sizes, with JPEG and raw crops, by one process and by two.

    The files of the sets are hard links to one file, so they take no room on the disk and stay in memory: what is measured
    is not the disk.

    \b
    Examples:
      aucue bench read                              about six minutes on 2 cores
      aucue bench read --rows 10000 --rows 20000
    """
    from train.bench import reading as benchmark

    benchmark.main(faces, heatmaps, sizes, out)
    click.echo(f"wrote {out}")


@bench.command("scale")
@params_option
@path_option("--faces", paths.FACES, "Folder of face shards, whose crops are repeated.")
@click.option(
    "--rows",
    "sizes",
    type=click.IntRange(1),
    multiple=True,
    default=(10_000, 287_000, 1_000_000),
    show_default=True,
    help="Rows of a dataset. Repeat it for several; each is compared with the smallest whose cost can be measured.",
)
@click.option(
    "--most",
    type=click.FloatRange(1),
    default=1.1,
    show_default=True,
    help="Largest cost of a face, as a multiple of its cost in a smaller dataset.",
)
@click.option(
    "--most-memory", type=click.FloatRange(1), default=4000, show_default=True, help="Largest memory of a command in MB."
)
@click.option("--until", metavar="COMMAND", help="Last command to measure, such as verify.  [default: all of them]")
@path_option("--out", f"{paths.BENCH}/scale.json", "JSON to write.")
def bench_scale(
    params_path: Path, faces: Path, sizes: tuple[int, ...], most: float, most_memory: float, until: str | None, out: Path
) -> None:
    """Scale: what a face costs every command, in processor time and memory, whatever the number of faces.

    The datasets repeat small crops, and the finished work of earlier runs is in the cache: no face is searched for. The
    network that is trained costs nothing. A million rows take 10 GB of disk beside OUT while the benchmark runs. The command
    fails if a face costs more in a larger dataset, or a command takes too much memory. A cost of less than 0.2 seconds or
    50 MB cannot be told from chance: then the next larger dataset is the measure.

    \b
    Examples:
      aucue bench scale                             an hour or two
      aucue bench scale --rows 2000 --rows 60000 --most 1.3
    """
    from pipeline.bench.scale import benchmark

    benchmark.main(parameters.load(params_path), faces, sizes, out, most, most_memory, until)
    click.echo(f"wrote {out}")


@bench.command("explain")
@path_option("--checkpoint", f"{paths.TRAIN}/guided/{paths.CHECKPOINT}", "Classifier.")
@path_option("--faces", paths.FACES, "Folder of face shards, whose neutral faces stand in for regions.")
@path_option("--heatmaps", paths.HEATMAPS, "Folder of their heatmap shards.")
@path_option("--photos", paths.PHOTOS, "Folder of photos.")
@click.option("--number", type=click.IntRange(1), default=200, show_default=True, help="Photos to time.")
@click.option("--minutes", type=click.FloatRange(min=0.01), default=10.0, show_default=True, help="Length of the video.")
@click.option("--every", type=click.FloatRange(min=0), default=0.2, show_default=True, help="Seconds between two frames.")
@path_option("--out", f"{paths.BENCH}/explain.json", "JSON to write.")
def bench_explain(
    checkpoint: Path, faces: Path, heatmaps: Path, photos: Path, number: int, minutes: float, every: float, out: Path
) -> None:
    """Explanations: photos a second beside the raw calls, the first line, and memory over a video.

    If mediapipe is installed, its rate on the same photos stands beside them.

    \b
    Examples:
      aucue bench explain                           about ten minutes on 2 cores
      aucue bench explain --number 40 --minutes 0.2
    """
    from train.bench import explaining as benchmark

    benchmark.main(checkpoint, (faces, heatmaps), photos, number, minutes, every, out)
    click.echo(f"wrote {out}")


@bench.command("check")
@click.argument("names", nargs=-1, metavar="[BENCHMARK]...")
@path_option("--data", paths.DATA, "Folder of the outputs, with the files of the benchmarks.")
@path_option("--floors", "pipeline/bench/floors.yaml", "File of the floors.")
@click.option("--summary", type=USER_PATH, help="Markdown file to append the table to.")
def bench_check(names: tuple[str, ...], data: Path, floors: Path, summary: Path | None) -> None:
    """Compare the figures of the benchmarks and of the demo with their floors; fail if one is broken.

    BENCHMARK is a name in the file of the floors, such as heatmaps or demo; without it, all of them are checked.

    \b
    Examples:
      aucue bench check
      aucue bench check heatmaps train
      aucue bench check --summary "$GITHUB_STEP_SUMMARY"
    """
    from pipeline.bench import check

    broken = check.main(data, names, floors, summary)
    if broken:
        listed = "; ".join(f"{finding.source}: {finding.floor.name} ({finding.floor.reason})" for finding in broken)
        raise click.ClickException(f"{len(broken)} broken: {listed}")
