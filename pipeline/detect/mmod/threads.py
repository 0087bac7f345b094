"""One thread for the BLAS. With several, it adds in another order, and a score would depend on the number of workers.

threadpoolctl does not know Apple's BLAS (Accelerate), whose number of threads then stays as it is.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()  # the number of threads is the process's: two threads must not restore it for each other


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Give the BLAS one thread in a with block, which one thread of the process runs at a time."""
    with _lock, _blas().limit(limits=1):
        yield


@cache
def _blas() -> Any:  # threadpoolctl has no types
    return ThreadpoolController().select(user_api="blas")
