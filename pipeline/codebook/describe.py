"""Codebooks in words: a summary, the whole content, and the differences between two codebooks."""

from collections.abc import Iterator, Mapping

from pipeline.codebook.codebook import Codebook, canonical_shapes
from pipeline.codebook.geometry import LENGTH_UNITS, Centre, Length, Offset, Shape
from pipeline.codebook.schema import ExpressionAU, Render, split_key


def summary(book: Codebook) -> str:
    """Describe a codebook in one line: name, version, number of expressions and regions, first digits of the digest."""
    with_map = sum(bool(cues) for cues in book.cues.values())
    expressions = f"{len(book.cues)} expressions ({with_map} with a map)"
    return f"{book.name} {book.version}: {expressions}, {len(book.names)} regions, digest {book.digest()[:12]}"


def show(book: Codebook) -> str:
    """Describe the whole codebook on a page: its summary, source, expressions, regions and rendering."""
    width = max(map(len, book.cues))
    lines = [summary(book), f"source: {book.source.strip()}", f"px are pixels of a frame of {book.reference_size}", ""]
    lines += [f"{name:{width}}  {format_cues(cues, book)}" for name, cues in book.cues.items()]
    lines.append("")
    for key in book.whole_keys:
        number, _ = split_key(key)
        lines.append(f"AU {key:4} {book.names[number]}: {_format_shapes(book.regions[key])}")
        sources = (book.sources.get(name) for name in (key, f"{key}R", f"{key}L"))
        lines += [f"        source: {source}" for source in dict.fromkeys(filter(None, sources))]
    lines += ["", "render: " + ", ".join(f"{name} {value}" for name, value in format_render(book.render).items())]
    return "\n".join(lines)


def diff(first: Codebook, second: Codebook) -> Iterator[str]:
    """Describe the changes of meaning from one codebook to another.

    Yields:
        A line for each change: ``+`` for an addition, ``-`` for a removal, ``~`` for a change of an expression or a region.
        There is none if both codebooks mean the same.
    """
    if first.reference_size != second.reference_size:
        yield f"reference_size: {first.reference_size} -> {second.reference_size}"
    yield from _diff_render(first.render, second.render)
    yield from _diff_expressions(first, second)
    yield from _diff_regions(first, second)


def _diff_render(first: Render, second: Render) -> Iterator[str]:
    before, after = format_render(first), format_render(second)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"render.{name}: {before.get(name, 'not set')} -> {after.get(name, 'not set')}"


def _diff_expressions(first: Codebook, second: Codebook) -> Iterator[str]:
    for name in sorted(first.cues.keys() | second.cues.keys()):
        if name not in second.cues:
            yield f"- {name}: {format_cues(first.cues[name], first)}"
        elif name not in first.cues:
            yield f"+ {name}: {format_cues(second.cues[name], second)}"
        elif changes := _diff_cues(first.cues[name], second.cues[name]):
            yield f"~ {name}: {', '.join(changes)}"


def _diff_cues(first: tuple[ExpressionAU, ...], second: tuple[ExpressionAU, ...]) -> list[str]:
    before, after = ({cue.au: cue.weight for cue in cues} for cues in (first, second))
    changes = [f"- AU {au}" for au in before if au not in after]
    changes += [f"+ AU {au}" for au in after if au not in before]
    kept = [au for au in before if au in after]
    changes += [f"AU {au} weight {before[au]:g} -> {after[au]:g}" for au in kept if before[au] != after[au]]
    return changes


def _diff_regions(first: Codebook, second: Codebook) -> Iterator[str]:
    before, after = ({key: canonical_shapes(shapes) for key, shapes in book.regions.items()} for book in (first, second))
    for key in sorted(before.keys() | after.keys(), key=split_key):
        number = str(split_key(key)[0])
        if key != number and before.get(number) != after.get(number):
            continue  # the line for both sides already says this
        if key not in after:
            yield f"- region {key}: {_format_shapes(first.regions[key])}"
        elif key not in before:
            yield f"+ region {key}: {_format_shapes(second.regions[key])}"
        elif before[key] != after[key]:
            yield f"~ region {key}: {_format_shapes(first.regions[key])} -> {_format_shapes(second.regions[key])}"


def format_cues(cues: tuple[ExpressionAU, ...], book: Codebook) -> str:
    """Write the cues of an expression with their names, and with the weights that are not 1."""
    if not cues:
        return "none"
    return ", ".join(
        f"{cue.au} {book.names[split_key(cue.au)[0]]}" + (f" x {cue.weight:g}" if cue.weight != 1 else "") for cue in cues
    )


def _format_shapes(shapes: tuple[Shape, ...]) -> str:
    return "; ".join(format_shape(shape) for shape in shapes)


def format_shape(shape: Shape) -> str:
    """Write a shape's kind and every field that differs from its default."""
    fields = type(shape).model_fields.items()
    parts = [f"{name} {format_value(value)}" for name, field in fields if (value := getattr(shape, name)) != field.default]
    return f"{type(shape).__name__.lower()} {', '.join(parts)}"


def format_value(value: object) -> str:
    """Write the value of a shape's field: a length with its unit, landmarks in brackets."""
    match value:
        case Length():
            return _format_length(value)
        case Centre():
            x, y = format_value(value.x), format_value(value.y)
            return x if x == y else f"({x}, {y})"
        case Offset():
            return f"({_format_length(value.x)}, {_format_length(value.y)})"
        case tuple():
            return "[" + " ".join(map(str, value)) + "]"
        case _:
            return str(value).lower()


def _format_length(length: Length) -> str:
    if length.half is not None:
        words = f"half {length.half[0]}-{length.half[1]}"
    else:
        unit = next(unit for unit in LENGTH_UNITS if getattr(length, unit) is not None)
        words = f"{getattr(length, unit):g} {unit}"
    words += f" plus {_format_length(length.plus)}" if length.plus else ""
    return words + (f" otherwise {_format_length(length.otherwise)}" if length.otherwise else "")


def format_render(render: Render) -> Mapping[str, str]:
    """Write every field of ``render`` that is set."""
    fields = {name: value for name in type(render).model_fields if (value := getattr(render, name)) is not None}
    return {name: format_value(value) for name, value in fields.items()}
