"""Replace only files of the kind that a command writes: a mistake in a path must not cost somebody's data."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from pipeline.runtime.errors import InputError
from pipeline.runtime.file_errors import naming

Kind = Callable[[bytes], bool]  # tells of the content of a file whether it is of a kind; a damaged file of the kind is


def refuse_foreign(path: Path, is_ours: Kind) -> None:
    """Raise InputError if ``path`` is a folder, or a file with another content than a command writes there.

    An empty file is no loss.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, and this command writes a file there: move it, or name another place")
    if not path.is_file():
        return
    with naming(path):
        content = path.read_bytes()
    if content.strip() and not is_ours(content):
        raise InputError(f"{path} is not a file that this command writes, and would be lost: move it, or name another place")


def starting_with(text: str) -> Kind:
    """Return the kind of text that starts with ``text``, whether or not an editor put a mark before it."""
    return lambda content: content.removeprefix(b"\xef\xbb\xbf").startswith(text.encode())


def holding(text: str) -> Kind:
    """Return the kind of file that holds ``text`` anywhere."""
    return lambda content: text.encode() in content


def png_drawn_at(dpi: int) -> Kind:
    """Return the kind of PNG that matplotlib draws with a number of dots per inch. A photo hardly has that number."""
    per_metre = int(dpi / 0.0254 + 0.5).to_bytes(4)
    return lambda content: content.startswith(b"\x89PNG") and b"pHYs" + 2 * per_metre in content


def json_of(*names: str) -> Kind:
    """Return the kind of JSON object that has none but these names; it may lack some or all, or be cut off."""
    known = set(names)

    def is_ours(content: bytes) -> bool:
        try:
            value = json.loads(content)
        except (UnicodeDecodeError, json.JSONDecodeError):
            holds_nothing = re.fullmatch(rb'\{\s*("\w*)?', content.strip())
            return bool(holds_nothing) or any(json_with(name)(content) for name in names)
        return isinstance(value, dict) and set(value) <= known

    return is_ours


def json_with(*names: str) -> Kind:
    """Return the kind of JSON object that has all of the names, or that is cut off after the first of them."""

    def is_ours(content: bytes) -> bool:
        try:
            value = json.loads(content)
        except json.JSONDecodeError as error:  # another document may follow, as in JSON Lines: that is not aucue's
            return error.msg != "Extra data" and f'"{names[0]}"'.encode() in content
        except UnicodeDecodeError:
            return False
        return isinstance(value, dict) and all(name in value for name in names)

    return is_ours
