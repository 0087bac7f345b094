"""The differences between two codebooks in words, a sentence for each, for people who do not read YAML."""

from collections.abc import Iterator

from pipeline.codebook.codebook import Codebook, canonical_shapes
from pipeline.codebook.describe import format_cues, format_render, format_shape, format_value
from pipeline.codebook.geometry import Shape
from pipeline.codebook.mirror import mirror_shape
from pipeline.codebook.schema import ExpressionAU, split_key


def in_words(first: Codebook, second: Codebook) -> list[str]:
    """Describe the changes of meaning from one codebook to another, as ``describe.diff`` does, in sentences.

    Args:
        first: The codebook before.
        second: The codebook after.

    Returns:
        The sentences; none if both codebooks mean the same.
    """
    return [*_render(first, second), *_expressions(first, second), *_regions(first, second)]


def _render(first: Codebook, second: Codebook) -> Iterator[str]:
    if first.reference_size != second.reference_size:
        yield f"The reference frame has {second.reference_size} pixels instead of {first.reference_size}."
    before, after = format_render(first.render), format_render(second.render)
    for name in (name for name in {**before, **after} if before.get(name) != after.get(name)):
        yield f"Rendering: {name} is {after.get(name, 'not set')} instead of {before.get(name, 'not set')}."


def _expressions(first: Codebook, second: Codebook) -> Iterator[str]:
    for name in {**first.cues, **second.cues}:
        if name not in second.cues:
            yield f"The expression {name} is left out."
        elif name not in first.cues:
            yield f"The expression {name} is new: {format_cues(second.cues[name], second)}."
        else:
            before, after = ({cue.au: cue for cue in book.cues[name]} for book in (first, second))
            yield from (f"{name} no longer shows {_unit(au, first)}." for au in before if au not in after)
            yield from (f"{name} also shows {_au(cue, second)}." for au, cue in after.items() if au not in before)
            for au in (au for au in before if au in after and before[au].weight != after[au].weight):
                yield f"{name} weighs {_unit(au, second)} {after[au].weight:g} instead of {before[au].weight:g}."


def _regions(first: Codebook, second: Codebook) -> Iterator[str]:
    before, after = _plain_regions(first), _plain_regions(second)
    for key in sorted(before.keys() | after.keys(), key=split_key):
        if key not in after:
            yield f"The region of {_unit(key, first)} is left out."
        elif key not in before:
            yield f"The region of {_unit(key, second)} is new: {'; '.join(map(format_shape, after[key]))}."
        elif canonical_shapes(before[key]) != canonical_shapes(after[key]):
            yield from _shapes(_unit(key, second), before[key], after[key])


def _plain_regions(book: Codebook) -> dict[str, tuple[Shape, ...]]:
    """The shapes of each region, of the right side alone (under the key of both) where the left side is its mirror image."""
    regions = dict(book.regions)
    for right in [key for key in regions if key.endswith("R")]:
        number, left = right[:-1], f"{right[:-1]}L"
        if left in regions:
            both = regions.pop(number)
            if canonical_shapes(regions[left]) == canonical_shapes(tuple(map(mirror_shape, regions[right]))):
                both = regions.pop(right)
                del regions[left]
                regions[number] = both
    return regions


def _shapes(unit: str, before: tuple[Shape, ...], after: tuple[Shape, ...]) -> Iterator[str]:
    """The changes of a region: field by field where it has the same kinds of shape as before."""
    if [type(shape) for shape in before] != [type(shape) for shape in after]:
        yield f"{unit} is drawn as {'; '.join(map(format_shape, after))} instead of {'; '.join(map(format_shape, before))}."
        return
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        place = f"{type(new).__name__.lower()} {number}" if len(after) > 1 else type(new).__name__.lower()
        for field in type(new).model_fields:
            values = [getattr(shape, field) for shape in (old, new)]
            if values[0] != values[1]:
                was, now = ("not set" if value is None else format_value(value) for value in values)
                yield f"{unit}, {place}: {field} is {now} instead of {was}."


def _unit(key: str, book: Codebook) -> str:
    number, side = split_key(key)
    where = {"": "", "R": ", right side", "L": ", left side"}[side]
    return f"AU {number} ({book.names[number]}{where})"


def _au(cue: ExpressionAU, book: Codebook) -> str:
    return _unit(cue.au, book) + (f" with weight {cue.weight:g}" if cue.weight != 1 else "")
