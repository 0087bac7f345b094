"""Resume finished work of an earlier run: known results are recalled, the others are computed, all in order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R", covariant=True)
K = TypeVar("K", contravariant=True)


class Finished(Protocol[K, R]):
    """Results of earlier runs, each under the key of everything that decides it."""

    def __contains__(self, key: K, /) -> bool: ...

    def recall(self, key: K, /) -> R | None:
        """Return the result, or None if it turns out to be damaged."""


def completed(
    items: Sequence[T],
    keys: Sequence[K],
    finished: Finished[K, R],
    compute: Callable[[Sequence[T]], Iterable[R]],
) -> Iterator[tuple[T, R, bool]]:
    """Pair every item with its result, in the order of the items.

    Args:
        items: The items whose results are wanted.
        keys: The key of each item.
        finished: Results of earlier runs. A result that ``recall`` finds damaged is computed again.
        compute: Returns the results of the given items, in their order. It is called once with all unknown items, so that it
            can spread them over processes, and its results are drawn lazily: nothing is computed before the first result is
            asked for. It is called again, with one item, for each damaged result.

    Yields:
        (item, result, whether the result was computed now).
    """
    is_new = [key not in finished for key in keys]
    results = iter(compute([item for item, new in zip(items, is_new, strict=True) if new]))
    for item, key, new in zip(items, keys, is_new, strict=True):
        if new:
            yield item, next(results), True
        elif (result := finished.recall(key)) is not None:
            yield item, result, False
        else:
            (result,) = compute([item])
            yield item, result, True
