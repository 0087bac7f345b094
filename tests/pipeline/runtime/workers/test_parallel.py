import math
import operator
import os
import time

import numpy as np
import pytest

from pipeline.runtime.workers import parallel
from pipeline.runtime.workers.parallel import ordered_map, threaded_map


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, 7, 8, 9, 100])
def test_results_come_in_order(number, items):
    assert list(ordered_map(math.sqrt, range(items), number)) == [math.sqrt(item) for item in range(items)]


def test_work_is_done_in_other_processes():
    many = list(ordered_map(operator.methodcaller("__call__"), [os.getpid] * 64, 2))
    assert os.getpid() not in many
    assert len({os.getpid(), *ordered_map(operator.methodcaller("__call__"), [os.getpid] * 64, 1)}) == 2
    assert set(ordered_map(operator.methodcaller("__call__"), [os.getpid] * 3, 2)) == {os.getpid()}  # not worth a process


@pytest.mark.parametrize("number", [1, 2])
def test_error_comes_through_as_it_is(number):
    with pytest.raises(ValueError, match="math domain error"):
        list(ordered_map(math.sqrt, [1.0] * 30 + [-1.0] + [1.0] * 300, number))


@pytest.mark.parametrize("number", [1, 2])
def test_unfinished_map_can_be_left(number):
    results = ordered_map(math.sqrt, range(1000), number)
    assert next(results) == 0
    results.close()


def test_long_inputs_are_not_sent_ahead_at_once():
    """Only a few tasks are in flight: the memory does not grow with the number of items."""

    class Items:
        furthest = 0

        def __len__(self):
            return 4000

        def __getitem__(self, index):
            self.furthest = max(self.furthest, index.stop)
            return list(range(index.start, min(index.stop, 4000)))

    items = Items()
    results = ordered_map(math.sqrt, items, 2)
    next(results)
    assert items.furthest <= 2 * parallel.TASKS_IN_FLIGHT * parallel.BATCH
    results.close()


def test_arrays_come_back_whole():
    arrays = [np.full(5, number) for number in range(20)]
    for expected, result in zip(arrays, ordered_map(np.negative, arrays, 2), strict=True):
        np.testing.assert_array_equal(result, -expected)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_threads_keep_the_order_too(number):
    def slower_first(item):
        time.sleep(0.002 * (10 - item))
        return item

    assert list(threaded_map(slower_first, range(10), number)) == list(range(10))
    assert list(threaded_map(slower_first, [], number)) == []


def test_threads_draw_only_a_few_items_ahead():
    drawn = []
    results = threaded_map(operator.neg, (drawn.append(item) or item for item in range(1000)), 2)
    assert next(results) == 0
    assert len(drawn) <= 4
    results.close()


def test_error_in_a_thread_comes_through():
    with pytest.raises(ValueError, match="math domain error"):
        list(threaded_map(math.sqrt, [1.0] * 30 + [-1.0] + [1.0] * 300, 2))
