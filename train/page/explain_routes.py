"""The addresses of the page that explains a photo. The photo stays in memory: nothing of it is written to disk."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pipeline.runtime.errors import InputError
from pipeline.runtime.status import Status
from train.page.explaining import Answer, Classifiers, shown_tiles
from train.page.uploads import decode_upload, read_upload

if TYPE_CHECKING:  # imports torch
    from train.explain import FaceExplanation


@dataclass(frozen=True)
class Shown:
    """A face's explanation with its picture, whole and in tiles, as data URIs; without any if the face was not read."""

    face: "FaceExplanation"
    picture: str
    tiles: Sequence[str]


class ExplainPage:
    """Takes a photo, and shows what each trained classifier says about it."""

    def __init__(self, classifiers: Classifiers, environment: Environment) -> None:
        self.classifiers = classifiers
        self.template = environment.get_template("explain.html.j2")

    def routes(self) -> list[Route]:
        """The routes of this page."""
        return [Route("/explain", self.show), Route("/explain", self.explain, methods=["POST"])]

    async def show(self, _: Request) -> Response:
        """The form for a photo."""
        return HTMLResponse(self._page())

    async def explain(self, request: Request) -> Response:
        """The form with the answers, or with the sentence that says why there are none."""
        name = ""
        try:
            name, content = await read_upload(request)
            return HTMLResponse(await run_in_threadpool(self._explain, name, content))
        except InputError as error:
            return HTMLResponse(self._page(name=name, refusal=str(error)), 400)

    def _explain(self, name: str, content: bytes) -> str:
        image = decode_upload(name, content)
        return self._page(name=name, answers=self.classifiers.explain(image), image=image)

    def _page(
        self,
        name: str = "",
        answers: Mapping[str, Answer] = MappingProxyType({}),
        image: np.ndarray | None = None,
        refusal: str = "",
    ) -> str:
        return self.template.render(
            current="explain",
            folder=self.classifiers.settings.checkpoint_dir,
            variants=list(self.classifiers.checkpoints()),
            name=name,
            answers={
                variant: (answer, [_show(face, image) for face in answer.faces]) for variant, answer in answers.items()
            },
            refusal=refusal,
        )


def _show(face: "FaceExplanation", image: np.ndarray | None) -> Shown:
    if face.status != Status.OK:
        return Shown(face, "", ())
    picture = face.picture(image)
    return Shown(face, _data_uri(picture), [_data_uri(tile) for tile in shown_tiles(picture)])


def _data_uri(image: np.ndarray) -> str:
    png = cv2.imencode(".png", image[..., ::-1])[1]
    return f"data:image/png;base64,{b64encode(png.tobytes()).decode()}"
