"""Keep the memory of a process to what it needs."""

import ctypes
import sys
from functools import cache
from typing import Any


def release_free_memory() -> None:
    """Give the memory that was freed back to the system, where the C library can (glibc).

    By itself, glibc keeps the memory of freed tensors. Where the sizes of batches vary, a new tensor often fits none of the
    gaps that earlier tensors have left, so that the process grows with the time that it runs.
    """
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _c_library() -> Any | None:  # ctypes makes a library's functions when they are asked for
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
