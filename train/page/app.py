"""The app: all routes, its templates, and mistakes as sentences."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pipeline.runtime import file_errors
from pipeline.runtime.errors import InputError
from train.page.codebook.routes import CodebookPage
from train.page.explain_routes import ExplainPage
from train.page.explaining import Classifiers
from train.page.report_routes import ReportPage
from train.page.security import Guard
from train.page.settings import Settings

STATIC = Path(__file__).with_name("static")


def create_app(settings: Settings, classifiers: Classifiers | None = None) -> ASGIApp:
    """Make the app of one run.

    Args:
        settings: What it reads and writes.
        classifiers: What explains photos; by default the trained variants of ``settings.checkpoint_dir``.

    Raises:
        InputError: If the codebook to begin with does not exist.
    """
    environment = Environment(
        loader=PackageLoader("train.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["base"] = settings.base
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # expressions stay in the order of the file
    codebook = CodebookPage(settings, environment)
    explain = ExplainPage(classifiers or Classifiers(settings), environment)
    report = ReportPage(settings, environment)

    async def home(_: Request) -> Response:
        return RedirectResponse(f"{settings.base}/codebook")

    routes = [
        Route("/", home),
        Mount("/static", StaticFiles(directory=STATIC)),
        *codebook.routes(),
        *explain.routes(),
        *report.routes(),
    ]

    async def refuse(request: Request, error: Exception) -> Response:
        """Answer with the sentence of an error: as a page where a browser shows it, as text for the page's own code."""
        status = error.status_code if isinstance(error, HTTPException) else 400
        sentence = _sentence(error)
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(sentence, status)
        page = environment.get_template("refusal.html.j2").render(sentence=sentence, current="")
        return HTMLResponse(page, status)

    handlers = dict.fromkeys((InputError, OSError, HTTPException), refuse)
    app = Starlette(routes=[Mount(settings.base, routes=routes)], exception_handlers=handlers)
    return Guard(app, settings.token)


def _sentence(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return {404: "There is no such page here: choose one above."}.get(error.status_code, error.detail)
    return file_errors.describe(error) if isinstance(error, OSError) else str(error)
