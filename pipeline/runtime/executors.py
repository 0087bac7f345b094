"""Where work is done: spawned processes of this machine, or the workers of a Dask cluster, behind the protocol of
``concurrent.futures.Executor``."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import resource_tracker
from typing import Literal, Protocol

import cv2
from threadpoolctl import threadpool_limits

from pipeline.runtime.errors import InputError

PATIENCE = 10  # seconds, with a cluster


class Workers(Protocol):
    """``number`` workers. A future whose worker died raises one of ``deaths``."""

    number: int
    deaths: tuple[type[Exception], ...]

    def submit(self, function: Callable, *arguments: object) -> Future:
        """As ``Executor.submit``."""

    def submit_alone(self, function: Callable, *arguments: object) -> Future:
        """The same so that nothing else can be the reason if the worker dies."""


class Processes:
    """Spawned processes, not forked: a fork copies locks of OpenCV and HDF5 in whatever state they are."""

    deaths = (BrokenExecutor,)

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool: Executor | None = None

    def submit(self, function: Callable, *arguments: object) -> Future:
        with _deaf_children():
            try:
                self._pool = self._pool or self._new(self.number)
                return self._pool.submit(_settled, function, *arguments)
            except BrokenExecutor:  # a worker died since: its future says so, others need a new pool
                self._pool.shutdown(wait=False)
                self._pool = self._new(self.number)
                return self._pool.submit(_settled, function, *arguments)

    def submit_alone(self, function: Callable, *arguments: object) -> Future:
        with self._new(1) as pool, _deaf_children():
            return pool.submit(_settled, function, *arguments)

    def stop(self) -> None:
        """At once: what is being worked on is not waited for."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):  # ``kill_workers`` only comes with Python 3.14
                process.kill()
            # Until its thread has ended, too: Python 3.11, when it exits, may wake one that is closing, and fail.
            self._pool.shutdown(cancel_futures=True)

    def _new(self, number: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"), initializer=_start)


class Cluster:
    """The workers of a running Dask cluster, which see the same files by the same names and have the same install."""

    def __init__(self, address: str) -> None:
        if "://" not in address:
            raise InputError(f"--scheduler {address} is no address: give it as tcp://host:8786")
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise InputError("--scheduler needs Dask: pip install -c constraints.txt -e '.[cluster]'") from error
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler answers at {address}: start `dask scheduler`, or mend --scheduler"
            ) from error
        self.deaths = (KilledWorker,)
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            self.stop()
            raise InputError(f"the Dask scheduler at {address} has no workers: start `dask worker {address}`") from error
        self.number = sum(self._client.nthreads().values())
        self._executor = self._client.get_executor()

    def submit(self, function: Callable, *arguments: object) -> Future:
        return self._executor.submit(_settled, function, *arguments)

    submit_alone = submit  # the scheduler tries a task that it sees die on other workers before it gives it up

    def stop(self) -> None:
        self._client.close(timeout=2)


@contextmanager
def workers(number: int, scheduler: str | None) -> Iterator[Workers]:
    """``number`` processes of this machine, or those of the Dask cluster at ``scheduler``; stopped in the end."""
    chosen = Cluster(scheduler) if scheduler else Processes(number)
    try:
        yield chosen
    finally:
        chosen.stop()


def count(number: int | Literal["auto"]) -> int:
    """``auto`` is every core this process may use."""
    if number != "auto":
        return number
    if hasattr(os, "sched_getaffinity"):  # Linux: honours taskset and containers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes that start meanwhile leave Ctrl-C to their parent, which hears of it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would end the blocking if it had to start then
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def _start() -> None:
    """In a new process of ours: never outlive the parent."""
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _settled(function: Callable, *arguments: object) -> object:
    _one_thread_each()
    return function(*arguments)


@cache
def _one_thread_each() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)
