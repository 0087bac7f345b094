"""Map a function over items with processes or threads. The results come in the order of the items, whatever the number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Literal, TypeVar

from pipeline.runtime.workers.executors import Workers, open_workers, worker_count

T = TypeVar("T")
R = TypeVar("R")
BATCH = 8  # items of a task: enough to hide the cost of sending it, few enough to keep every worker busy to the end
DIED = "the process that worked on it died: out of memory, or a crash in a library"  # a reason for the tables
TASKS_IN_FLIGHT = 4  # per worker, so that memory does not grow with the number of items


def ordered_map(
    function: Callable[[T], R],
    items: Sequence[T],
    workers: int | Literal["auto"],
    result_if_died: Callable[[T], R] | None = None,
    scheduler: str | None = None,
    files: Sequence[str] = (),
) -> Iterator[R]:
    """Map a function over items in other processes.

    Up to 8 items are computed in this process unless there is a scheduler: starting a process would take longer.

    Args:
        function: Must be picklable, like the items and the results.
        items: The items.
        workers: Number of processes; ``auto`` for every core.
        result_if_died: Returns the result of an item that killed the process that worked on it, so that the other items go
            on. Without it such an item raises an error.
        scheduler: Address of a Dask scheduler whose workers are used instead.
        files: Absolute paths of files of this machine that the workers of the scheduler have to see, too.

    Yields:
        ``function(item)`` for every item, in order.

    Raises:
        InputError: If the cluster of the scheduler cannot be used.
    """
    if len(items) <= BATCH and scheduler is None:
        yield from map(function, items)
        return
    batches = (items[start : start + BATCH] for start in range(0, len(items), BATCH))
    number = min(worker_count(workers), -(-len(items) // BATCH))
    yield from _map_batches(function, batches, open_workers(number, scheduler, files), result_if_died)


def streamed_map(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int | Literal["auto"],
    result_if_died: Callable[[T], R] | None = None,
) -> Iterator[R]:
    """Map a function over large items of unknown number, such as the frames of a video, in other processes.

    Args:
        function: Must be picklable, like the items and the results.
        items: Drawn lazily: only a few more than the results that have been yielded.
        workers: Number of processes; ``auto`` for every core.
        result_if_died: See ``ordered_map``.

    Yields:
        ``function(item)`` for every item, in order.
    """
    batches = ([item] for item in items)
    yield from _map_batches(function, batches, open_workers(worker_count(workers), None), result_if_died)


def _map_batches(
    function: Callable[[T], R],
    batches: Iterable[Sequence[T]],
    opened: AbstractContextManager[Workers],
    result_if_died: Callable[[T], R] | None,
) -> Iterator[R]:
    with opened as pool:
        results_of = partial(_batch_results, function=function, result_if_died=result_if_died, pool=pool)
        pending: deque[tuple[Sequence[T], Future]] = deque()
        for batch in batches:
            pending.append((batch, pool.submit(_run_batch, function, batch)))
            if len(pending) >= pool.number * TASKS_IN_FLIGHT:
                yield from results_of(*pending.popleft())
        while len(pending) > 1:
            yield from results_of(*pending.popleft())
        last = results_of(*pending.popleft()) if pending else []
    # The workers have stopped by now. A caller that draws no further than the last result would leave that to the exit.
    yield from last


def threaded_map(function: Callable[[T], R], items: Iterable[T], workers: int | Literal["auto"]) -> Iterator[R]:
    """Map a function that spends its time outside of Python's global lock over items, in threads.

    Args:
        function: Called in other threads.
        items: Drawn lazily: only a few more than the results that have been yielded.
        workers: Number of threads; ``auto`` for every core.

    Yields:
        ``function(item)`` for every item, in order.
    """
    number = worker_count(workers)
    with ThreadPoolExecutor(number) as pool:
        pending: deque[Future[R]] = deque()
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


def _batch_results(
    batch: Sequence[T],
    future: Future,
    function: Callable[[T], R],
    result_if_died: Callable[[T], R] | None,
    pool: Workers,
) -> list[R]:
    """Return the results of a batch whose worker may have died.

    The batch need not be the cause: it is tried again in isolation, and then item by item.
    """
    try:
        return future.result()
    except pool.death_errors:
        if result_if_died is None:
            raise
    try:
        return pool.submit_isolated(_run_batch, function, batch).result()
    except pool.death_errors:
        return [_isolated_result(item, function, result_if_died, pool) for item in batch]


def _isolated_result(item: T, function: Callable[[T], R], result_if_died: Callable[[T], R], pool: Workers) -> R:
    try:
        return pool.submit_isolated(function, item).result()
    except pool.death_errors:
        return result_if_died(item)


def _run_batch(function: Callable[[T], R], batch: Sequence[T]) -> list[R]:
    return [function(item) for item in batch]
