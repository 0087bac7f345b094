"""Offline half of aucue: photos in, HDF5 shards of aligned faces and action-unit heatmaps out. Knows nothing of torch."""

import os

# OpenCV reads this once, when it is first imported: a file of a megabyte may claim, and be given, gigabytes of pixels.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))
