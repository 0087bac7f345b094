"""Paths as people write them, with ``~`` for the home folder and ``$NAME`` for a variable of the environment."""

import os


def expand(path: str) -> str:
    """Write out ``~`` and ``$NAME`` in a path. A variable that is not set stays as it is."""
    return os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 (Path.expanduser raises without a home)
