"""Read YAML files, and describe every mistake in their values by a sentence for people."""

import reprlib
from collections.abc import Callable, Collection
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.runtime.errors import InputError, closest_name

EXPECTED = {  # pydantic's type of a problem -> the rule in words for people
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of names to values",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "invalid_key": "must be a name: write a colon and a space between a name and its value, and a point in a decimal number",
    "model_type": "must be a mapping of names to values",
    "string_type": "must be text",
    "tuple_type": "must be a list, as [48]",
}


def load_yaml(path: Path) -> dict:
    """Read a YAML mapping with the safe loader (YAML 1.2; duplicate keys are refused).

    Raises:
        InputError: If the file is unreadable, broken or not a mapping (see ``parse_yaml``).
    """
    return parse_yaml(path, YAML(typ="safe", pure=True).load)


def parse_yaml(path: Path, parse: Callable[[str], object]) -> dict:
    """Read a YAML mapping with a given parser.

    Args:
        path: The file.
        parse: Parses the text of the file; raises ``YAMLError`` or ``RecursionError`` for broken YAML.

    Raises:
        InputError: If the file is unreadable, broken or not a mapping; in one line.
    """
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot read {path}: {reason}: give the path of a YAML file") from error
    except RecursionError:
        raise InputError(f"{path} is nested too deeply, or contains itself: fix the YAML") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = (getattr(error, "problem", None) or str(error)).splitlines()[0]
        raise InputError(f"{path}{line}: {problem}: fix the YAML") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping of names to values, not {type(content).__name__}")
    return content


def describe(error: ValidationError, known: Collection[str] = ()) -> str:
    """Describe all problems of a validation in one line (see ``problems``)."""
    return "; ".join(message for _, message in problems(error, known))


def problems(error: ValidationError, known: Collection[str] = ()) -> list[tuple[tuple[int | str, ...], str]]:
    """Describe every problem of a validation.

    Args:
        error: The error that the validation raised.
        known: Dotted names that the file may have, among which to guess the name that an unknown name misspells.

    Returns:
        (place, sentence) of each problem. The place is the path of keys and indices to the value; the sentence names that
        path, the value and the rule.
    """
    listed = []
    errors = error.errors(include_url=False)
    for problem in errors:
        place = problem["loc"]
        if any(other["loc"][: len(place)] == place != other["loc"] for other in errors):
            continue  # a container is wrong only because of an item that is listed itself
        where = ".".join(str(part) for part in place)
        match problem["type"]:
            case "extra_forbidden":
                meant = _meant(where, known)
                guess = f" (did you mean {meant}?)" if meant else ""
                listed.append((place, f"{where} is not a known name: remove it or fix its spelling{guess}"))
            case "missing":
                listed.append((place, f"{where} is missing: add it"))
            case kind:
                of_validator = str(problem["ctx"]["error"]) if kind == "value_error" else problem["msg"]
                rule = EXPECTED.get(kind, of_validator)
                listed.append((place, f"{where} is {reprlib.repr(problem['input'])}: {rule[0].lower()}{rule[1:]}"))
    return listed


def _meant(name: str, known: Collection[str]) -> str | None:
    """The known dotted name that a dotted name misspells, or that it puts into another block; None without any."""
    block, _, last = name.rpartition(".")
    beside = {each.rpartition(".")[2]: each for each in known if each.rpartition(".")[0] == block}
    everywhere = {each.rpartition(".")[2]: each for each in known}
    for names in (beside, everywhere):
        if meant := closest_name(last, names):
            return names[meant]
    return None
