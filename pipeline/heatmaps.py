"""Stage heatmaps: where a FACS expert would look, one small map per face for its label, from the stored landmarks alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.errors import InputError
from pipeline.files import locked
from pipeline.params import Heatmaps
from pipeline.progress import progress, taken_up
from pipeline.render import render, render_cues, to_frame
from pipeline.shards import ShardSet, ShardWriter
from pipeline.workers import threaded_map

__all__ = ["classes_of", "main", "render"]

CELLS = 2**22  # of the maps that a thread renders at a time: enough faces of each expression to fill batches
READ = ("landmarks", "label", "status")


def main(
    params: Heatmaps,
    faces_dir: Path,
    heatmaps_dir: Path,
    workers: int | Literal["auto"] = 1,
    cache_dir: Path | None = None,
    meaning_path: Path | None = None,
) -> tuple[Codebook, Counter[str]]:
    """Render the map of every face in the face shards into parallel heatmap shards; returns the codebook, and how many
    rows have a map and how many have none for which reason.

    ``workers`` threads render while this one writes: numpy works outside of Python's lock. They change no byte. Shards that
    an earlier run finished are taken from ``cache_dir``. Raises InputError if the codebook does not mean what
    ``meaning_path`` holds, which is what DVC compares.
    """
    book = codebooks.load(params.codebook)
    if meaning_path and meaning_path.read_bytes() != book.described().encode():
        raise InputError(f"{meaning_path} is not what codebook {params.codebook} means: run `dvc repro`")
    faces = ShardSet(faces_dir, "faces")
    if params.size > faces.stamp["crop_size"]:
        largest = faces.stamp["crop_size"]
        raise InputError(f"heatmaps.size is {params.size}, but the crops have {largest} pixels: give {largest} or less")
    _refuse_unknown_labels(faces, book)
    stamp = {"stage": "heatmaps", "codebook": book.name, "codebook_sha256": book.digest(), "size": params.size}
    kind = "heatmaps"
    if params.per_class:
        kind, stamp["classes"] = "class_heatmaps", classes_of(book)
    counts: Counter[str] = Counter()
    work = partial(_render_rows, crop_size=faces.stamp["crop_size"], book=book, params=params)
    cells = params.size**2 * (len(classes_of(book)) if params.per_class else 1)
    whole = {"faces_sha256": faces.digest()}
    with (
        locked(heatmaps_dir),
        ShardWriter(heatmaps_dir, kind, stamp, whole, cache_dir) as writer,
        progress(None, total=len(faces), title="heatmaps", unit="faces") as bar,
    ):
        keys = [writer.key(faces.stamp["crop_size"], *(shard.columns[name] for name in READ)) for shard in faces.shards]
        new = [number for number, key in enumerate(keys) if not writer.has(key)]
        taken_up("heatmaps", len(keys) - len(new), len(keys), "shards")
        rendered = chain.from_iterable(threaded_map(work, _chunks(faces, new, max(1, CELLS // cells)), workers))
        planned = set(new)
        for number, key in enumerate(keys):
            adopted = writer.adopt(key, ["has_map"]) if number not in planned else None
            if adopted is None:
                maps, has_map, outcomes = next(rendered) if number in planned else work([faces.shard(number, READ)])[0]
                writer.write({"maps": maps, "has_map": has_map}, len(maps), key)
            else:
                outcomes = Counter(_outcomes(faces.shard(number, ("label", "status")), adopted["has_map"], book))
            counts.update(outcomes)
            bar.update(faces.shards[number].rows)
    return book, counts


def classes_of(codebook: Codebook) -> list[str]:
    """The expressions that have a map, in alphabetical order: the axis of maps per class."""
    return sorted(name for name, cues in codebook.cues.items() if cues)


def _chunks(faces: ShardSet, numbers: Iterable[int], rows: int) -> Iterator[list[dict[str, np.ndarray]]]:
    """Some shards, as many together as have about so many ``rows``, and one at least."""
    chunk: list[dict[str, np.ndarray]] = []
    for number in numbers:
        chunk.append(faces.shard(number, READ))
        if sum(len(shard["label"]) for shard in chunk) >= rows:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _refuse_unknown_labels(faces: ShardSet, book: Codebook) -> None:
    """Before an earlier set of heatmaps makes room for the new one."""
    labels: set[str] = set()
    for number in range(len(faces.shards)):
        columns = faces.shard(number, ("label", "status"))
        labels.update(columns["label"][columns["status"] == "ok"].tolist())
    book.refuse_unknown(labels)


def _render_rows(
    chunk: list[dict[str, np.ndarray]], crop_size: int, book: Codebook, params: Heatmaps
) -> list[tuple[np.ndarray, np.ndarray, Counter[str]]]:
    """Maps (N, size, size) or (N, classes, size, size) uint8, has_map (N,) or (N, classes) and the outcomes of each shard.

    Each crop is rendered as if it had the codebook's reference size, so that a map does not depend on the resolution that
    crops are stored at.
    """
    columns = {name: np.concatenate([rows[name] for rows in chunk]) for name in READ}
    usable = np.flatnonzero(columns["status"] == "ok")
    landmarks = to_frame(columns["landmarks"][usable].astype(float), crop_size, book.reference_size)
    labels = columns["label"][usable]
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
    ends = np.cumsum([len(rows["label"]) for rows in chunk])
    parts = [np.split(array, ends[:-1]) for array in (maps, has_map)]
    return [
        (maps, has_map, Counter(_outcomes(rows, has_map, book))) for rows, maps, has_map in zip(chunk, *parts, strict=True)
    ]


def _outcomes(rows: dict[str, np.ndarray], has_map: np.ndarray, book: Codebook) -> Iterator[str]:
    for status, label, drawn in zip(rows["status"], rows["label"], has_map.reshape(len(has_map), -1).any(1), strict=True):
        if drawn:
            yield "with a map"
        elif status != "ok":
            yield f"without: {status}"
        elif not book.cues[str(label)]:
            yield f"without: {label} has no action units"
        else:
            yield "without: no region in the crop"
