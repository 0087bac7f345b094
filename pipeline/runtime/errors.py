"""The exception for bad input, as opposed to a bug, and guesses at misspelt names for its messages."""

from collections.abc import Iterable
from difflib import get_close_matches

SIMILARITY = 0.85  # least ratio of difflib's for a misspelling: "splits" is like split, "subset" is not like subject


class InputError(ValueError):
    """Bad input. The message is one line that names the file or value and the fix; the CLI prints it without a traceback."""


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the known name that ``name`` most likely misspells, whatever the case, or None if no name is close enough."""
    by_folded = {known.strip().casefold(): known for known in names}
    matches = get_close_matches(name.strip().casefold(), by_folded, n=1, cutoff=SIMILARITY)
    return by_folded[matches[0]] if matches else None
