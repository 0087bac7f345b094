"""Import large libraries without Python's search for garbage."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Do not search for garbage in a with block that imports large modules, nor later among their objects.

    As objects are made, Python searches all that exist again and again. This takes a tenth of the time to
    import PyTorch, and more time later: its modules have more than a hundred thousand objects, and none of them is garbage.
    """
    modules, was_enabled = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > modules:
            gc.freeze()
        if was_enabled:
            gc.enable()
