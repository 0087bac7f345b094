"""Write the page that shows all explanations: a card for each face of a photo, and the course of each video."""

import base64
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.runtime.errors import InputError
from pipeline.runtime.outputs.files import write_text
from train.explain.answers.explainer import Explainer
from train.explain.answers.pictures import TITLE, tiles
from train.explain.outputs.figures import Figures
from train.explain.outputs.table import CSV, PAGE, Row, read_rows
from train.explain.outputs.timeline import Timeline

MOST_CARDS = 2000  # rows of photos on the page; explanations.csv has all
THUMBNAIL = 112  # pixels of the height
PAGE_TITLE = "aucue explanations"  # tells the page from those of other commands


def write_page(
    out: Path,
    explainer: Explainer,
    facts: dict[str, Any],
    figures: Figures | None,
    timelines: Sequence[tuple[Timeline, dict[int, str]]],
) -> None:
    """Write the page.

    Args:
        out: Folder of the table and the pictures.
        explainer: The classifier.
        facts: Everything that decided the rows.
        figures: The classifier's own test figures, or None.
        timelines: Each video, and the pictures of its peaks by the number of the frame.
    """
    environment = Environment(
        loader=PackageLoader("train.explain.outputs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    of_videos = {timeline.source for timeline, _ in timelines}
    of_photos = (row for row in read_rows(out / CSV) if row["source"] not in of_videos)
    cards = [_card(row, out) for row in islice(of_photos, MOST_CARDS)]
    page = environment.get_template("explanations.html.j2").render(
        title=PAGE_TITLE,
        cards=cards,
        more=sum(1 for _ in of_photos),
        most=MOST_CARDS,
        classes=explainer.classes,
        codebook=explainer.codebook.name,
        model=facts["model"],
        notes=explainer.notes,
        figures=figures,
        videos=[_video(timeline, pictures, out) for timeline, pictures in timelines],
    )
    write_text(out / PAGE, page)


def _card(row: Row, out: Path) -> dict[str, Any]:
    return {**row, "thumbnail": _thumbnail(out / row["picture"]) if row["picture"] else None}


def _video(timeline: Timeline, pictures: dict[int, str], out: Path) -> dict[str, Any]:
    times = {int(frame): float(time) for frame, time in timeline.figures[:, :2]}
    peaks = [
        {"time": times[frame], "name": name, "picture": pictures[frame], "thumbnail": _thumbnail(out / pictures[frame])}
        for frame, name in timeline.peaks().items()
        if frame in pictures
    ]
    chart = timeline.chart() if len(timeline.figures) else ""
    return {"source": timeline.source, "summary": timeline.summary, "chart": chart, "peaks": peaks}


def _thumbnail(picture: Path) -> str:
    """The attention in a picture with a photo, without its title, as a data URI."""
    pixels = cv2.imread(str(picture))
    if pixels is None:
        raise InputError(f"{picture} is damaged: remove it, and run the command again")
    _, attention, *_ = tiles(pixels)
    small = cv2.resize(attention[TITLE:], (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
