"""Presets: published recipes, each a file of presets/ with values for params.yaml's ``train`` block."""

import io
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from pipeline.runtime import parameters, yaml_files
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_text

FOLDER = Path(__file__).parent


class _Representer(RoundTripRepresenter):
    """ruamel's own would write nothing for null."""

    def represent_null(self, _: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_null)


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def main(name: str, params_path: Path) -> list[str]:
    """Write the preset's values into ``params_path``, whose comments and other values stay; returns what changed, a line
    each. A file that would not be sound then is left as it is."""
    if name not in names():
        raise InputError(f"there is no preset {name!r}: use one of {', '.join(names())}")
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines are never broken
    content = yaml_files.parse_yaml(params_path, yaml.load)
    block = content.get("train")
    if not isinstance(block, MutableMapping):
        raise InputError(f"{params_path} has no block train: add it, as in the params.yaml that aucue comes with")
    wanted = yaml_files.parse_yaml(FOLDER / f"{name}.yaml", YAML().load)
    changes = list(_changed(block, wanted, "train"))
    written = io.StringIO()
    yaml.dump(content, written)
    try:
        parameters.Params.model_validate(YAML(typ="safe", pure=True).load(written.getvalue()))
    except ValidationError as error:
        raise InputError(f"{params_path}: {yaml_files.describe(error)}") from error
    if changes:
        write_text(params_path, written.getvalue())
    return changes


def _changed(block: MutableMapping, wanted: MutableMapping, place: str) -> Iterator[str]:
    """Bring the wanted values into the block, and tell of each that was another one."""
    for key, value in wanted.items():
        before = block.get(key)
        if isinstance(value, MutableMapping) and isinstance(before, MutableMapping):
            yield from _changed(before, value, f"{place}.{key}")
        elif before != value:
            block[key] = value
            yield f"{place}.{key}: {_shown(before)} -> {_shown(value)}"


def _shown(value: object) -> str:
    """As YAML has it, but for the writing of numbers."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list():
            return f"[{', '.join(map(_shown, value))}]"
    return str(value)
