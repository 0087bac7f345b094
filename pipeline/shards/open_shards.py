"""The open shard files of a set: opened when they are first needed, few at a time, and never shared between processes."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.shards.files import OpenShard
from pipeline.shards.index import Shard

MOST_OPEN = 100  # files of a set: some systems allow a process 256, and each file takes half a megabyte


class OpenShards:
    """Opens shards by their number in the set, and closes the least recently used shard beyond ``MOST_OPEN``.

    A pickle carries no open file, and a forked process opens files of its own.
    """

    def __init__(self, folder: Path, kind: str, shards: Sequence[Shard]) -> None:
        self._folder = folder
        self._kind = kind
        self._shards = shards
        self._open: dict[int, OpenShard] = {}  # the most recently used is the last
        self._process = os.getpid()

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_open": {}}

    def get(self, number: int) -> OpenShard:
        """Return a shard, opened now if it is not open in this process.

        Raises:
            ShardError: If the file is missing or damaged.
        """
        shard = self.get_if_open(number)
        if shard is None:
            entry = self._shards[number]
            shard = OpenShard(self._folder / entry.file, self._kind, entry)
        self._open.pop(number, None)
        self._open[number] = shard
        if len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()
        return shard

    def get_if_open(self, number: int) -> OpenShard | None:
        """Return a shard if it is open in this process, otherwise None."""
        if self._process != os.getpid():  # after a fork: the handles belong to the parent
            self._open, self._process = {}, os.getpid()
        return self._open.get(number)
