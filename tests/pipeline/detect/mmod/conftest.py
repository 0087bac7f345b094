"""The number of threads of the BLAS, as a test wants it."""

import pytest
from threadpoolctl import ThreadpoolController

BLAS = ThreadpoolController().select(user_api="blas")


@pytest.fixture
def blas_threads():
    """Return the number; until the test ends it is set by ``blas_threads(number)``."""
    if not BLAS.info():
        pytest.skip("threadpoolctl does not know the BLAS of numpy")
    before = max(library["num_threads"] for library in BLAS.info())

    def blas_threads(number=None):
        if number:
            for library in BLAS.lib_controllers:
                library.set_num_threads(number)
            with BLAS.limit(limits=number):  # behind it, threadpoolctl lets any thread change the number
                pass
        return {library["num_threads"] for library in BLAS.info()}

    yield blas_threads
    blas_threads(before)
