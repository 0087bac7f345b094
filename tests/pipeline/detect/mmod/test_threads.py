import threading

import pytest

from pipeline.detect.mmod.threads import single_blas_thread


@pytest.fixture(autouse=True)
def three(blas_threads):
    if blas_threads(3) != {3}:
        pytest.skip("the BLAS of numpy has fewer threads")


def test_number_returns_after_the_block(blas_threads):
    with single_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == {3}


def test_number_returns_after_an_error(blas_threads):
    with pytest.raises(KeyError), single_blas_thread():
        raise KeyError
    assert blas_threads() == {3}


def test_threads_run_the_block_one_after_the_other(blas_threads):
    """The end of the first block would restore the number inside of the second."""
    inside, left = threading.Event(), threading.Event()

    def first():
        with single_blas_thread():
            inside.set()
            left.wait(0.2)  # long enough for the second to begin
            left.set()

    other = threading.Thread(target=first)
    other.start()
    inside.wait()
    with single_blas_thread():
        assert left.is_set()
        assert blas_threads() == {1}
    other.join()
    assert blas_threads() == {3}
