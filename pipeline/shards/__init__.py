"""HDF5 shards of faces and heatmaps. No code outside this package touches HDF5.

A shard set is a folder of numbered ``00000.h5`` files and an ``index.json``. The index is written last, so that its presence
marks the set as complete. Each file also describes itself: it holds its schema, its kind, its provenance (under the name
``stamp``) and a digest of every column. Row i of one kind belongs to row i of the other kinds, and all kinds follow the
order of the manifest.

faces           id, label, split, subject, status, reason, aus: strings.
                landmarks (N, 68, 2) float32: (x, y) in pixels of the crop, origin top left.
                crop_bytes (bytes,) uint8 and crop_offsets (N + 1,) int64: the aligned square crop as JPEG, or as RGB bytes
                where the provenance gives the encoding raw. A row whose status is not "ok" has no crop (zero bytes) and its
                landmarks are zeros.
                key (N, 32) uint8: SHA-256 of everything that decides the crop and the landmarks; zeros where it is unknown.
heatmaps        maps (N, size, size) uint8: 255 x heatmap. has_map (N,) bool.
class_heatmaps  One map for each class that the provenance lists: maps (N, classes, size, size), has_map (N, classes).

Datasets are contiguous and unfiltered, so that reading a row takes one seek, and a dataset that declares more bytes than the
file has is recognised as forged. The index holds a digest of every column, so that a reader checks only the columns that it
reads: rendering heatmaps opens no crop.
"""

from pipeline.shards.errors import ShardError
from pipeline.shards.reader import ShardSet
from pipeline.shards.writer import ShardWriter

__all__ = ["ShardError", "ShardSet", "ShardWriter"]
