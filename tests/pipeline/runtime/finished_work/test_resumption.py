from pipeline.runtime.finished_work.resumption import completed


class Finished(dict):
    """Results of an earlier run by key; those that are None are damaged."""

    def recall(self, key):
        return self[key]


class Compute:
    """Squares items, lazily; keeps its calls and the items that it has computed."""

    def __init__(self):
        self.calls, self.computed = [], []

    def __call__(self, items):
        self.calls.append(list(items))
        return self._squares(items)

    def _squares(self, items):
        for item in items:
            self.computed.append(item)
            yield item**2


def keys(items):
    return [f"key {item}" for item in items]


def test_known_and_new_results_come_in_the_order_of_the_items():
    compute, items = Compute(), [3, 1, 4, 5]
    finished = Finished({"key 1": "known 1", "key 5": "known 5", "key 9": "unused"})
    assert list(completed(items, keys(items), finished, compute)) == [
        (3, 9, True),
        (1, "known 1", False),
        (4, 16, True),
        (5, "known 5", False),
    ]
    assert compute.calls == [[3, 4]]


def test_damaged_results_are_computed_again_in_their_place():
    compute, items = Compute(), [1, 2, 3, 4]
    finished = Finished({"key 1": None, "key 2": "known", "key 3": None})
    assert list(completed(items, keys(items), finished, compute)) == [
        (1, 1, True),
        (2, "known", False),
        (3, 9, True),
        (4, 16, True),
    ]
    assert compute.calls == [[4], [1], [3]]


def test_results_are_computed_as_they_are_asked_for():
    compute, items = Compute(), [1, 2, 3]
    results = completed(items, keys(items), Finished({"key 1": "known"}), compute)
    assert compute.calls == []
    assert next(results) == (1, "known", False)
    assert compute.computed == []
    assert next(results) == (2, 4, True)
    assert compute.computed == [2]


def test_a_false_result_is_a_result():
    compute = Compute()
    assert list(completed([1], ["key"], Finished({"key": 0}), compute)) == [(1, 0, False)]
    assert compute.computed == []


def test_no_items_have_no_results():
    assert list(completed([], [], Finished(), Compute())) == []


def test_results_that_were_finished_after_the_start_are_computed_as_announced():
    """What is new is decided once, before the first result, so that the caller can store results as they come."""
    compute, finished = Compute(), Finished()
    for _, result, is_new in completed([1, 2], ["same", "same"], finished, compute):
        assert is_new
        finished["same"] = result
    assert compute.computed == [1, 2]
