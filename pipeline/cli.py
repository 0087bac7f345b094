"""The ``aucue`` command. Each stage reads its block of params.yaml and takes its paths as options, with the defaults
that dvc.yaml uses."""

import importlib
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline import params as parameters
from pipeline.bench_cli import bench
from pipeline.codebook.cli import codebook
from pipeline.errors import InputError
from pipeline.options import cache_option, params_option, path_option, scheduler_option

# Commands of the trainer are imported when asked for, so that the offline half starts without torch.
TRAINER_COMMANDS = ("train", "evaluate", "report", "tables", "preset")
TAKEN_UP = ("detect", "landmarks", "heatmaps", "train")  # what goes on where it was interrupted


class _Group(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.commands, *TRAINER_COMMANDS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in TRAINER_COMMANDS:
            return getattr(importlib.import_module("train.cli"), name)
        return super().get_command(context, name)

    def invoke(self, context: click.Context) -> object:
        """Bad input, file-system trouble and interruption end in one line, not in a traceback."""
        try:
            with _interruptible():
                return super().invoke(context)
        except InputError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error.strerror or error}: {error.filename or 'no file named'}") from error
        except sqlite3.Error as error:
            raise click.ClickException(f"the cache of finished work cannot be used: {error}") from error
        except Interrupted as interrupted:
            command = context.invoked_subcommand
            option = " with --resume" if command == "train" else ""
            kept = f": what is finished is kept; run the same command again{option} to go on"
            click.echo(f"\nInterrupted{kept if command in TAKEN_UP else ''}.", err=True)
            context.exit(128 + interrupted.signal)


class Interrupted(BaseException):
    """Ctrl-C, or a polite kill."""

    def __init__(self, number: int) -> None:
        self.signal = number


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Interrupted, once: what cleans up is not interrupted again."""

    def interrupt(number: int, _: object) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {name: signal.signal(name, interrupt) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in earlier.items():
            signal.signal(name, handler)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="aucue")
def aucue() -> None:
    """Interpretable facial expression recognition guided by spatial action unit cues.

    ingest to heatmaps and train to report are the stages of dvc.yaml, in order; `dvc repro` runs those that are out of date.

    \b
    Examples:
      dvc repro                                 everything, from photos to the report
      aucue ingest && aucue detect              by hand, without DVC or git
      aucue heatmaps --codebook my.yaml         other action units, the same faces
      aucue train --variant guided --help       what a command reads and writes
    """


@aucue.command()
@params_option
@path_option("--photos", "data/photos", "Folder for the images that a dataset needs made.")
@path_option("--manifest", "data/manifest.csv", "Table to write.")
def ingest(params_path: Path, photos: Path, manifest: Path) -> None:
    """Describe a dataset: one manifest row per photo.

    \b
    Examples:
      aucue ingest                              the dataset of params.yaml
      aucue ingest --params mine.yaml --manifest data/mine.csv
    """
    from pipeline import ingest as stage

    params = parameters.load(params_path)
    rows = stage.main(params.base, params.ingest, photos, manifest)
    click.echo(stage.summary(rows))
    click.echo(f"wrote {len(rows):,} rows to {manifest}")


@aucue.command()
@params_option
@path_option("--manifest", "data/manifest.csv", "Table to read.")
@path_option("--out", "data/detections.csv", "Table to write.")
@click.option("--metrics", type=Path, help="Counts to write.  [default: OUT with .json]")
@cache_option
@scheduler_option
def detect(params_path: Path, manifest: Path, out: Path, metrics: Path | None, cache: Path, scheduler: str | None) -> None:
    """Find the face in every photo.

    \b
    Examples:
      aucue detect --manifest data/manifest.csv --out data/detections.csv
      aucue detect --scheduler tcp://10.0.0.1:8786      on a Dask cluster that sees the same files
    """
    from pipeline import detect as stage
    from pipeline import manifest as manifests

    params = parameters.load(params_path)
    rows = stage.main(params.base, params.detect, manifest, out, cache, scheduler, params.ingest.max_failed_fraction)
    tally = stage.tally(rows, manifests.read(manifest))
    tally.write(metrics or out.with_suffix(".json"))
    click.echo(f"{tally}\n{stage.summary(rows)}\nwrote {len(rows):,} rows to {out}")


@aucue.command()
@params_option
@path_option("--manifest", "data/manifest.csv", "Table to read.")
@path_option("--detections", "data/detections.csv", "Table to read.")
@path_option("--out", "data/faces", "Folder of face shards to write.")
@click.option("--metrics", type=Path, help="Counts to write.  [default: OUT.json]")
@cache_option
@scheduler_option
def landmarks(
    params_path: Path, manifest: Path, detections: Path, out: Path, metrics: Path | None, cache: Path, scheduler: str | None
) -> None:
    """Place 68 landmarks, align, and store the crops in shards.

    \b
    Example:
      aucue landmarks --out data/faces
    """
    from pipeline import landmarks as stage

    params = parameters.load(params_path)
    most = params.ingest.max_failed_fraction
    fallback = params.detect.fallback
    tally = stage.main(params.base, params.landmarks, manifest, detections, out, cache, scheduler, most, fallback)
    tally.write(metrics or out.with_name(f"{out.name}.json"))
    click.echo(f"{tally}\nwrote {tally.total():,} rows to {out}")


@aucue.command()
@params_option
@click.option("--codebook", help="Name or path; replaces heatmaps.codebook.")
@path_option("--faces", "data/faces", "Folder of face shards to read.")
@path_option("--out", "data/heatmaps", "Folder of heatmap shards to write.")
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
    from pipeline import heatmaps as stage

    every = parameters.load(params_path)
    params = every.heatmaps if codebook is None else every.heatmaps.model_copy(update={"codebook": codebook})
    started = time.perf_counter()
    book, counts = stage.main(params, faces, out, workers or every.base.workers, cache, meaning)
    seconds = time.perf_counter() - started
    click.echo(f"{_counted(counts)}\ncodebook {book.name}: {seconds:.1f} s, {counts.total() / seconds:,.0f} faces/s")
    click.echo(f"wrote {counts.total():,} rows to {out}")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))


@aucue.command()
@click.argument("folder", type=Path, default=Path("data"))
def verify(folder: Path) -> None:
    """Check what the stages from ingest to heatmaps wrote, and say what to run again; exit code 1 if anything is wrong.

    \b
    Examples:
      aucue verify                              data/
      aucue verify backup/data
    """
    from pipeline import verify as verification

    problems = 0
    for finding in verification.main(folder):
        problems += not finding.is_sound
        click.echo(f"{finding.path}: {finding.text}" + (", sound" if finding.is_sound else ""))
    if problems:
        raise InputError(f"{problems} problem{'s' if problems > 1 else ''} in {folder}: see above")


@aucue.group("cache")
def cache_() -> None:
    """Finished work that later runs take up again: data/.cache. Deleting it costs time alone."""


@cache_.command()
@cache_option
@click.option("--unused-for", type=click.FloatRange(0), default=30, show_default=True, metavar="DAYS", help="0: all of it.")
def prune(cache: Path, unused_for: float) -> None:
    """Free the space of what no run has used for some days.

    \b
    Examples:
      aucue cache prune
      aucue cache prune --unused-for 0          everything
    """
    from pipeline import cache as finished

    removed, size = finished.prune(cache, unused_for)
    click.echo(f"removed {removed:,} rows and shards from {cache}: {size / 1e6:,.1f} MB")


aucue.add_command(bench)
aucue.add_command(codebook)
