"""A YAML file with the line of every part, so that a message can name the line of a mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from pipeline.runtime.errors import InputError
from pipeline.runtime.yaml_files import parse_yaml

MAX_CHARACTERS = 1_000_000  # a codebook is a page or two
MAX_NODES = 50_000  # mappings, lists and scalars with aliases written out: a few nested aliases can stand for any number
MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class YamlSource:
    """A parsed YAML file.

    Attributes:
        content: The file's mapping as plain data.
        root: The root of the YAML nodes, which know their lines.
    """

    content: dict
    root: Node

    def line(self, location: Sequence[int | str]) -> int:
        """Find the line of a location.

        Args:
            location: Keys and indices from the root.

        Returns:
            Line, from 1, of the deepest part of the location that the file has.
        """
        node, line = self.root, self.root.start_mark.line
        for step in location:
            if isinstance(node, MappingNode):
                pairs = [(key, value) for key, value in node.value if _key_name(key) == str(step)]
                if not pairs:
                    continue
                line, node = pairs[-1][0].start_mark.line, pairs[-1][1]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
        return line + 1

    def duplicates(self) -> list[tuple[int, str]]:
        """Find every key that a mapping has twice.

        Returns:
            Line and message of each repetition.
        """
        mistakes, waiting, seen = [], [self.root], set()
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
                    name = _key_name(key)
                    if name in first:
                        mistakes.append((line, f"{name} is there twice, first in line {first[name]}: keep one"))
                    first.setdefault(name, line)
        return mistakes


def read(path: Path) -> YamlSource:
    """Read a YAML mapping with the safe loader (YAML 1.2).

    Duplicate keys are no error here: ``YamlSource.duplicates`` finds them.

    Raises:
        InputError: If the file is unreadable, broken, too large, or holds no mapping.
    """
    roots: list[Node] = []

    def parse(text: str) -> object:
        if len(text) > MAX_CHARACTERS:
            raise InputError(f"{path} has more than {MAX_CHARACTERS:,} characters: give the path of a codebook")
        root = YAML(typ="safe", pure=True).compose(text)
        if root is not None and _count_nodes(root, {}) > MAX_NODES:
            raise InputError(f"{path} has more than {MAX_NODES:,} values with its aliases written out: leave some out")
        roots.append(root)
        yaml = YAML(typ="safe", pure=True)
        yaml.allow_duplicate_keys = True
        return yaml.load(text)

    content = parse_yaml(path, parse)
    return YamlSource(content, *roots)


def _key_name(key: Node) -> str:
    """A key as text. 06 and 6 are the same key."""
    if key.tag == "tag:yaml.org,2002:int":
        return str(YAML(typ="safe", pure=True).load(key.value))
    return str(key.value)


def _count_nodes(node: Node, known: dict[int, int]) -> int:
    """Count a node and the nodes under it; an alias counts as all that it stands for.

    An anchor that contains itself raises RecursionError.
    """
    if id(node) not in known:
        children = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        inner = children if isinstance(node, MappingNode | SequenceNode) else ()
        known[id(node)] = 1 + sum(_count_nodes(child, known) for child in inner)
    return known[id(node)]
