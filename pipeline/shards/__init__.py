"""HDF5 shards: the only code that touches HDF5.

A shard set is a folder of numbered ``00000.h5`` files and an ``index.json``, which is written last and so marks it complete.
Each file says by itself what it is, too: schema, kind, stamp, and a digest of every column.
Row i of one kind belongs to row i of the others, and all follow the manifest:

faces     id, label, split, subject, status, reason, aus (strings); landmarks (N, 68, 2) float32, (x, y) in crop pixels,
          origin top left; crop_bytes (bytes,) uint8 and crop_offsets (N + 1,) int64: the aligned square crop as JPEG, or as
          RGB bytes where the stamp's encoding is raw. A row whose status is not "ok" has no crop (zero bytes) and zeros for
          landmarks. key (N, 32) uint8: SHA-256 of what decides crop and landmarks; zeros where that cannot be known.
heatmaps  maps (N, size, size) uint8 = 255 x heatmap; has_map (N,) bool.
class_heatmaps  the same for each of the stamp's classes: maps (N, classes, size, size), has_map (N, classes).

Datasets are contiguous and unfiltered: a row is one seek, and a declared size beyond the file's is a forgery. The index
holds a digest of every column, so that a reader checks what it reads and nothing else: rendering heatmaps opens no crop.
"""

from pipeline.shards.reader import ShardSet
from pipeline.shards.writer import ShardWriter

__all__ = ["ShardSet", "ShardWriter"]
