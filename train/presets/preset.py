"""Presets: published recipes. Each is a YAML file in this folder with values for the ``train`` block of params.yaml."""

import io
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from pipeline.runtime import parameters, yaml_files
from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.parameters.block import Block

FOLDER = Path(__file__).parent


class _Representer(RoundTripRepresenter):
    """Writes null as ``null``; ruamel's own representer writes nothing."""

    def represent_null(self, _: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_null)


def names() -> list[str]:
    """Return the names of all presets in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_values(name: str) -> dict[str, Any]:
    """Return the values of a preset for the train block."""
    return yaml_files.parse_yaml(FOLDER / f"{name}.yaml", YAML().load)


def main(name: str, params_path: Path) -> list[str]:
    """Write the values of a preset into a parameter file. Comments and all other values stay.

    The file stays unchanged if the result would not be valid.

    Args:
        name: Name of the preset.
        params_path: The parameter file, as params.yaml.

    Returns:
        A line for each value that changed.

    Raises:
        InputError: If there is no such preset, or the file cannot be read, has no ``train`` block or would not be valid.
    """
    if name not in names():
        raise InputError(f"there is no preset {name!r}: use one of {', '.join(names())}")
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is broken
    content = yaml_files.parse_yaml(params_path, yaml.load)
    block = content.get("train")
    if not isinstance(block, CommentedMap):
        raise InputError(f"{params_path} has no block train: copy the block from the params.yaml that comes with aucue")
    values = read_values(name)
    changes = [*_rename(block, parameters.Train, "train"), *_apply(block, values, "train")]
    text = io.StringIO()
    yaml.dump(content, text)
    try:
        parameters.Params.model_validate(YAML(typ="safe", pure=True).load(text.getvalue()))
    except ValidationError as error:
        raise InputError(f"{params_path}: {yaml_files.describe(error)}") from error
    if changes:
        write_text(params_path, text.getvalue())
    return changes


def _rename(block: CommentedMap, kind: type[Block], path: str) -> Iterator[str]:
    """Give parameters their present names, in their places and with their comments, and yield a line for each."""
    for place, former in enumerate(list(block)):
        renamed = kind.renamed.get(former)
        if renamed:
            comment = block.ca.items.pop(former, None)
            block.insert(place, renamed.name, renamed.convert(block.pop(former)))
            if comment:
                block.ca.items[renamed.name] = comment
            yield f"{path}.{former} is called {path}.{renamed.name} now"
    if kind is parameters.Train and isinstance(block.get("augment"), CommentedMap):
        yield from _rename(block["augment"], parameters.Augment, f"{path}.augment")


def _apply(block: MutableMapping[str, Any], values: MutableMapping[str, Any], path: str) -> Iterator[str]:
    """Set the values in the block, and yield a line for each value that changed."""
    for key, value in values.items():
        before = block.get(key)
        if isinstance(value, MutableMapping) and isinstance(before, MutableMapping):
            yield from _apply(before, value, f"{path}.{key}")
        elif before != value:
            block[key] = value
            yield f"{path}.{key}: {_format(before)} -> {_format(value)}"


def _format(value: object) -> str:
    """Format a value as in YAML. Numbers are written in their shortest form."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list():
            return f"[{', '.join(map(_format, value))}]"
    return str(value)
