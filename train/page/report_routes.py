"""The addresses of the report: the page of ``aucue report`` in a frame of its own, and the tables of ``aucue tables``."""

import csv
from pathlib import Path

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from pipeline.runtime.errors import InputError
from train.page.settings import Settings

TITLES = {
    "methods": "Methods: accuracy and CAM-COS",
    "attention": "Methods: ATT-COS",
    "layers": "Layers of the guidance",
    "decisions": "What decisions lean on",
}
CHART = "lambda.png"
# The report holds its own styles and pictures, and no code. Its frame runs none and reaches nothing.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


class ReportPage:
    """Shows what ``aucue report`` and ``aucue tables`` wrote, or says which command writes it."""

    def __init__(self, settings: Settings, environment: Environment) -> None:
        self.report = settings.report
        self.tables = settings.tables
        self.template = environment.get_template("report.html.j2")

    def routes(self) -> list[Route]:
        """The routes of this page."""
        return [
            Route("/report", self.show),
            Route("/report/page", self.page),
            Route("/report/lambda.png", self.chart),
        ]

    async def show(self, _: Request) -> Response:
        """The report in a frame, and the tables."""
        tables = {title: rows for name, title in TITLES.items() if (rows := _read_table(self.tables / f"{name}.csv"))}
        page = self.template.render(
            current="report",
            report=self.report,
            has_report=self.report.is_file(),
            folder=self.tables,
            tables=tables,
            has_chart=(self.tables / CHART).is_file(),
        )
        return HTMLResponse(page)

    async def page(self, _: Request) -> Response:
        """The page of ``aucue report`` as it is."""
        if not self.report.is_file():
            raise InputError(f"{self.report} does not exist: run `aucue report` first")
        return FileResponse(self.report, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})

    async def chart(self, _: Request) -> Response:
        """The chart over lambda."""
        if not (self.tables / CHART).is_file():
            raise InputError(f"{self.tables / CHART} does not exist: run `aucue tables` first")
        return FileResponse(self.tables / CHART)


def _read_table(path: Path) -> list[list[str]]:
    """The rows of a table, the header first; none if there is no such file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        return list(csv.reader(stream))
