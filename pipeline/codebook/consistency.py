"""Mistakes between the parts of a codebook: expressions that name a missing region, or regions that exclude each other.

The checks read the plain content of the file, so that they find these mistakes whatever else is wrong with it. Values of a
wrong type are left to ``schema``.
"""

from collections.abc import Iterator

from pipeline.codebook.schema import REGION_KEY, SIDES, split_key

Location = tuple[str | int, ...]  # keys and indices from the root of the file
Mistake = tuple[Location, str]  # and its message


def mistakes(content: dict) -> list[Mistake]:
    """Find all mistakes between expressions, regions and render.

    Args:
        content: The file's content as plain data. It need not be valid.

    Returns:
        Location and message of each mistake.
    """
    expressions, regions = content.get("expressions"), content.get("regions")
    if not isinstance(expressions, dict) or not isinstance(regions, dict):
        return []
    keys, found = _check_mirrors(regions)
    render = content.get("render")
    if isinstance(render, dict) and render.get("whole_pixels") is True:
        found += _check_whole_pixels(regions)
    keys |= numbers_of_pairs(keys)
    for name, aus in expressions.items():
        found += _check_expression(name, aus if isinstance(aus, list) else [], keys)
    return found


def numbers_of_pairs(keys: set[str]) -> set[str]:
    """Find the numbers whose right and left regions are given separately: "14" for "14R" and "14L"."""
    return {key[:-1] for key in keys if key.endswith("R") and f"{key[:-1]}L" in keys and key[:-1] not in keys}


def _check_mirrors(regions: dict) -> tuple[set[str], list[Mistake]]:
    """The keys of all regions with those that ``mirror`` adds, and the mistakes about ``mirror``."""
    keys, found = {str(key) for key in regions}, list[Mistake]()
    for key, region in ((str(key), region) for key, region in regions.items()):
        if isinstance(region, dict) and region.get("mirror") is True and REGION_KEY.fullmatch(key):
            number, side = split_key(key)
            sides = {f"{number}{side}" for side in SIDES}
            if side:
                found.append((("regions", key), f"region {key} is one side: leave out mirror, or call it {number}"))
            elif clash := sorted(keys & sides):
                found.append((("regions", key), f"region {key} has mirror, and {clash[0]} is there too: keep one"))
            keys |= sides
    return keys, found


def _check_whole_pixels(regions: dict) -> Iterator[Mistake]:
    """The mistakes of a codebook with ``whole_pixels``: a Gaussian has no whole pixels."""
    for key, region in regions.items():
        shapes = region.get("shapes") if isinstance(region, dict) else None
        if isinstance(shapes, list) and any(isinstance(shape, dict) and "gaussian" in shape for shape in shapes):
            yield ("regions", key), f"region {key} has a gaussian, which has no whole pixels: leave out whole_pixels"


def _check_expression(name: str, aus: list, keys: set[str]) -> Iterator[Mistake]:
    """The mistakes of one expression: an action unit without a region, or named twice."""
    earlier: list[tuple[int, str]] = []
    for index, au in enumerate(aus):
        key = _key_of(au)
        if key is None:
            continue
        number, side = split_key(key)
        location = ("expressions", name, index)
        if key not in keys:
            fix = f"add {number} under regions" + (", with mirror: true" if side else "")
            fix = f"give region {number} mirror: true" if side and str(number) in keys else fix
            yield location, f"{name} names AU {key}, which has no region: {fix}"
        if any(number == other and (side == its_side or not side or not its_side) for other, its_side in earlier):
            yield location, f"{name} names AU {key} twice: keep one"
        earlier.append((number, side))


def _key_of(au: object) -> str | None:
    """The region's key in an entry of an expression; None for an entry that ``schema`` refuses."""
    key = au.get("au") if isinstance(au, dict) else au
    return str(key) if type(key) in (int, str) and REGION_KEY.fullmatch(str(key)) else None
