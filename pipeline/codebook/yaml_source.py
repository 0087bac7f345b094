"""A YAML file with the line of everything in it, so that every mistake can be named by its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from pipeline.runtime.errors import InputError
from pipeline.runtime.yaml_files import parse_yaml

LARGEST = 1_000_000  # characters: a codebook is a page or two
MOST_NODES = 50_000  # mappings, lists and scalars: what a few nested aliases can stand for has no limit
MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class YamlSource:
    """What the file says, and where."""

    content: dict
    root: Node

    def line(self, location: Sequence[int | str]) -> int:
        """Line (from 1) of the deepest part of ``location`` (keys and indices from the root) that the file has."""
        node, line = self.root, self.root.start_mark.line
        for step in location:
            if isinstance(node, MappingNode):
                found = [(key, value) for key, value in node.value if _name(key) == str(step)]
                if not found:
                    continue
                line, node = found[-1][0].start_mark.line, found[-1][1]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
        return line + 1

    def duplicates(self) -> list[tuple[int, str]]:
        """Line and message of every key that a mapping has twice."""
        found, waiting, seen = [], [self.root], set()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:  # an alias
                continue
            seen.add(id(node))
            if isinstance(node, SequenceNode):
                waiting += node.value
            elif isinstance(node, MappingNode):
                first: dict[str, int] = {}
                for key, value in node.value:
                    waiting.append(value)
                    line = key.start_mark.line + 1
                    if key.tag == MERGE:
                        continue
                    name = _name(key)
                    if name in first:
                        found.append((line, f"{name} is there twice, first in line {first[name]}: keep one"))
                    first.setdefault(name, line)
        return found


def read(path: Path) -> YamlSource:
    """Read a YAML mapping by the safe loader (YAML 1.2); duplicate keys are left to ``YamlSource.duplicates``."""
    roots: list[Node] = []

    def parse(text: str) -> object:
        if len(text) > LARGEST:
            raise InputError(f"{path} has more than {LARGEST:,} characters: give the path of a codebook")
        root = YAML(typ="safe", pure=True).compose(text)
        if root is not None and _nodes(root, {}) > MOST_NODES:
            raise InputError(f"{path} has more than {MOST_NODES:,} values, its aliases written out: leave some out")
        roots.append(root)
        yaml = YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        return yaml.load(text)

    content = parse_yaml(path, parse)
    return YamlSource(content, *roots)


def _name(key: Node) -> str:
    """A key as text; 06 and 6 are the same."""
    if key.tag == "tag:yaml.org,2002:int":
        return str(YAML(typ="safe", pure=True).load(key.value))
    return str(key.value)


def _nodes(node: Node, known: dict[int, int]) -> int:
    """How many nodes there are below, with every alias written out; an anchor within itself is a RecursionError."""
    if id(node) not in known:
        children = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        inner = children if isinstance(node, MappingNode | SequenceNode) else ()
        known[id(node)] = 1 + sum(_nodes(child, known) for child in inner)
    return known[id(node)]
