"""The offline half of aucue: it reads photos and writes HDF5 shards of aligned faces and action-unit heatmaps.

It does not import torch.
"""

import os

# OpenCV reads this limit once, when it is first imported. Without it a file of a megabyte may declare gigabytes of pixels,
# and OpenCV would allocate them.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))
