"""Replace the files of an output folder together, so that they always belong together."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.runtime.outputs.files import locked
from pipeline.runtime.outputs.places import building_folder, make_folder, move, naming_output, uninterrupted


@contextmanager
def replaced_together(folder: Path, mark: str) -> Iterator[Path]:
    """Yield an empty folder to write files in. They replace those of ``folder`` when the with block ends, or none does.

    Args:
        folder: The output; other files in it stay.
        mark: The file that marks a whole output: the earlier one is removed first, and the new one comes last.

    Raises:
        InputError: If another process writes the output.
        OSError: If a file cannot be written; the error names it by its final path.
    """
    with locked(folder):
        building = building_folder(folder)
        try:
            with naming_output(building, folder):
                yield building
                make_folder(folder)
                with uninterrupted():
                    (folder / mark).unlink(missing_ok=True)
                    for file in sorted(building.iterdir(), key=lambda file: file.name == mark):
                        move(file, folder / file.name)
        finally:
            shutil.rmtree(building, ignore_errors=True)
