"""Python's search for garbage, which makes each row dearer the more rows there are."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_rows() -> Iterator[None]:
    """Do not search for unreachable cycles of objects in a with block that makes one or more objects for each row.

    While lists of rows grow, Python would look through all of them again and again. Rows hold no cycles, and are freed
    without that search.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
