"""From a codebook's file to a checked ``Codebook``, or to the list of all mistakes in the file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from pipeline.codebook import consistency, yaml_source
from pipeline.codebook.codebook import Codebook
from pipeline.codebook.consistency import Mistake
from pipeline.codebook.geometry import Shape
from pipeline.codebook.mirror import mirror_shape
from pipeline.codebook.schema import Document, Region, split_key
from pipeline.runtime.errors import InputError
from pipeline.runtime.user_paths import expand
from pipeline.runtime.yaml_files import problems

FOLDER = Path(__file__).parents[1] / "codebooks"


class CodebookError(InputError):
    """A codebook's file has mistakes.

    Attributes:
        path: The file.
        mistakes: (line, message) of each mistake, in the order of the lines.
    """

    def __init__(self, path: Path, mistakes: list[tuple[int, str]]) -> None:
        self.path = path
        self.mistakes = mistakes
        super().__init__(f"{path}: " + "; ".join(f"line {line}: {message}" for line, message in mistakes))


def shipped() -> list[str]:
    """List the names of the codebooks that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def find(name_or_path: str | Path) -> Path:
    """Find a codebook's file.

    Args:
        name_or_path: Name of a shipped codebook, or the path of any codebook.

    Raises:
        InputError: If there is no such file.
    """
    path = Path(expand(str(name_or_path)))
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        raise InputError(
            f"there is no codebook {str(name_or_path)!r}: give one of {', '.join(shipped())}, or the path of a .yaml file"
        )
    return path


def load(name_or_path: str | Path) -> Codebook:
    """Load and check a codebook.

    Args:
        name_or_path: Name of a shipped codebook, or the path of any codebook.

    Raises:
        CodebookError: If the file has mistakes. It lists every mistake with its line.
        InputError: If there is no such file, or the file holds no YAML mapping.
    """
    path = find(name_or_path)
    source = yaml_source.read(path)
    book, located = check(source.content)
    mistakes = source.duplicates() + [(source.line(location), message) for location, message in located]
    if mistakes or book is None:
        raise CodebookError(path, sorted(mistakes))
    return book


def check(content: dict) -> tuple[Codebook | None, list[Mistake]]:
    """Check the content of a codebook.

    Args:
        content: The content as plain data, such as a file's or that of a page on which somebody edits it.

    Returns:
        The codebook, or None if there are mistakes; and location and message of every mistake.
    """
    mistakes = consistency.mistakes(content)
    try:
        document = Document.model_validate(content)
    except ValidationError as error:
        return None, mistakes + problems(error)
    return (None if mistakes else _codebook_of(document)), mistakes


def _codebook_of(document: Document) -> Codebook:
    regions = document.regions
    sources = {key: " ".join(region.source.split()) for key, region in regions.items() if region.source}
    return Codebook(
        name=document.name,
        version=document.version,
        source=document.source,
        reference_size=document.reference_size,
        render=document.render,
        cues=MappingProxyType(document.expressions),
        regions=MappingProxyType(_expand_sides(regions)),
        names=MappingProxyType({split_key(key)[0]: region.name for key, region in regions.items()}),
        sources=MappingProxyType(sources),
    )


def _expand_sides(regions: Mapping[str, Region]) -> dict[str, tuple[Shape, ...]]:
    """Map every key that an expression may name to its shapes.

    The keys include those added by ``mirror`` and those of both sides together.
    """
    expanded: dict[str, tuple[Shape, ...]] = {}
    for key, region in regions.items():
        expanded[key] = tuple(entry.shape for entry in region.shapes)
        if region.mirror:
            left = tuple(map(mirror_shape, expanded[key]))
            expanded |= {f"{key}R": expanded[key], f"{key}L": left}
            expanded[key] += tuple(shape for shape in left if shape not in expanded[key])
    for number in consistency.numbers_of_pairs(set(expanded)):
        expanded[number] = expanded[f"{number}R"] + expanded[f"{number}L"]
    return {key: expanded[key] for key in sorted(expanded, key=split_key)}
