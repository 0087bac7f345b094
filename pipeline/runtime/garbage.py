"""Python's search for unreachable cycles of objects, where it only costs time.

As objects are made, Python searches all that exist again and again. So each object costs more the more there are.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_rows() -> Iterator[None]:
    """Do not search in a with block that makes one or more objects for each row: rows hold no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Do not search in a with block that imports large modules, nor later among their objects.

    The search takes a tenth of the time to import PyTorch, whose modules have more than a hundred thousand objects.
    """
    modules = len(sys.modules)
    with many_rows():
        try:
            yield
        finally:
            if len(sys.modules) > modules:
                gc.freeze()
