"""The page with a few faces and a classifier that needs no training, for a test client and for a real browser."""

import json
import math
import shutil
import socket
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import uvicorn
from starlette.testclient import TestClient

from pipeline.codebook import draw
from pipeline.codebook.rendering.renderer import to_frame
from pipeline.shards import ShardWriter
from pipeline.shards.files import STRING_COLUMNS
from train.explain.answers.pictures import GAP, TILE, TITLE
from train.explain.outputs.figures import Figures
from train.page.app import create_app
from train.page.codebook.faces import Faces
from train.page.codebook.heatmaps import heatmap_pictures, render_picture
from train.page.codebook.library import Library
from train.page.explaining import Classifiers
from train.page.settings import Settings

SIDE = 64  # of a crop
FACES = 3
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # options of Chromium


def tilted(points, number):
    """A face (68, 2) turned by 8 degrees for each ``number``, and a little larger."""
    turn = np.exp(1j * np.radians(8 * number)) * (1 + 0.03 * number)
    turned = (points - SIDE / 2) @ [1, 1j] * turn
    return np.stack([turned.real, turned.imag], axis=1) + SIDE / 2


@dataclass
class FakeFace:
    """What ``train.explain`` gives for a face."""

    name: str
    image: np.ndarray
    status: str = "ok"
    reason: str = ""
    box: tuple = (1, 2, 3, 4)
    expression: str = "happiness"
    probability: float = 0.94
    probabilities: dict = field(default_factory=lambda: {"happiness": 0.94, "neutral": 0.06})

    @property
    def sentence(self) -> str:
        height, width = self.image.shape[:2]
        return (
            f"happiness 94 %: the {self.name} classifier looks at {width} x {height} pixels <b>of {self.image[0, 0, 0]}</b>."
        )

    @property
    def units(self) -> list:
        return [SimpleNamespace(key="12", name="Lip Corner Puller", seen=3.1, needed=0.25, spread=math.nan)]

    def picture(self, photo) -> np.ndarray:
        return np.full((2 * GAP + TITLE + TILE, 5 * (TILE + GAP) + GAP, 3), photo[0, 0], np.uint8)


class FakeClassifier:
    """Finds one face in every photo, none in a black one, and cannot read that of a white one."""

    notes = ("no neutral face is <at hand>",)

    def __init__(self, name):
        self.name = name

    def __call__(self, image):
        if not image.any():
            return []
        readable = image.min() < 255
        return [FakeFace(self.name, image)] if readable else [FakeFace(self.name, image, "low_confidence", "too blurred")]


@pytest.fixture(scope="session")
def load_fake():
    """Loads a classifier that needs no training. The guided one was evaluated."""

    def load(checkpoint, settings):
        name = checkpoint.parent.name
        figures = Figures(faces=1234, accuracy=0.908, ece=0.021, att_cos=0.91, constant=0.75, needed=0.02)
        return FakeClassifier(name), figures if name == "guided" else None

    return load


@pytest.fixture(scope="session")
def face_shards(tmp_path_factory):
    """A folder of face shards: noise as crops, and the mean face's landmarks, each larger and more tilted than the last."""
    rng = np.random.default_rng(0)
    crops = [cv2.imencode(".jpg", rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))[1].tobytes() for _ in range(FACES)]
    mean = to_frame(draw.mean_landmarks(), draw.SIDE, SIDE)
    columns = {name: [f"{name} {number}" for number in range(FACES)] for name in STRING_COLUMNS}
    columns |= {
        "label": ["happiness", "neutral", "sadness"],
        "status": ["ok"] * FACES,
        "reason": [""] * FACES,
        "key": np.zeros((FACES, 32), np.uint8),
        "landmarks": np.stack([tilted(mean, number) for number in range(FACES)]).astype(np.float32),
        "crop_offsets": np.cumsum([0, *map(len, crops)], dtype=np.int64),
        "crop_bytes": np.frombuffer(b"".join(crops), np.uint8),
    }
    folder = tmp_path_factory.mktemp("shards") / "faces"
    with ShardWriter(folder, "faces", {"stage": "landmarks", "crop_size": SIDE}) as writer:
        writer.write(columns, FACES)
    return folder


@pytest.fixture
def expected_maps(settings):
    """Renders a codebook on a face anew, whatever the page has rendered."""

    def expected_maps(book, face):
        render_picture.cache_clear()
        return heatmap_pictures(book, Faces(settings.faces).get(face))

    return expected_maps


@pytest.fixture
def settings(tmp_path, face_shards):
    """The settings of a run in which both variants are trained."""
    for variant in ("baseline", "guided"):
        (tmp_path / "train" / variant).mkdir(parents=True)
        (tmp_path / "train" / variant / "model.safetensors").write_bytes(b"weights")
    return Settings(
        out=tmp_path / "out",
        codebook=None,
        checkpoint_dir=tmp_path / "train",
        evaluation=tmp_path / "evaluation",
        faces=face_shards,
        heatmaps=tmp_path / "heatmaps",
        report=tmp_path / "report.html",
        tables=tmp_path / "tables",
    )


@pytest.fixture
def app(settings, load_fake):
    return create_app(settings, Classifiers(settings, load_fake))


@pytest.fixture
def client(app, settings):
    """A client whose paths begin after the token."""
    return TestClient(app, base_url=f"http://127.0.0.1:8000{settings.base}/", raise_server_exceptions=True)


@pytest.fixture
def library(settings):
    return Library(settings)


@pytest.fixture
def render(client):
    """Sends a change of a codebook as the page does, and returns the answer."""

    def render(content, codebook="facs", face="mean", expression="happiness", region="12", **change):
        body = {"content": content, "codebook": codebook, "face": face, "expression": expression, "region": region, **change}
        response = client.post("codebook/render", content=json.dumps(body))
        assert response.status_code == 200, response.text
        return response.json()

    return render


@pytest.fixture
def address(app, settings):
    """The address of the page, served by a real server in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{settings.base}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright to test the page in a browser")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", *CAMERA])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens a page of the app; fails the test if the page's code fails or breaks its policy."""
    contexts, wrong = [], []

    def is_wrong(message):
        return message.type == "error" and "400 (Bad Request)" not in message.text  # a refusal that the page shows

    def open_page(path, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: is_wrong(message) and wrong.append(message.text))
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
