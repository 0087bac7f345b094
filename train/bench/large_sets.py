"""Sets of shards as large as any dataset, which take no room: one shard of a small set, linked again and again."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet, ShardWriter
from pipeline.shards.crops import decode_crop, encode_crop
from pipeline.shards.files import COLUMNS
from pipeline.shards.index import INDEX

QUALITY = 95  # of the JPEGs, if the crops of the small set are raw


def build_large_sets(faces: ShardSet, heatmaps: ShardSet, rows: int, encoding: str, folder: Path) -> tuple[Path, Path]:
    """Build a set of faces and a set of their heatmaps. All their files are hard links to one file.

    Args:
        faces: The small set. The shard with the most training faces is taken from it.
        heatmaps: Its heatmaps.
        rows: Least number of rows of the large sets.
        encoding: Encoding of the crops: ``jpeg`` or ``raw``.
        folder: Folder to make, on a file system with hard links.

    Returns:
        The folders of faces and of heatmaps.
    """
    trained = [_number_of_training_faces(faces, number) for number in range(len(faces.shards))]
    number = int(np.argmax(trained))
    if not trained[number]:
        raise InputError(f"{faces.folder} has no training faces: check ingest and detect")
    copies = -(-rows // faces.shards[number].rows)
    columns = faces.shard(number, list(COLUMNS["faces"]))
    stored = faces.provenance.get("encoding", "jpeg")
    if encoding != stored:
        columns = columns | _encoded_again(columns, stored, encoding)
    large = _repeat(columns, "faces", faces.provenance | {"encoding": encoding}, copies, folder / "faces")
    maps = heatmaps.shard(number, list(COLUMNS[heatmaps.kind]))
    provenance = heatmaps.provenance | {"faces_sha256": ShardSet(large, "faces").digest()}
    return large, _repeat(maps, heatmaps.kind, provenance, copies, folder / "heatmaps")


def _number_of_training_faces(faces: ShardSet, number: int) -> int:
    columns = faces.shard(number, ["split", "status"])
    return int(((columns["split"] == "train") & (columns["status"] == Status.OK)).sum())


def _encoded_again(columns: dict[str, np.ndarray], stored: str, encoding: str) -> dict[str, np.ndarray]:
    """Encode the crops of a shard in another way."""
    crops = [np.empty(0, np.uint8)]
    for start, end in pairwise(columns["crop_offsets"].tolist()):
        image = decode_crop(columns["crop_bytes"][start:end], stored) if end > start else None
        crops.append(crops[0] if image is None else encode_crop(image, encoding, QUALITY))
    lengths = np.cumsum([len(crop) for crop in crops], dtype=np.int64)
    return {"crop_offsets": lengths, "crop_bytes": np.concatenate(crops)}


def _repeat(columns: dict[str, np.ndarray], kind: str, provenance: dict, copies: int, folder: Path) -> Path:
    """Write one shard, link it under further names, and list them all in the index."""
    plain = {name: values.tolist() if values.dtype.kind == "U" else values for name, values in columns.items()}
    with ShardWriter(folder, kind, provenance) as writer:
        shard = writer.write(plain, len(next(values for name, values in plain.items() if name != "crop_offsets")))
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    index["shards"] = [vars(shard) | {"file": f"{number:05d}.h5"} for number in range(copies)]
    for entry in index["shards"][1:]:
        os.link(folder / shard.file, folder / entry["file"])
    write_text(folder / INDEX, json.dumps(index))
    return folder
