"""The addresses of the codebook page: the page itself, faces, rendering after each change, saving and downloading."""

import json
import time
from base64 import b64encode
from typing import Any

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pipeline.codebook import Codebook, CodebookError, yaml_source
from pipeline.codebook.differences import in_words
from pipeline.codebook.loading import check, load
from pipeline.codebook.schema import Document
from pipeline.runtime.errors import InputError
from train.page.codebook import view
from train.page.codebook.changes import Change, apply_change
from train.page.codebook.faces import MEAN, Faces
from train.page.codebook.heatmaps import heatmap_pictures
from train.page.codebook.lengths import UNITS
from train.page.codebook.library import Library
from train.page.codebook.merging import merge
from train.page.settings import Settings


class CodebookPage:
    """Shows a codebook on a face, and answers each change of it."""

    def __init__(self, settings: Settings, environment: Environment) -> None:
        self.library = Library(settings)
        self.faces = Faces(settings.faces)
        self.templates = environment

    def routes(self) -> list[Route]:
        """The routes of this page."""
        return [
            Route("/codebook", self.show),
            Route("/codebook/faces/{name}.png", self.face),
            Route("/codebook/render", self.render, methods=["POST"]),
            Route("/codebook/save", self.save, methods=["POST"]),
            Route("/codebook/download", self.download, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page of one codebook on one face."""
        return HTMLResponse(await run_in_threadpool(self._page, dict(request.query_params)))

    async def face(self, request: Request) -> Response:
        """The picture of a face."""
        face = await run_in_threadpool(self.faces.get, request.path_params["name"])
        return Response(face.picture, media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    async def render(self, request: Request) -> Response:
        """Check and render the content that a browser holds, after what somebody did to it."""
        change = Change.parse(await request.body())
        return JSONResponse(await run_in_threadpool(self._answer, change))

    async def save(self, request: Request) -> Response:
        """Save the content below --out."""
        form = {key: str(value) for key, value in (await request.form()).items()}
        return JSONResponse(await run_in_threadpool(self._save, form))

    async def download(self, request: Request) -> Response:
        """The content as a YAML file."""
        form = {key: str(value) for key, value in (await request.form()).items()}
        text = await run_in_threadpool(self._merged, form)
        headers = {"content-disposition": 'attachment; filename="codebook.yaml"'}
        return Response(text, media_type="application/yaml", headers=headers)

    def _page(self, query: dict[str, str]) -> str:
        name = query.get("codebook", self.library.first)
        face_name = query.get("face", MEAN)
        path = self.library.path(name)
        shared: dict[str, Any] = {
            "current": "codebook",
            "chosen": name,
            "titles": self.library.titles(),
            "faces": self.faces.by_name,
            "face": face_name,
            "missing_faces": self.faces.missing,
        }
        try:
            load(path)
        except CodebookError as error:
            return self._template("broken.html.j2", **shared, sentence=f"{path} has mistakes", mistakes=error.mistakes)
        except InputError as error:
            return self._template("broken.html.j2", **shared, sentence=str(error), mistakes=[])
        content = json.loads(json.dumps(yaml_source.read(path).content))
        expression = next(iter(content["expressions"]))
        change = Change(content=content, codebook=name, face=face_name, expression=expression, region="", panels=True)
        return self._template("codebook.html.j2", **shared, content=content, answer=self._answer(change))

    def _answer(self, change: Change) -> dict[str, Any]:
        """Mistakes; and if there are none the heatmaps, the drawing, the differences and, if asked for, the panels."""
        started = time.perf_counter()
        face = self.faces.get(change.face)
        content = apply_change(change, face)
        book, mistakes = check(content)
        listed = [{"place": [str(step) for step in place], "message": message} for place, message in mistakes]
        if book is None:
            return {"content": content, "mistakes": listed}
        document = Document.model_validate(content)
        expression = change.expression if change.expression in book.cues else next(iter(book.cues))
        region = _region(change.region, document, expression)
        pictures = heatmap_pictures(book, face)
        drawn = view.drawn_shapes(document, book, face, expression, region)
        answer: dict[str, Any] = {
            "content": content,
            "mistakes": listed,
            "expression": expression,
            "region": region,
            "maps": {name: _data_uri(png) if png else None for name, png in pictures.items()},
            "drawing": self._template("drawing.svg.j2", drawn=drawn, region=region, size=book.reference_size),
            "differences": in_words(self.library.load(change.codebook), book),
            "notice": self._notice(book),
        }
        if change.panels:
            answer["panels"] = self._panels(content, document, book, expression, region)
        if change.panels and change.gesture is None:  # a gesture changes neither the faces nor the list of expressions
            answer["gallery"] = self._template(
                "gallery.html.j2", maps=answer["maps"], expression=expression, face=change.face
            )
        answer["milliseconds"] = round(1000 * (time.perf_counter() - started))
        return answer

    def _notice(self, book: Codebook) -> str:
        """What stops ``aucue heatmaps`` although the codebook has no mistake: a label of the faces that it lacks."""
        try:
            book.refuse_unknown(self.faces.labels)
        except InputError as error:
            return f"The faces in {self.faces.folder} need more: {error}."
        return ""

    def _panels(self, content: dict[str, Any], document: Document, book: Codebook, expression: str, region: str) -> str:
        return self._template(
            "panels.html.j2",
            content=content,
            names={key: region.name for key, region in document.regions.items()},
            units=list(view.unit_rows(document, book, expression)),
            expression=expression,
            region=region,
            fields=content["regions"][region],
            length_units=UNITS,
        )

    def _merged(self, form: dict[str, str]) -> str:
        path = self.library.path(form.get("codebook"))
        content = Change.content_of(form.get("content", ""))
        if mistakes := check(content)[1]:
            raise InputError(f"fix the mistakes first: {mistakes[0][1]}")
        return merge(path.read_text(encoding="utf-8"), content)

    def _save(self, form: dict[str, str]) -> dict[str, str]:
        name = form.get("name", "").strip()
        content = {**Change.content_of(form.get("content", "")), "name": name}
        text = self._merged({**form, "content": json.dumps(content)})
        path = self.library.save(name, text, replaces=form.get("replace") == "on")
        return {"path": str(path), "command": self.library.command(path), "codebook": f"saved/{name}"}

    def _template(self, name: str, **values: object) -> str:
        return self.templates.get_template(name).render(**values)


def _region(chosen: str, document: Document, expression: str) -> str:
    """The chosen region, or the first of the expression, or the first of all."""
    if chosen in document.regions:
        return chosen
    cues = document.expressions[expression]
    return view.region_of(cues[0].au, dict(document.regions)) if cues else next(iter(document.regions))


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
