"""The errors of a shard or an index that cannot be used."""

from pathlib import Path

from pipeline.runtime.errors import InputError

MADE_BY = {"faces": "landmarks", "heatmaps": "heatmaps", "class_heatmaps": "heatmaps"}  # kind of set -> stage that writes it


def run_again(kind: str) -> str:
    """Name the command that writes such a set again, as the fix in an error message."""
    return f"run `aucue {MADE_BY[kind]}` again"


class ShardError(InputError):
    """A shard or a set of shards cannot be used. Its message is ``PATH PROBLEM: FIX``.

    The arguments are kept as they are, so that a pickle carries them to another process. PyTorch's DataLoader rebuilds an
    error from a text alone: then ``path`` holds that text, and the message is that text.

    Attributes:
        path: The file or folder.
        problem: A predicate whose subject is the path, such as ``cannot be opened as HDF5``.
        fix: An instruction, such as ``run `aucue landmarks` again``.
    """

    def __init__(self, path: Path | str, problem: str = "", fix: str = "") -> None:
        super().__init__(path, problem, fix)
        self.path = path
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.path} {self.problem}: {self.fix}" if self.problem else str(self.path)


class ShardAccessError(ShardError):
    """A file cannot be read, for a reason that is not its content: it is missing, or the system refuses or fails."""
