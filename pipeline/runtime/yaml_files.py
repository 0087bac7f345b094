"""YAML files, and what is wrong with their values: every mistake becomes a sentence for people."""

import reprlib
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.runtime.errors import InputError

EXPECTED = {  # pydantic's kinds of problem, in words for people
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
    """A YAML mapping by the safe loader (YAML 1.2, duplicate keys refused)."""
    return parse_yaml(path, YAML(typ="safe", pure=True).load)


def parse_yaml(path: Path, parse: Callable[[str], object]) -> dict:
    """What ``parse`` makes of a YAML file. Raises InputError, in one line, if it is unreadable, broken or no mapping."""
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot read {path}: {reason}: give the path of a YAML file") from error
    except RecursionError:
        raise InputError(f"{path} is nested too deeply, or within itself: mend the YAML") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = (getattr(error, "problem", None) or str(error)).splitlines()[0]
        raise InputError(f"{path}{line}: {problem}: mend the YAML") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping of names to values, not {type(content).__name__}")
    return content


def describe(error: ValidationError) -> str:
    """All problems of a validation in one line."""
    return "; ".join(message for _, message in problems(error))


def problems(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """Every problem of a validation: its place, and where, what, and what was given as a sentence."""
    listed = []
    found = error.errors(include_url=False)
    for problem in found:
        place = problem["loc"]
        if any(other["loc"][: len(place)] == place != other["loc"] for other in found):
            continue  # a container that is wrong because of the item that is listed itself
        where = ".".join(str(part) for part in place)
        match problem["type"]:
            case "extra_forbidden":
                listed.append((place, f"{where} is not a known name: remove it or mend its spelling"))
            case "missing":
                listed.append((place, f"{where} is missing: add it"))
            case kind:
                message = EXPECTED.get(kind, problem["msg"].removeprefix("Value error, "))
                listed.append((place, f"{where} is {reprlib.repr(problem['input'])}: {message[0].lower()}{message[1:]}"))
    return listed
