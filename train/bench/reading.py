"""The benchmark ``aucue bench read``: how fast training reads faces and heatmaps at random, whatever the number of rows.

All sizes take turns in one process, so that a change of the machine's load affects all of them.
"""

import json
import pickle
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from pipeline.bench.measurement import print_figures, timed
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign
from pipeline.runtime.progress import progress
from train.bench.large_sets import build_large_sets
from train.data.dataset import Faces, open_shards, training_classes
from train.data.loading import BatchLoader

BATCH_SIZE = 64
BATCHES = 8  # in one measurement: short, so that all sizes meet the same load
ROUNDS = 25  # turns of every size; the first round only warms up
READERS = {"one_process": 0, "two_processes": 2}  # name of a figure -> train.workers


class LargeSet:
    """The training faces of one large set, and its readers."""

    def __init__(self, faces_dir: Path, heatmaps_dir: Path) -> None:
        """Open the set, as a training does."""
        shards = open_shards(faces_dir, heatmaps_dir)
        self.faces = Faces(*shards, "train", training_classes(shards[0]))
        self.shards = len(shards[0].shards)
        self.rows = len(shards[0])
        self._random = random.Random(0)
        self.loaders = {name: BatchLoader(self.faces, (), workers) for name, workers in READERS.items()}

    def read(self, name: str) -> dict[str, float]:
        """Return how many faces a second a reader reads at random, and one process per second of processor time."""
        self.loaders[name].batches = self._random_batches()
        start = time.process_time()
        faces, seconds = timed(lambda: sum(len(batch.rows) for batch in self.loaders[name]))
        rates = {name: faces / seconds}
        if not READERS[name]:
            rates[f"{name}_processor"] = faces / (time.process_time() - start)
        return rates

    def first_batches(self) -> list[float]:
        """Return the seconds until the first batch of two epochs, with two processes that have not started yet."""
        loader, seconds = BatchLoader(self.faces, (), READERS["two_processes"]), []
        for _ in range(2):
            loader.batches = self._random_batches()
            seconds.append(timed(lambda: list(islice(loader, 1)))[1])
        return seconds

    def _random_batches(self) -> list[list[int]]:
        return [self._random.choices(range(len(self.faces)), k=BATCH_SIZE) for _ in range(BATCHES)]


def main(faces_dir: Path, heatmaps_dir: Path, sizes: Sequence[int], out: Path) -> dict[str, object]:
    """Measure reading from sets of several sizes, print the figures and write them as JSON.

    Args:
        faces_dir: Folder of face shards. One of its shards, repeated, makes the large sets.
        heatmaps_dir: Folder of their heatmap shards.
        sizes: Least numbers of rows of the large sets. The first is what the others are compared with.
        out: File to write. The large sets are built beside it, and removed.

    Returns:
        The figures that were written.

    Raises:
        InputError: If the shards cannot be read, or hold no training faces.
    """
    refuse_foreign(out, json_with("jpeg", "raw"))
    faces, heatmaps = open_shards(faces_dir, heatmaps_dir)
    results: dict[str, object] = {}
    out.parent.mkdir(parents=True, exist_ok=True)
    for encoding in ("jpeg", "raw"):
        with tempfile.TemporaryDirectory(dir=out.parent) as name:
            folders = [
                build_large_sets(faces, heatmaps, rows, encoding, Path(name) / str(number))
                for number, rows in enumerate(sizes)
            ]
            results[encoding] = measure(folders, encoding)
    write_text(out, json.dumps(results, indent=1) + "\n")
    return results


def measure(folders: Sequence[tuple[Path, Path]], title: str) -> list[dict[str, float]]:
    """Measure reading from several sets in turn, and print the figures of each.

    Args:
        folders: The folders of faces and of heatmaps of each set.
        title: Title of the printed lines.

    Returns:
        For each set its numbers of rows and shards; the seconds until it is open and checked; the megabytes that a process
        that reads receives; the seconds until the first batch of two epochs; and for each rate of ``LargeSet.read`` faces a
        second, and the ratio of that to the first set's.
    """
    opened = [timed(partial(LargeSet, *pair)) for pair in folders]
    sets = [found for found, _ in opened]
    rates: list[dict[str, list[float]]] = [{} for _ in sets]
    for _ in progress(range(ROUNDS), total=ROUNDS, title=f"bench read {title}", unit="rounds"):
        for name in READERS:
            for place, large in enumerate(sets):
                for kind, rate in large.read(name).items():
                    rates[place].setdefault(kind, []).append(rate)
    figures = []
    for large, seconds, its in zip(sets, (seconds for _, seconds in opened), rates, strict=True):
        first, second = large.first_batches()
        entry: dict[str, float] = {
            "rows": large.rows,
            "shards": large.shards,
            "seconds_to_open": seconds,
            "megabytes": len(pickle.dumps(large.faces)) / 1e6,
            "seconds_to_first_batch": first,
            "seconds_to_first_batch_of_next_epoch": second,
        }
        for name in its:
            ratios = [rate / base for rate, base in zip(its[name], rates[0][name], strict=True)]
            entry |= {
                f"{name}_per_second": statistics.median(its[name][1:]),
                f"{name}_of_first": statistics.median(ratios[1:]),
            }
        figures.append(print_figures(title, entry))
    return figures
