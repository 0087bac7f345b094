"""The open files of this process: few at a time, whatever the number of shards and of sets."""

import weakref
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import FileIO
from typing import ClassVar

from pipeline.shards.shard_file import ShardFile

OTHERS = 160  # open files that a training with eight readers needs besides its shards: pipes, shared memory, libraries
LIMITS = (8, 16384)  # least and most open shards


class OpenFiles:
    """Opens the shards of a set when they are needed. Beyond ``most_open()`` the process closes the one it opened first.

    A pickle carries no open file. A forked process reads the files that its parent opened: ``read_bytes`` does not use the
    position, which they share.
    """

    _streams: ClassVar[dict[tuple[int, int], FileIO]] = {}  # of all sets, in the order in which they were opened

    def __init__(self) -> None:
        self._set = id(self)
        weakref.finalize(self, _close_set, self._streams, self._set)

    def __reduce__(self) -> tuple[type["OpenFiles"], tuple[()]]:
        return OpenFiles, ()

    def get(self, number: int, files: Mapping[int, ShardFile]) -> FileIO:
        """Return the stream of a shard, opened now if it is not open.

        Args:
            number: Number of the shard in the set.
            files: The shards of the set.
        """
        key = (self._set, number)
        stream = self._streams.get(key)
        if stream is None:
            most = most_open()
            while len(self._streams) >= most:
                self._streams.pop(next(iter(self._streams))).close()
            stream = self._streams[key] = files[number].open()
        return stream


def _close_set(streams: dict[tuple[int, int], FileIO], its: int) -> None:
    """Close the files of a set that is gone."""
    for key in [key for key in streams if key[0] == its]:
        streams.pop(key).close()


@cache
def most_open() -> int:
    """Return how many shards may be open: half of the files that this process may open besides.

    The process may open as many as the system lets it ask for. By default it is often allowed 256 or 1,024, and each shard
    that has to be opened again costs as much as reading a raw crop.
    """
    least, most = LIMITS
    try:
        import resource
    except ImportError:  # Windows
        return least
    allowed, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OTHERS + 2 * most
    if limit != resource.RLIM_INFINITY:
        wanted = min(wanted, limit)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        with suppress(ValueError, OSError):  # the system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limit))
            allowed = wanted
    if allowed == resource.RLIM_INFINITY:
        return most
    return max(least, min(most, (allowed - OTHERS) // 2))
