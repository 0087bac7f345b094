"""Measure how fast the crops of face shards are read at random, and how much of that is decoding."""

import random
from functools import partial
from itertools import pairwise

import numpy as np

from pipeline.bench.measurement import timed
from pipeline.runtime.status import Status
from pipeline.shards import ShardSet
from pipeline.shards.crops import decode_crop

READS = 5000


def measure_reads(shards: ShardSet, encoding: str) -> dict[str, float]:
    """Time one process that reads crops at random.

    Args:
        shards: Face shards.
        encoding: How their crops are stored: ``jpeg`` or ``raw``.

    Returns:
        Crops per second of reading and of decoding alone, their ratio, and bytes per face on disk.
    """
    rows = [row for row, status in enumerate(shards.column("status")) if status == Status.OK]
    chosen = random.Random(0).choices(rows, k=READS)
    for number in range(len(shards.shards)):  # each file is checked when it is first read
        shards.crop(next(row for row in rows if row >= sum(shard.rows for shard in shards.shards[:number])))
    picks = random.Random(0).choices(_encoded_crops(shards), k=READS)
    # One after the other and none kept: otherwise the memory for thousands of crops would be timed, too.
    reading = sum(timed(partial(shards.crop, row))[1] for row in chosen)
    decoding = sum(timed(partial(decode_crop, crop, encoding))[1] for crop in picks)
    size = sum(file.stat().st_size for file in shards.folder.iterdir())
    return {
        "reads_per_second": READS / reading,
        "decodes_per_second": READS / decoding,
        "of_decoding": decoding / reading,
        "bytes_per_face": size / len(rows),
    }


def _encoded_crops(shards: ShardSet) -> list[np.ndarray]:
    encoded = []
    for number in range(len(shards.shards)):
        columns = shards.shard(number, ["crop_offsets", "crop_bytes"])
        ranges = pairwise(columns["crop_offsets"].tolist())
        encoded += [columns["crop_bytes"][start:end].copy() for start, end in ranges if end > start]
    return encoded
