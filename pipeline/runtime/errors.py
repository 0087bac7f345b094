"""The one exception that means "what you gave is wrong", as opposed to a bug, and what its messages guess."""

from collections.abc import Iterable
from difflib import get_close_matches

LIKE = 0.85  # of difflib's ratio: "splits" is like split, "subset" is not like subject


class InputError(ValueError):
    """Bad input. The message is one line naming the file or value and the mend; the CLI prints it without a traceback."""


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``name`` is most likely a misspelling of, in whatever case, if there is one."""
    written = {known.strip().casefold(): known for known in names}
    found = get_close_matches(name.strip().casefold(), written, n=1, cutoff=LIKE)
    return written[found[0]] if found else None
