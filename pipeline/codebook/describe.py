"""Codebooks in words: what one says, and what differs between two."""

from collections.abc import Iterator, Mapping

from pipeline.codebook import Codebook
from pipeline.codebook.schema import LENGTH_UNITS, Centre, ExpressionAU, Length, Render, Shape, split


def summary(book: Codebook) -> str:
    """One line: name, version, how many expressions and action units, the digest's beginning."""
    with_map = sum(bool(cues) for cues in book.cues.values())
    expressions = f"{len(book.cues)} expressions ({with_map} with a map)"
    return f"{book.name} {book.version}: {expressions}, {len(book.names)} regions, digest {book.digest()[:12]}"


def show(book: Codebook) -> str:
    """The whole codebook on a page."""
    width = max(map(len, book.cues))
    lines = [summary(book), f"source: {book.source.strip()}", f"px are pixels of a frame of {book.reference_size}", ""]
    lines += [f"{name:{width}}  {_cues(cues, book)}" for name, cues in book.cues.items()]
    lines.append("")
    for key in _whole(book):
        number, _ = split(key)
        lines.append(f"AU {key:4} {book.names[number]}: {_shapes(book.regions[key])}")
        sources = (book.sources.get(name) for name in (key, f"{key}R", f"{key}L"))
        lines += [f"        source: {source}" for source in dict.fromkeys(filter(None, sources))]
    lines += ["", "render: " + ", ".join(f"{name} {value}" for name, value in _render(book.render).items())]
    return "\n".join(lines)


def diff(first: Codebook, second: Codebook) -> Iterator[str]:
    """What changes from the first to the second, a line each; nothing where they mean the same."""
    if first.reference_size != second.reference_size:
        yield f"reference_size: {first.reference_size} -> {second.reference_size}"
    yield from _changes("render", _render(first.render), _render(second.render))
    for name in sorted(first.cues.keys() | second.cues.keys()):
        if name not in second.cues:
            yield f"- {name}: {_cues(first.cues[name], first)}"
        elif name not in first.cues:
            yield f"+ {name}: {_cues(second.cues[name], second)}"
        else:
            before, after = ({cue.au: cue.weight for cue in book.cues[name]} for book in (first, second))
            changes = [f"- AU {au}" for au in before if au not in after]
            changes += [f"+ AU {au}" for au in after if au not in before]
            changes += [
                f"AU {au} weight {before[au]:g} -> {after[au]:g}" for au in before if before[au] != after.get(au, before[au])
            ]
            if changes:
                yield f"~ {name}: {', '.join(changes)}"
    regions = [book.meaning()["regions"] for book in (first, second)]
    for key in sorted({*regions[0], *regions[1]}, key=split):
        number = str(split(key)[0])
        if key != number and regions[0].get(number) != regions[1].get(number):
            continue  # both sides together are named
        if key not in regions[1]:
            yield f"- region {key}: {_shapes(first.regions[key])}"
        elif key not in regions[0]:
            yield f"+ region {key}: {_shapes(second.regions[key])}"
        elif regions[0][key] != regions[1][key]:
            yield f"~ region {key}: {_shapes(first.regions[key])} -> {_shapes(second.regions[key])}"


def _whole(book: Codebook) -> list[str]:
    """Keys of both sides where there are both, of the one side otherwise."""
    return [key for key in book.regions if not split(key)[1] or str(split(key)[0]) not in book.regions]


def _cues(cues: tuple[ExpressionAU, ...], book: Codebook) -> str:
    if not cues:
        return "none"
    return ", ".join(
        f"{cue.au} {book.names[split(cue.au)[0]]}" + (f" x {cue.weight:g}" if cue.weight != 1 else "") for cue in cues
    )


def _shapes(shapes: tuple[Shape, ...]) -> str:
    return "; ".join(_shape(shape) for shape in shapes)


def _shape(shape: Shape) -> str:
    parts = []
    for name in type(shape).model_fields:
        value = getattr(shape, name)
        if value == type(shape).model_fields[name].default:
            continue
        parts.append(f"{name} {_value(value)}")
    return f"{type(shape).__name__.lower()} {', '.join(parts)}"


def _value(value: object) -> str:
    match value:
        case Length():
            unit = next(unit for unit in LENGTH_UNITS if getattr(value, unit) is not None)
            number = getattr(value, unit)
            shown = f"half {number[0]}-{number[1]}" if unit == "half" else f"{number:g} {unit}"
            shown += f" plus {_value(value.plus)}" if value.plus else ""
            return shown + (f" otherwise {_value(value.otherwise)}" if value.otherwise else "")
        case tuple():
            return "[" + " ".join(map(str, value)) + "]"
        case str() | bool():
            return str(value).lower()
    x, y = _value(value.x), _value(value.y)
    return x if isinstance(value, Centre) and x == y else f"({x}, {y})"


def _render(render: Render) -> Mapping[str, str]:
    shown = {name: value for name in type(render).model_fields if (value := getattr(render, name)) is not None}
    return {name: _value(value) if isinstance(value, Length) else str(value).lower() for name, value in shown.items()}


def _changes(title: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{title}.{name}: {before.get(name, 'not set')} -> {after.get(name, 'not set')}"
