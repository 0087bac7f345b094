"""The workers that run functions: spawned processes of this machine, or the workers of a Dask cluster.

Both follow the protocol of ``concurrent.futures.Executor``.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import resource_tracker
from typing import Literal, Protocol

import cv2
from threadpoolctl import threadpool_limits

from pipeline.runtime.errors import InputError

PATIENCE = 10  # seconds to wait for a cluster
# glibc's memory in large pages, where Linux gives them on request. A prediction of landmarks reads 4 MB in 7,500 places of
# dlib's 68-point model, and takes less time.
LARGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"


class Workers(Protocol):
    """Workers that run functions.

    Attributes:
        number: How many functions run at a time.
        death_errors: Errors of a future whose worker died.
    """

    number: int
    death_errors: tuple[type[Exception], ...]

    def submit(self, function: Callable, *arguments: object) -> Future:
        """Schedule a function as ``Executor.submit`` does. It computes with one thread."""

    def submit_isolated(self, function: Callable, *arguments: object) -> Future:
        """Schedule a function so that, if its worker dies, no other function can be the cause."""

    def stop(self) -> None:
        """Stop at once, without waiting for running functions."""


class Processes:
    """Spawned processes of this machine. A fork would copy the locks of OpenCV and HDF5 in whatever state they are."""

    death_errors: tuple[type[Exception], ...] = (BrokenExecutor,)

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, function: Callable, *arguments: object) -> Future:
        """Schedule a function (see ``Workers.submit``)."""
        with block_sigint():
            if self._pool is None:
                self._pool = self._new_pool(self.number)
            try:
                return self._pool.submit(_run_single_threaded, function, *arguments)
            except BrokenExecutor:  # a worker has died: its own future reports that, and other functions need a new pool
                self._pool.shutdown(wait=False)
                self._pool = self._new_pool(self.number)
                return self._pool.submit(_run_single_threaded, function, *arguments)

    def submit_isolated(self, function: Callable, *arguments: object) -> Future:
        """Run a function in a process of its own and wait for its end (see ``Workers.submit_isolated``)."""
        with self._new_pool(1) as pool, block_sigint():
            return pool.submit(_run_single_threaded, function, *arguments)

    def stop(self) -> None:
        """Kill the processes."""
        if self._pool is not None:
            # ``ProcessPoolExecutor.kill_workers`` only comes with Python 3.14.
            for process in list((self._pool._processes or {}).values()):  # noqa: SLF001 (the only way before Python 3.14)
                process.kill()
            # Wait until the pool's thread has ended, too: Python 3.11, as it exits, may wake a closing thread, and fail.
            self._pool.shutdown(cancel_futures=True)

    def _new_pool(self, number: int) -> ProcessPoolExecutor:
        os.environ.setdefault(*LARGE_PAGES)  # processes read it when they start
        return ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"), initializer=_exit_with_parent)


class Cluster:
    """The workers of a running Dask cluster, which see the same files under the same names and have the same install.

    Raises:
        InputError: If Dask is not installed, no scheduler with workers answers at the address, or a worker does not see one
            of the ``files`` (absolute paths) or has another install.
    """

    def __init__(self, address: str, files: Sequence[str] = ()) -> None:
        if "://" not in address:
            raise InputError(f"--scheduler {address} is not an address: give it as tcp://host:8786")
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise InputError("--scheduler needs Dask: pip install -c constraints.txt -e '.[cluster]'") from error
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler answers at {address}: start `dask scheduler`, or fix --scheduler"
            ) from error
        self.death_errors: tuple[type[Exception], ...] = (KilledWorker,)
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            self.stop()
            raise InputError(f"the Dask scheduler at {address} has no workers: start `dask worker {address}`") from error
        try:
            self._check_workers(files)
        except InputError:
            self.stop()
            raise
        self.number = sum(self._client.nthreads().values())
        self._executor = self._client.get_executor()

    def submit(self, function: Callable, *arguments: object) -> Future:
        """Schedule a function (see ``Workers.submit``)."""
        return self._executor.submit(_run_single_threaded, function, *arguments)

    def _check_workers(self, files: Sequence[str]) -> None:
        """Raise InputError if a worker cannot import this package, or does not see a file. The message names the worker."""
        for worker, missing in self._client.run(_find_missing, list(files), on_error="return").items():
            if isinstance(missing, BaseException):
                raise InputError(f"Dask's worker {worker} cannot run aucue ({missing}): give it the same install")
            if missing:
                raise InputError(
                    f"Dask's worker {worker} does not see {missing[0]}, which is here: start it where the same files are at "
                    "the same place"
                )

    # If the worker of a task dies, the scheduler itself tries the task on other workers before it gives the task up.
    submit_isolated = submit

    def stop(self) -> None:
        """Leave the cluster, whether or not the scheduler still answers."""
        with suppress(TimeoutError, OSError):
            self._client.close(timeout=2)


@contextmanager
def open_workers(number: int, scheduler: str | None, files: Sequence[str] = ()) -> Iterator[Workers]:
    """Provide workers in a with block, and stop them at its end.

    Args:
        number: Number of processes of this machine.
        scheduler: Address of a Dask scheduler whose workers are used instead; None for processes.
        files: Absolute paths of files of this machine that the workers of the scheduler have to see, too.

    Raises:
        InputError: If the cluster cannot be used.
    """
    workers: Workers = Cluster(scheduler, files) if scheduler else Processes(number)
    try:
        yield workers
    finally:
        workers.stop()


def worker_count(number: int | Literal["auto"]) -> int:
    """Return a number of workers; ``auto`` means every core that this process may use."""
    if number != "auto":
        return number
    if hasattr(os, "sched_getaffinity"):  # Linux: respects taskset and containers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def block_sigint() -> Iterator[None]:
    """Let the processes that start in a with block ignore Ctrl-C; this process receives it after the block."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # if it had to start in the block, its start would unblock the signal
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _exit_with_parent() -> None:
    """Make a new worker process end when its parent ends, even if the parent is killed."""
    parent = multiprocessing.parent_process()
    if parent is None:  # only in a main process
        return

    def exit_after_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=exit_after_parent, daemon=True).start()


def _find_missing(files: Sequence[str]) -> list[str]:
    """The files that do not exist on the machine that runs this function."""
    return [file for file in files if not os.path.exists(file)]  # noqa: PTH110 (Path.exists raises for odd names)


def _run_single_threaded(function: Callable, *arguments: object) -> object:
    _limit_threads()
    return function(*arguments)


@cache
def _limit_threads() -> None:
    """Give OpenCV and BLAS one thread, once per process: the workers already use every core."""
    cv2.setNumThreads(1)
    threadpool_limits(1)
