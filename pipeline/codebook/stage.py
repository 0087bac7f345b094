"""Stage codebook: the meaning of a codebook in a fixed order.

DVC compares this file instead of the codebook, so that comments and order in the codebook make no heatmap stale.
"""

from pathlib import Path

from pipeline.codebook.codebook import Codebook
from pipeline.codebook.loading import load
from pipeline.runtime.outputs.files import write_text
from pipeline.runtime.outputs.overwriting import json_with, refuse_foreign

ROOMS = ("pipeline/codebook",)  # folders whose code decides the output


def main(*, codebook: str | Path, out_path: Path) -> Codebook:
    """Write a codebook's name and meaning as JSON. As long as this file is the same, every heatmap is the same.

    Args:
        codebook: Name of a shipped codebook, or the path of any codebook.
        out_path: File to write.

    Returns:
        The codebook.

    Raises:
        CodebookError: If the codebook has mistakes.
        InputError: If there is no such codebook.
    """
    book = load(codebook)
    refuse_foreign(out_path, json_with("expressions", "regions", "render"))
    write_text(out_path, book.to_json())
    return book
