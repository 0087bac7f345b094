"""Stage heatmaps: render where a FACS expert would look, one small map per face for its label.

The maps need the stored landmarks alone; no photo and no crop is opened.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.codebook.rendering.renderer import render, render_cues, to_frame
from pipeline.runtime.errors import InputError
from pipeline.runtime.finished_work.cache import work_folder
from pipeline.runtime.finished_work.resumption import completed
from pipeline.runtime.outputs.files import locked
from pipeline.runtime.parameters import Heatmaps
from pipeline.runtime.progress import progress, report_resumed
from pipeline.runtime.status import Status
from pipeline.runtime.workers.parallel import threaded_map
from pipeline.shards import ShardSet, ShardWriter

__all__ = ["classes_of", "main", "render"]

CELLS_PER_TASK = 2**22  # cells of the maps that a thread renders at a time: enough faces of each expression to fill batches
INPUT_COLUMNS = ("landmarks", "label", "status")  # of the face shards
ROOMS = ("pipeline/heatmaps", "pipeline/codebook", "pipeline/shards")  # the folders whose code decides the output


def main(
    *,
    params: Heatmaps,
    faces_dir: Path,
    heatmaps_dir: Path,
    workers: int | Literal["auto"] = 1,
    cache_dir: Path | None = None,
    meaning_path: Path | None = None,
) -> tuple[Codebook, Counter[str]]:
    """Render the map of every face in the face shards into parallel heatmap shards.

    Args:
        params: The codebook, and the size of the maps in cells.
        faces_dir: Folder of face shards to read. No crop is opened.
        heatmaps_dir: Folder of heatmap shards to write.
        workers: Threads that render while this thread writes: NumPy works outside Python's lock. Their number changes no
            byte.
        cache_dir: Folder of finished work. Finished shards of earlier runs are taken from there.
        meaning_path: File that stage codebook wrote. DVC compares that file, so the codebook must still have its meaning.

    Returns:
        The codebook, and the number of rows with a map and, for each reason, without a map.

    Raises:
        InputError: If the faces cannot be read, or a label, the size or the codebook's meaning does not fit.
    """
    book = codebooks.load(params.codebook)
    if meaning_path and meaning_path.read_bytes() != book.to_json().encode():
        raise InputError(f"{meaning_path} is not what codebook {params.codebook} means: run `dvc repro`")
    faces = ShardSet(faces_dir, "faces")
    _check(faces, book, params)
    kind, provenance = _provenance(book, params)
    work_dir = work_folder(cache_dir, ROOMS)
    counts: Counter[str] = Counter()
    bar: tqdm[None]
    with (
        locked(heatmaps_dir),
        ShardWriter(heatmaps_dir, kind, provenance, {"faces_sha256": faces.digest()}, work_dir) as writer,
        progress(None, total=len(faces), title="heatmaps", unit="faces") as bar,
    ):
        crop_size = faces.provenance["crop_size"]
        keys = [writer.key(crop_size, *(shard.columns[name] for name in INPUT_COLUMNS)) for shard in faces.shards]
        finished = writer.finished(["has_map"])
        report_resumed("heatmaps", sum(key in finished for key in keys), len(keys), "shards")
        compute = partial(_rendered, faces=faces, book=book, params=params, workers=workers)
        for (number, columns, is_new), key in zip(completed(range(len(keys)), keys, finished, compute), keys, strict=True):
            if is_new:
                writer.write(columns, len(columns["maps"]), key)
            rows = columns if is_new else faces.shard(number, ("label", "status"))
            counts.update(_outcomes(rows, columns["has_map"], book))
            bar.update(faces.shards[number].rows)
    return book, counts


def _check(faces: ShardSet, book: Codebook, params: Heatmaps) -> None:
    """Raise InputError for maps larger than the crops or labels that the codebook does not know.

    This happens before the new set of heatmaps replaces an earlier set.
    """
    largest = faces.provenance["crop_size"]
    if params.size > largest:
        raise InputError(f"heatmaps.size is {params.size}, but the crops have {largest} pixels: give {largest} or less")
    labels: set[str] = set()
    for number in range(len(faces.shards)):
        columns = faces.shard(number, ("label", "status"))
        labels.update(columns["label"][columns["status"] == Status.OK].tolist())
    book.refuse_unknown(labels)


def _provenance(book: Codebook, params: Heatmaps) -> tuple[str, dict[str, object]]:
    """The kind of the shards, and the provenance that decides every shard besides its rows."""
    provenance = {"stage": "heatmaps", "codebook": book.name, "codebook_sha256": book.digest(), "size": params.size}
    if not params.per_class:
        return "heatmaps", provenance
    return "class_heatmaps", {**provenance, "classes": classes_of(book)}


def classes_of(codebook: Codebook) -> list[str]:
    """List the expressions that have a map, in alphabetical order: the class axis of maps per class."""
    return sorted(name for name, cues in codebook.cues.items() if cues)


def _rendered(
    numbers: Sequence[int], faces: ShardSet, book: Codebook, params: Heatmaps, workers: int | Literal["auto"]
) -> Iterator[dict[str, np.ndarray]]:
    """The columns of some heatmap shards, and the labels and statuses of their rows."""
    cells = params.size**2 * (len(classes_of(book)) if params.per_class else 1)
    work = partial(_render_rows, crop_size=faces.provenance["crop_size"], book=book, params=params)
    chunks = _chunks(faces, numbers, max(1, CELLS_PER_TASK // cells))
    return chain.from_iterable(threaded_map(work, chunks, workers))


def _chunks(faces: ShardSet, numbers: Iterable[int], rows: int) -> Iterator[list[dict[str, np.ndarray]]]:
    """Group shards into chunks of about ``rows`` rows and at least one shard."""
    chunk: list[dict[str, np.ndarray]] = []
    for number in numbers:
        chunk.append(faces.shard(number, INPUT_COLUMNS))
        if sum(len(shard["label"]) for shard in chunk) >= rows:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _render_rows(
    chunk: list[dict[str, np.ndarray]], crop_size: int, book: Codebook, params: Heatmaps
) -> list[dict[str, np.ndarray]]:
    """For each shard: maps (N, size, size) or (N, classes, size, size) uint8, has_map (N,) or (N, classes), label, status.

    Each crop is rendered as if it had the codebook's reference size, so that a map does not depend on the resolution at
    which crops are stored.
    """
    columns = {name: np.concatenate([rows[name] for rows in chunk]) for name in INPUT_COLUMNS}
    usable = np.flatnonzero(columns["status"] == Status.OK)
    landmarks = to_frame(columns["landmarks"][usable].astype(float), crop_size, book.reference_size)
    labels = columns["label"][usable].tolist()
    sizes = np.full((len(usable), 2), float(book.reference_size))
    axes = (len(classes_of(book)),) if params.per_class else ()
    maps = np.zeros((len(columns["label"]), *axes, params.size, params.size), np.uint8)
    has_map = np.zeros((len(maps), *axes), bool)
    if params.per_class:
        for index, name in enumerate(classes_of(book)):
            rendered, has_map[usable, index] = render_cues(landmarks, sizes, book.cues[name], book, params.size)
            maps[usable, index] = np.rint(rendered * 255)
    else:
        rendered, has_map[usable] = render(landmarks, labels, sizes, book, params.size)
        maps[usable] = np.rint(rendered * 255)
    ends = np.cumsum([len(rows["label"]) for rows in chunk])[:-1]
    parts = zip(chunk, np.split(maps, ends), np.split(has_map, ends), strict=True)
    return [
        {"maps": its_maps, "has_map": its_has_map, "label": rows["label"], "status": rows["status"]}
        for rows, its_maps, its_has_map in parts
    ]


def _outcomes(rows: dict[str, np.ndarray], has_map: np.ndarray, book: Codebook) -> Iterator[str]:
    """How each row ended: with a map, or without a map and why."""
    has_any_map = np.any(has_map.reshape(len(has_map), -1), axis=1).tolist()
    for status, label, is_drawn in zip(rows["status"], rows["label"], has_any_map, strict=True):
        if is_drawn:
            yield "with a map"
        elif status != Status.OK:
            yield f"without: {status}"
        elif not book.cues[str(label)]:
            yield f"without: {label} has no action units"
        else:
            yield "without: no region in the crop"
