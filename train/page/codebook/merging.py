"""Write changed content into the YAML text that it came from, so that comments and layout stay.

Three steps. The parsed text, with its comments, takes the changed values. The changes that this makes to the lines of its
own dump are then made to the original text, so that lines of another layout stay as they are. At last the text is read
back: if it does not hold the content, the dump is taken, then one whose changed sections are new, and else plain YAML.
"""

import copy
import io
import json
import re
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

WIDTH = 160  # characters of a line: one of 125 whose figures grow a little stays one line
BLOCKS = ("regions", "expressions", "shapes")  # keys whose values are written over several lines


def merge(text: str, content: dict[str, Any]) -> str:
    """Write content into the text of a codebook.

    Args:
        text: YAML of the codebook that the content came from.
        content: The content to write, as plain data with text as keys.

    Returns:
        YAML that holds the content, with the comments of ``text``.
    """
    base = _dump(_parse(text))
    for change in (_change_values, _replace_sections):
        document = _parse(text)
        if _plain(document) == content:
            return text
        try:
            change(document, content)
        except KeyError:  # ruamel.yaml cannot change a mapping that another one takes in with <<
            continue
        changed = _dump(document)
        for candidate in (_merge_lines(base, text, changed), changed):
            if _holds(candidate, content):
                return candidate
    return _dump(_node(content, ""))


def _change_values(document: CommentedMap, content: dict[str, Any]) -> None:
    _unshare(document, content, {})
    _update(document, content)


def _replace_sections(document: CommentedMap, content: dict[str, Any]) -> None:
    """Write the sections of the file that differ anew, without their comments."""
    for name in [name for name in document if name not in content]:
        del document[name]
    for name, value in content.items():
        if _plain(document.get(name)) != value:
            document[name] = _node(value, name)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = WIDTH
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _parse(text: str) -> CommentedMap:
    return _yaml().load(text)


def _dump(document: CommentedMap) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return re.sub(" +$", "", stream.getvalue(), flags=re.MULTILINE)  # ruamel.yaml leaves blanks where it breaks lines


def _holds(text: str, content: dict[str, Any]) -> bool:
    try:
        return _plain(YAML(typ="safe", pure=True).load(text)) == _plain(content)
    except YAMLError:
        return False


def _plain(value: object) -> object:
    """A value with the keys of all mappings as text."""
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _children(node: object, wanted: object) -> list[tuple[Any, Any]]:
    """The keys or indices of a node that the wanted value has, too, with their wanted values."""
    if isinstance(node, CommentedMap) and isinstance(wanted, dict):
        return [(key, wanted[str(key)]) for key in node if str(key) in wanted]
    if isinstance(node, CommentedSeq) and isinstance(wanted, list) and len(node) == len(wanted):
        return list(enumerate(wanted))
    return []


def _unshare(node: Any, wanted: object, seen: dict[int, object]) -> None:
    """Give each place that an alias stands for its own copy, if it is to have another value than the anchor's place."""
    for key, value in _children(node, wanted):
        child = node[key]
        if not isinstance(child, CommentedBase):
            continue
        if seen.setdefault(id(child), value) != value:
            child = copy.deepcopy(child)
            _forget_anchors(child)
            node[key] = child
        _unshare(child, value, seen)


def _forget_anchors(node: object) -> None:
    if isinstance(node, CommentedMap | CommentedSeq):
        node.yaml_set_anchor(None)
        for child in node.values() if isinstance(node, CommentedMap) else node:
            _forget_anchors(child)


def _update(node: CommentedMap | CommentedSeq, wanted: Any) -> None:
    """Make a node hold the wanted value, and touch only what differs."""
    if isinstance(node, CommentedMap):
        for key in [key for key in node if str(key) not in wanted]:
            del node[key]
        known = {str(key): key for key in node}
        for name, value in wanted.items():
            _replace(node, known.get(name, int(name) if name.isdigit() else name), value)
    elif len(node) == len(wanted):
        for index, value in enumerate(wanted):
            _replace(node, index, value)
    else:
        _update_list(node, wanted)


def _replace(node: CommentedMap | CommentedSeq, key: Any, value: Any) -> None:
    exists = not isinstance(node, CommentedMap) or key in node
    child: Any = node[key] if exists else None
    kinds = ((CommentedMap, dict), (CommentedSeq, list))
    if any(isinstance(child, ours) and isinstance(value, plain) for ours, plain in kinds):
        _update(child, value)
    elif not exists or type(value) is bool or _plain(child) != value:
        node[key] = _node(value, str(key))


def _update_list(node: CommentedSeq, wanted: list[Any]) -> None:
    """Insert and delete items, so that the comments of the others stay beside them."""
    before, after = ([json.dumps(_plain(item), sort_keys=True) for item in items] for items in (node, wanted))
    for kind, start, end, first, last in reversed(SequenceMatcher(None, before, after, autojunk=False).get_opcodes()):
        if kind != "equal":
            for index in reversed(range(start, end)):
                del node[index]
            for index in reversed(range(first, last)):
                node.insert(start, _node(wanted[index], ""))


def _node(value: Any, key: str) -> Any:
    """A new value as YAML: in one line, but for the large parts of a codebook."""
    if isinstance(value, dict):
        mapping = CommentedMap({int(name) if name.isdigit() else name: _node(child, name) for name, child in value.items()})
        if not (key in ("", "shape", *BLOCKS) or "shapes" in value):
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq([_node(child, "shape" if key == "shapes" else "item") for child in value])
        if key not in BLOCKS:
            sequence.fa.set_flow_style()
        return sequence
    return value


def _merge_lines(base: str, original: str, changed: str) -> str:
    """Make the changes from ``base`` to ``changed`` to the original, which is ``base`` in another layout.

    Whole lines of comments stay, also where the lines around them go.
    """
    lines, ours, theirs = (text.splitlines(keepends=True) for text in (base, original, changed))
    in_ours, in_theirs = _places(lines, ours), _places(lines, theirs)
    merged: list[str] = []
    start, first, second = 0, 0, 0
    for index in [*(index for index in in_ours if index in in_theirs), len(lines)]:
        # Between two lines that all three have, the original stays unless something changed there.
        end_first, end_second = in_ours.get(index, len(ours)), in_theirs.get(index, len(theirs))
        kept, written = ours[first:end_first], theirs[second:end_second]
        merged += kept if written == lines[start:index] else written + _comments_only_in(kept, written)
        merged += ours[end_first : end_first + 1]
        start, first, second = index + 1, end_first + 1, end_second + 1
    return "".join(merged)


def _places(base: list[str], other: list[str]) -> dict[int, int]:
    """The index in ``other`` of each line that both have, by its index in ``base``."""
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _comments_only_in(lines: list[str], others: list[str]) -> list[str]:
    """Those of the lines that hold a comment alone, or nothing, and are not among the others."""
    known = {line.strip() for line in others}
    return [line for line in lines if line.strip()[:1] in ("", "#") and line.strip() not in known]
