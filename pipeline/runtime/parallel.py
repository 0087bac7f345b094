"""Spread a function over processes or threads; the results come back in the order of the items, whatever the number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal, TypeVar

from pipeline.runtime import executors
from pipeline.runtime.executors import Workers, count

__all__ = ["count", "ordered_map", "threaded_map"]

T = TypeVar("T")
R = TypeVar("R")
BATCH = 8  # items a task: large enough to hide the hand-over, small enough to keep every worker busy to the end
DIED = "the process that worked on it died: out of memory, or a crash in a library"
TASKS_IN_FLIGHT = 4  # per worker, so that memory does not grow with the number of items


def ordered_map(
    function: Callable[[T], R],
    items: Sequence[T],
    workers: int | Literal["auto"],
    died: Callable[[T], R] | None = None,
    scheduler: str | None = None,
) -> Iterator[R]:
    """Yield ``function(item)`` for every item, in order. ``function`` and the items must be picklable.

    The work is done by ``workers`` processes, or by the Dask cluster at ``scheduler``. Where an item kills the process that
    works on it, its result is ``died(item)``, and the others go on.
    """
    if len(items) <= BATCH and scheduler is None:  # not worth a process
        yield from map(function, items)
        return
    batches = (items[start : start + BATCH] for start in range(0, len(items), BATCH))
    number = min(count(workers), -(-len(items) // BATCH))
    with executors.workers(number, scheduler) as pool:
        finished = partial(_finished, function=function, died=died, pool=pool)
        pending: deque[tuple[Sequence[T], Future]] = deque()
        for batch in batches:
            pending.append((batch, pool.submit(_run_batch, function, batch)))
            if len(pending) >= pool.number * TASKS_IN_FLIGHT:
                yield from finished(*pending.popleft())
        while pending:
            yield from finished(*pending.popleft())


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


def _finished(
    batch: Sequence[T], future: Future, function: Callable[[T], R], died: Callable[[T], R] | None, pool: Workers
) -> list[R]:
    """The results of a batch. If a worker died, this batch need not be to blame: it is tried again by itself, and then item
    by item."""
    try:
        return future.result()
    except pool.deaths:
        if died is None:
            raise
    try:
        return pool.submit_alone(_run_batch, function, batch).result()
    except pool.deaths:
        return [_alone(item, function, died, pool) for item in batch]


def _alone(item: T, function: Callable[[T], R], died: Callable[[T], R], pool: Workers) -> R:
    try:
        return pool.submit_alone(function, item).result()
    except pool.deaths:
        return died(item)


def _run_batch(function: Callable[[T], R], batch: Sequence[T]) -> list[R]:
    return [function(item) for item in batch]
