"""The base class of the blocks of params.yaml, which still reads the former names of parameters."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator


class Renamed(NamedTuple):
    """A parameter that had another name in an earlier version."""

    name: str  # the present name
    convert: Callable[[Any], Any] = lambda value: value  # from a value under the former name to the present meaning


class Block(BaseModel):
    """A block of params.yaml, frozen and typed. It refuses unknown names and values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, Renamed]] = {}  # former name -> present name; read for one more version

    @model_validator(mode="before")
    @classmethod
    def _use_present_names(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        present = {name: value for name, value in values.items() if name not in cls.renamed}
        for name, (new, convert) in cls.renamed.items():
            if name not in values:
                continue
            if new in values:
                raise ValueError(f"{name} is the former name of {new}, which is also given: remove {name}")
            present[new] = convert(values[name])
        return present


def former_names(block: type[Block], content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Find the former names of parameters in the content of a block and of the blocks in it.

    Args:
        block: Type of the block.
        content: The content as it was read, already found valid.
        prefix: Dotted name of the block, with a dot at its end; empty for the whole file.

    Yields:
        (dotted former name, dotted present name). A value that changes with the name follows the present name in brackets.
    """
    for name, value in content.items():
        kind = block.model_fields[name].annotation if name in block.model_fields else None
        if name in block.renamed:
            new, convert = block.renamed[name]
            changed = "" if convert(value) == value else f" (and has the value {convert(value)})"
            yield f"{prefix}{name}", f"{prefix}{new}{changed}"
        elif isinstance(kind, type) and issubclass(kind, Block) and isinstance(value, Mapping):
            yield from former_names(kind, value, f"{prefix}{name}.")


def dotted_names(block: type[Block], prefix: str = "") -> Iterator[str]:
    """List the names of a block's parameters, and of the parameters of the blocks in it, as ``train.epochs``."""
    for name, field in block.model_fields.items():
        dotted = f"{prefix}{field.alias or name}"
        yield dotted
        if isinstance(field.annotation, type) and issubclass(field.annotation, Block):
            yield from dotted_names(field.annotation, f"{dotted}.")


def present_names(block: type[Block], content: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters in the content of a block, and of the blocks in it, their present names and values.

    Nothing is validated: content that a former version stored may lack parameters.
    """
    present: dict[str, Any] = {}
    for former, value in content.items():
        renamed = block.renamed.get(former)
        name = renamed.name if renamed else former
        kind = block.model_fields[name].annotation if name in block.model_fields else None
        if isinstance(kind, type) and issubclass(kind, Block) and isinstance(value, Mapping):
            present[name] = present_names(kind, value)
        else:
            present[name] = renamed.convert(value) if renamed else value
    return present
