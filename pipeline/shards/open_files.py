"""The open files of a set: few at a time, whatever the number of shards."""

from io import FileIO

from pipeline.shards.shard_file import ShardFile

OTHERS = 160  # open files that a training with eight readers needs besides its shards: pipes, shared memory, libraries
SETS = 4  # the faces and the heatmaps are open in one process, and half of the rest is left to others
LIMITS = (8, 512)  # least and most open files of a set


class OpenFiles:
    """Opens shards when they are needed, and closes the least recently used beyond ``most_open()``.

    A pickle carries no open file. A forked process reads the files that its parent opened: ``read_bytes`` does not use the
    position, which they share.
    """

    def __init__(self) -> None:
        self._open: dict[int, FileIO] = {}  # the most recently used is the last

    def __getstate__(self) -> dict:
        return {"_open": {}}

    def get(self, number: int, file: ShardFile) -> FileIO:
        """Return the stream of a shard, opened now if it is not open.

        Args:
            number: Number of the shard in the set.
            file: The shard.
        """
        stream = self._open.pop(number, None)
        if stream is None:
            while len(self._open) >= most_open():
                self._open.pop(next(iter(self._open))).close()
            stream = file.open()
        self._open[number] = stream
        return stream


def most_open() -> int:
    """Return how many files of a set may be open: a share of those that this process may open, 256 on some systems."""
    least, most = LIMITS
    try:
        import resource
    except ImportError:  # Windows
        return least
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return most
    return max(least, min(most, (allowed - OTHERS) // SETS))
