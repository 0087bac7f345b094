"""Stage codebook: what a codebook means, in one order, so that its comments and its order make no heatmap stale."""

from pathlib import Path

from pipeline.codebook import Codebook, load
from pipeline.runtime.files import write_text

ROOMS = ("pipeline/codebook",)  # whose code decides the output


def main(*, codebook: str | Path, out_path: Path) -> Codebook:
    """Write a codebook's name and meaning as JSON: where this file is the same, every heatmap is.

    Args:
        codebook: Name of a shipped codebook, or the path of any.
        out_path: File to write.

    Returns:
        The codebook.

    Raises:
        CodebookError: If the codebook has mistakes.
    """
    book = load(codebook)
    write_text(out_path, book.described())
    return book
