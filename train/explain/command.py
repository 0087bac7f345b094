"""Everything that ``aucue explain`` writes; ``train/explain/outputs`` describes its tables and its page."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from pipeline.ingest.datasets.common.folders.passed_over import counted
from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import RowCache, json_digest, work_folder
from pipeline.runtime.outputs.files import file_digest, locked
from pipeline.runtime.outputs.overwriting import holding, json_with, refuse_foreign, starting_with
from pipeline.runtime.progress import progress
from pipeline.runtime.status import Status
from train.explain.answers.explainer import Explainer
from train.explain.outputs.figures import Figures
from train.explain.outputs.page import PAGE_TITLE, write_page
from train.explain.outputs.picture_files import picture_name
from train.explain.outputs.table import CSV, JSON, PAGE, PICTURES, Row, columns, write_json, written_table
from train.explain.outputs.timeline import Timeline
from train.explain.run import explain_sources
from train.explain.settings import Settings
from train.explain.sources import Source, find_sources
from train.explain.video import draw_frames

ROOMS = (  # the folders whose code decides a row
    *("train/explain", "train/attribution", "train/models", "train/data"),
    *("pipeline/detect", "pipeline/landmarks", "pipeline/faces", "pipeline/codebook", "pipeline/shards"),
)


@dataclass
class Summary:
    """What was explained.

    Attributes:
        statuses: Number of rows of each status.
        expressions: Number of faces of each answer.
        page: The page.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    expressions: Counter[str] = field(default_factory=Counter)
    page: Path = Path()

    def count(self, rows: Sequence[Row]) -> None:
        """Count rows."""
        self.statuses.update(row["status"] for row in rows)
        self.expressions.update(row["expression"] for row in rows if row["expression"])


def main(
    explainer: Explainer,
    *,
    checkpoint: Path,
    paths: Sequence[Path],
    out: Path,
    cache_dir: Path | None,
    every: float,
    pictures: bool,
    batch_size: int,
    workers: int | Literal["auto"],
    figures: Figures | None,
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> Summary:
    """Explain photos and videos.

    Args:
        explainer: The classifier.
        checkpoint: Its file.
        paths: Photos, videos, folders and tables (see ``find_sources``).
        out: Folder to write. Other files in it stay.
        cache_dir: Folder of finished work; None to look at every photo again.
        every: Seconds between two frames of a video; 0 for all.
        pictures: Whether to draw pictures.
        batch_size: Photos or frames that the classifier gets at a time.
        workers: Number of processes that look for faces.
        figures: The classifier's own test figures, for the page.
        say: Called with a line for each photo, face or video.
        note: Called with each sentence that a reader should know.

    Returns:
        The counts, and the page.

    Raises:
        InputError: If nothing is found in a path, or another program's file would be replaced.
    """
    _refuse_foreign(out)
    sources, notes = find_sources(paths)
    for sentence in (*notes, *explainer.notes):
        note(sentence)
    facts = _facts(explainer, checkpoint, every, pictures)
    settings = Settings(
        out, json_digest(facts["model"] | {"checkpoint": ""}, facts["search"]), every, pictures, batch_size, workers
    )
    summary = Summary(page=out / PAGE)
    timelines: list[tuple[Source, Timeline]] = []
    bar: tqdm[None]
    with (
        locked(out / CSV, out / JSON, out / PAGE),
        RowCache(work_folder(cache_dir, ROOMS), "explain") as finished,
        written_table(out / CSV, columns(explainer.classes, explainer.keys)) as table,
        progress(None, total=len(sources), title="explain", unit="sources") as bar,
    ):
        for source, of_source in explain_sources(explainer, sources, settings, finished):
            timeline = Timeline(source.name, explainer.classes, explainer.keys)
            lines: list[str] = []
            for rows in _watched(source, of_source, bar):
                summary.count(rows)
                for row in rows:
                    table.add(row)
                if source.is_video:
                    timeline.add(rows)
                lines = [_line(row, of=len(rows)) for row in rows]
            if source.is_video:
                timelines.append((source, timeline))
                lines = [f"{shown_name(source.name)}: {timeline.summary}"]
            with bar.external_write_mode():  # lifts the bars while a line is printed
                for line in lines:
                    say(line)
            bar.update()
    write_json(out / JSON, facts | {"notes": explainer.notes}, out / CSV)
    peaks = [(timeline, _drawn_peaks(explainer, source, timeline, settings)) for source, timeline in timelines]
    write_page(out, explainer, facts, figures, peaks)
    return summary


def _drawn_peaks(explainer: Explainer, source: Source, timeline: Timeline, settings: Settings) -> dict[int, str]:
    """The peaks' pictures: number of the frame -> file."""
    if not settings.pictures:
        return {}
    wanted = {frame: f"{PICTURES}/{picture_name(source.name, frame, 1)}" for frame in timeline.peaks()}
    return draw_frames(explainer, source, wanted, settings.out)


def _watched(source: Source, rows: Iterable[list[Row]], bar: "tqdm[None]") -> Iterator[list[Row]]:
    """The rows of a source. The bar tells how far a video is, which may take hours."""
    title, started = bar.desc, time.monotonic()
    shown = started
    for number, each in enumerate(rows, start=1):
        now = time.monotonic()
        if source.is_video and now - shown >= bar.mininterval:
            rate = number / (now - started)
            bar.set_description_str(f"{shown_name(source.name)}, {counted(number, 'frame')} ({rate:.1f} a second)")
            shown = now
        yield each
    bar.set_description_str(title, refresh=False)


def _refuse_foreign(out: Path) -> None:
    """Raise InputError if an output would replace what another program, or the user, has written under its name."""
    refuse_foreign(out / CSV, starting_with("source,frame,time,face"))
    refuse_foreign(out / JSON, json_with("settings", "model"))
    refuse_foreign(out / PAGE, holding(PAGE_TITLE))
    if (out / PICTURES).exists() and not (out / PICTURES).is_dir():
        raise InputError(f"{out / PICTURES} is a file where a folder is needed: move it, or name another --out")


def _line(row: Row, of: int) -> str:
    name = shown_name(row["source"]) + ("" if of == 1 else f", face {row['face']}")
    return f"{name}: {row['sentence'] if row['status'] == Status.OK else row['status'] + ': ' + row['reason']}"


def shown_name(name: str) -> str:
    """Return a file name for one line of a terminal: a line break in it becomes ``\\n``, and so on."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)


def _facts(explainer: Explainer, checkpoint: Path, every: float, pictures: bool) -> dict[str, Any]:
    """Everything that decided the rows, as plain data."""
    config = explainer.config
    return {
        "settings": {"every": every, "pictures": pictures},
        "model": {
            "checkpoint": checkpoint.as_posix(),
            "sha256": file_digest(checkpoint),
            "variant": config.variant,
            "classes": list(explainer.classes),
            "codebook": explainer.codebook.name,
            "codebook_sha256": explainer.codebook.digest(),
            "needed": explainer.measures_needs,
            "fill": explainer.fill,
            "donors_sha256": explainer.donors_digest,
        },
        "search": {
            "which": explainer.settings.which,
            "detect": explainer.settings.detect.model_dump(mode="json"),
            "landmarks": explainer.settings.landmarks.model_dump(mode="json"),
        },
        "versions": {"aucue": version("aucue"), "torch": torch.__version__, "numpy": np.__version__},
    }
