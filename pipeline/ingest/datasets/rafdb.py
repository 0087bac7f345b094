"""RAF-DB, single-label subset: labels in ``basic/EmoLabel/list_patition_label.txt`` (spelt so), photos in ``basic/Image``.

``basic/Annotation/boundingbox/train_00001_boundingbox.txt`` gives the box of the face in the original photo that the label
is about: left, top, right and bottom in pixels.
"""

from pathlib import Path

from pipeline.faces.boxes import Box, parse_box
from pipeline.faces.manifest import Photo
from pipeline.ingest.datasets import DatasetSource
from pipeline.ingest.datasets.csv_rows import name_of
from pipeline.runtime.errors import InputError

LABELS = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}


def read(source: DatasetSource) -> list[Photo]:
    """List the photos of ``Image/original`` if that folder exists, else of ``Image/aligned``.

    Train and test are as published; there is no validation set. Original photos have the dataset's box if it is present.

    Raises:
        InputError: If the folder has another layout, or a table or a box cannot be read.
    """
    basic = source.root / "basic" if (source.root / "basic").is_dir() else source.root
    table = basic / "EmoLabel" / "list_patition_label.txt"
    if not table.is_file():
        raise InputError(f"{table} does not exist: ingest.root must be the RAF-DB folder that holds basic/")
    images, suffix = _images(basic / "Image")
    annotated = basic / "Annotation" / "boundingbox" if images.name == "original" else None
    photos = []
    for number, line in enumerate(_lines(table), start=1):
        where = f"{table} line {number}"
        match line.split():
            case [name, label]:
                stem, split = Path(name).stem, name.partition("_")[0]
                if split not in ("train", "test"):
                    raise InputError(f"{where}: {name} starts with neither train_ nor test_: restore the published file")
                path = images / f"{stem}{suffix}"
                box = _box(annotated / f"{stem}_boundingbox.txt") if annotated else None
                photos.append(Photo(stem, path.as_posix(), name_of(label, LABELS, where), split, subject="", box=box))
            case []:
                continue
            case _:
                raise InputError(f"{where}: expected an image name and a number: restore the published file")
    if not photos:
        raise InputError(f"{table} lists no photo: restore the published file")
    return photos


def _lines(table: Path) -> list[str]:
    try:
        return table.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8 text: restore the published file") from error


def _box(file: Path) -> Box | None:
    """The annotated box; None if the dataset gives no box, so that stage detect looks for the face."""
    if not file.is_file():
        return None
    try:
        return parse_box(file.read_text(encoding="ascii"))
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{file}: {error}: restore the published file") from error


def _images(folder: Path) -> tuple[Path, str]:
    """The image folder and what follows the stem in its file names."""
    if (folder / "original").is_dir():
        return folder / "original", ".jpg"
    if (folder / "aligned").is_dir():
        return folder / "aligned", "_aligned.jpg"
    raise InputError(f"{folder} has neither original/ nor aligned/: unpack one of RAF-DB's image archives there")
