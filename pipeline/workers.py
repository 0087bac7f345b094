"""Spread a function over processes or threads; the results come back in the order of the items, whatever the number."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Literal, TypeVar

import cv2

T = TypeVar("T")
R = TypeVar("R")
BATCH = 8  # items a task: large enough to hide the hand-over, small enough to keep every worker busy to the end
TASKS_IN_FLIGHT = 4  # per worker, so that memory does not grow with the number of items


def count(workers: int | Literal["auto"]) -> int:
    """``auto`` is every core this process may use."""
    if workers != "auto":
        return workers
    if hasattr(os, "sched_getaffinity"):  # Linux: honours taskset and containers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Sequence[T], workers: int | Literal["auto"]) -> Iterator[R]:
    """Yield ``function(item)`` for every item, in order. ``function`` and the items must be picklable.

    Processes are spawned, not forked: a fork copies locks of OpenCV and HDF5 in whatever state they are.
    """
    number = min(count(workers), max(1, len(items) // BATCH))
    if number == 1:
        yield from map(function, items)
        return
    batches = (items[start : start + BATCH] for start in range(0, len(items), BATCH))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(number, mp_context=context, initializer=_one_thread_each) as pool:
        pending = deque()
        try:
            for batch in batches:
                pending.append(pool.submit(_run_batch, function, batch))
                if len(pending) >= number * TASKS_IN_FLIGHT:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def threaded_map(function: Callable[[T], R], items: Iterable[T], workers: int | Literal["auto"]) -> Iterator[R]:
    """As ``ordered_map``, in threads: for functions that spend their time outside of Python's lock. ``items`` are drawn
    lazily, a few ahead of what has been yielded."""
    number = count(workers)
    with ThreadPoolExecutor(number) as pool:
        pending = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > number:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _one_thread_each() -> None:
    cv2.setNumThreads(1)


def _run_batch(function: Callable[[T], R], batch: Sequence[T]) -> list[R]:
    return [function(item) for item in batch]
