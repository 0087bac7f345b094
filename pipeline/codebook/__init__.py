"""The expert's file: which action units an expression shows, and where on the 68 landmarks each of them is.

``pipeline/codebooks/README.md`` explains the format. Everything is data: nothing in the file is executed.
"""

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from pipeline.codebook import mirror
from pipeline.codebook import yaml_source as source
from pipeline.codebook.schema import KEY, SIDES, Document, ExpressionAU, Region, Render, Shape, split
from pipeline.runtime.errors import InputError, closest_name
from pipeline.runtime.yaml_files import problems

FOLDER = Path(__file__).parents[1] / "codebooks"


class CodebookError(InputError):
    """A codebook with mistakes: (line, message) of each, by line."""

    def __init__(self, path: Path, mistakes: list[tuple[int, str]]) -> None:
        self.path = path
        self.mistakes = mistakes
        super().__init__(f"{path}: " + "; ".join(f"line {line}: {message}" for line, message in mistakes))


@dataclass(frozen=True)
class Codebook:
    """A checked codebook, as meant. Regions are under their key: "14" is both sides, "14R" the subject's right alone.
    ``expressions`` are in the file's order; an expression with () has no map."""

    name: str
    version: int
    source: str
    reference_size: int  # pixels: side of the frame that the heatmaps stage brings a face to, so that px mean something
    render: Render
    cues: Mapping[str, tuple[ExpressionAU, ...]]
    regions: Mapping[str, tuple[Shape, ...]]
    names: Mapping[int, str]  # of the action units
    sources: Mapping[str, str]  # of regions that have one of their own, by their key in the file

    @property
    def expressions(self) -> Mapping[str, tuple[int, ...]]:
        """The FACS numbers of each expression, each once."""
        numbers = {name: tuple(dict.fromkeys(split(cue.au)[0] for cue in cues)) for name, cues in self.cues.items()}
        return MappingProxyType(numbers)

    def refuse_unknown(self, labels: Set[str]) -> None:
        """Raises InputError for labels that it has no expression for."""
        unknown = {label: closest_name(label, self.cues) for label in sorted(labels - set(self.cues))}
        if unknown:
            named = ", ".join(f"{label} (but {near})" if near else label for label, near in unknown.items())
            raise InputError(
                f"codebook {self.name} has no expression {named}: add it there (none, if it has no map), or mend its name"
            )

    def meaning(self) -> dict:
        """All that decides a map as plain data, without order where order means nothing."""
        return {
            "reference_size": self.reference_size,
            "render": self.render.model_dump(),
            "expressions": {name: sorted([cue.au, cue.weight] for cue in cues) for name, cues in self.cues.items()},
            "regions": {key: sorted(map(_canonical, shapes)) for key, shapes in self.regions.items()},
        }

    def described(self) -> str:
        """Name and meaning as JSON."""
        return json.dumps({"name": self.name, **self.meaning()}, indent=1, sort_keys=True) + "\n"

    def digest(self) -> str:
        """SHA-256 of the meaning: comments, names and order change nothing."""
        return hashlib.sha256(json.dumps(self.meaning(), sort_keys=True).encode()).hexdigest()


def shipped() -> list[str]:
    """Names of the codebooks that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def find(name_or_path: str | Path) -> Path:
    """The file of a shipped codebook by name, or any by its path."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        raise InputError(
            f"there is no codebook {str(name_or_path)!r}: give one of {', '.join(shipped())}, or the path of a .yaml file"
        )
    return path


def load(name_or_path: str | Path) -> Codebook:
    """Load a shipped codebook by name, or any by its path. Raises CodebookError that lists every mistake in the file."""
    path = find(name_or_path)
    text = source.read(path)
    mistakes = text.duplicates()
    mistakes += [(text.line(location), message) for location, message in _misfits(text.content)]
    document = None
    try:
        document = Document.model_validate(text.content)
    except ValidationError as error:
        mistakes += [(text.line(location), message) for location, message in problems(error)]
    if mistakes or document is None:
        raise CodebookError(path, sorted(mistakes))
    return Codebook(
        name=document.name,
        version=document.version,
        source=document.source,
        reference_size=document.reference_size,
        render=document.render,
        cues=MappingProxyType(document.expressions),
        regions=MappingProxyType(_both_sides(document.regions)),
        names=MappingProxyType({split(key)[0]: region.name for key, region in document.regions.items()}),
        sources=MappingProxyType(
            {key: " ".join(region.source.split()) for key, region in document.regions.items() if region.source}
        ),
    )


def _both_sides(regions: Mapping[str, Region]) -> dict[str, tuple[Shape, ...]]:
    """Every key that an expression may name, with its shapes."""
    found: dict[str, tuple[Shape, ...]] = {}
    for key, region in regions.items():
        found[key] = tuple(written.shape for written in region.shapes)
        if region.mirror:
            left = tuple(map(mirror.mirrored, found[key]))
            found |= {f"{key}R": found[key], f"{key}L": left}
            found[key] += tuple(shape for shape in left if shape not in found[key])
    for number in _made_of_two_sides(set(found)):
        found[number] = found[f"{number}R"] + found[f"{number}L"]
    return {key: found[key] for key in sorted(found, key=split)}


def _made_of_two_sides(keys: set[str]) -> set[str]:
    """Numbers whose right and left region are given separately."""
    return {key[:-1] for key in keys if key.endswith("R") and f"{key[:-1]}L" in keys and key[:-1] not in keys}


def _misfits(content: dict) -> list[tuple[tuple, str]]:
    """Place and message of what is wrong between expressions and regions, whatever else may be wrong with the file."""
    expressions, regions = content.get("expressions"), content.get("regions")
    if not isinstance(expressions, dict) or not isinstance(regions, dict):
        return []
    keys = {str(key) for key in regions}
    found: list[tuple[tuple, str]] = []
    for key, region in ((str(key), region) for key, region in regions.items()):
        if isinstance(region, dict) and region.get("mirror") is True and KEY.fullmatch(key):
            number, side = split(key)
            sides = {f"{number}{side}" for side in SIDES}
            if side:
                found.append((("regions", key), f"region {key} is one side: leave out mirror, or call it {number}"))
            elif clash := sorted(keys & sides):
                found.append((("regions", key), f"region {key} has mirror, and {clash[0]} is there too: keep one"))
            keys |= sides
    if isinstance(content.get("render"), dict) and content["render"].get("whole_pixels") is True:
        found += [
            (("regions", key), f"region {key} has a gaussian, which has no whole pixels: leave out whole_pixels")
            for key, region in regions.items()
            if isinstance(region, dict) and isinstance(region.get("shapes"), list)
            if any(isinstance(shape, dict) and "gaussian" in shape for shape in region["shapes"])
        ]
    keys |= _made_of_two_sides(keys)
    for name, aus in expressions.items():
        earlier: list[tuple[int, str]] = []
        for index, au in enumerate(aus if isinstance(aus, list) else ()):
            key = au.get("au") if isinstance(au, dict) else au
            if type(key) not in (int, str) or not KEY.fullmatch(key := str(key)):
                continue  # the type's to refuse
            number, side = split(key)
            place = ("expressions", name, index)
            if key not in keys:
                mend = f"add {number} under regions" + (", with mirror: true" if side else "")
                mend = f"give region {number} mirror: true" if side and str(number) in keys else mend
                found.append((place, f"{name} names AU {key}, which has no region: {mend}"))
            if any(number == other and (side == its or not side or not its) for other, its in earlier):
                found.append((place, f"{name} names AU {key} twice: keep one"))
            earlier.append((number, side))
    return found


def _canonical(shape: Shape) -> str:
    return json.dumps({type(shape).__name__: shape.model_dump()}, sort_keys=True)
