"""How a photo is stored under each EXIF orientation."""

import struct

import numpy as np

STORED = {  # orientation -> how a picture is stored, so that it is upright when turned as the tag says
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: np.rot90,
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def exif(orientation):
    """A big-endian EXIF block that holds the orientation tag (0x0112) alone."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def tagged(kind, orientation):
    """The options with which Pillow saves a file of that kind and orientation."""
    return {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": b"Exif\0\0" + exif(orientation)}
