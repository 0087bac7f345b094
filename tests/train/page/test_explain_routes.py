"""A photo is explained by each trained classifier, or refused with a sentence."""

import io
import os
import re
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from train.page.app import create_app
from train.page.explaining import Classifiers
from train.page.uploads import MAX_PIXELS


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def bomb(width, height):
    """A PNG of a few bytes that says it has so many pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def turned_jpeg(image):
    """A JPEG whose EXIF says that it lies on its side."""
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


PHOTO = np.full((20, 30, 3), 7, np.uint8)


@pytest.fixture
def upload(client):
    def upload(content, name="me.png"):
        return client.post("explain", files={"photo": (name, content)})

    return upload


def test_both_classifiers_answer_side_by_side(upload):
    response = upload(png(PHOTO))
    assert response.status_code == 200
    for variant in ("baseline", "guided"):
        assert f"<h3>{variant}</h3>" in response.text
        assert f"the {variant} classifier looks at 30 x 20 pixels" in response.text
    assert response.text.count('<img src="data:image/png;base64,') == 2 * 4
    assert "94.0 %" in response.text
    assert "12 Lip Corner Puller</th><td>3.10</td><td>0.25</td><td>–</td>" in response.text
    assert "They do not say that a muscle moved" in " ".join(response.text.split())


def test_the_classifiers_own_figures_and_notes_are_beside_its_answer(upload):
    baseline, guided = upload(png(PHOTO)).text.split("<h3>guided</h3>")
    text = " ".join(guided.split())
    assert "On its 1,234 test faces this classifier is right for 90.8 %" in text
    assert "So what it looks at says little about what decides its answers." in text
    assert "run <code>aucue evaluate</code>" in baseline
    assert "No neutral face is &lt;at hand&gt;." in text


@pytest.mark.slow
def test_a_trained_classifier_explains_a_photo(evaluated, dataset, settings):
    """The fake stands for what ``train.explain`` really gives."""
    trained = replace(
        settings,
        checkpoint_dir=evaluated / "train",
        evaluation=evaluated / "evaluation",
        faces=dataset.faces,
        heatmaps=dataset.heatmaps,
    )
    client = TestClient(create_app(trained), base_url=f"http://127.0.0.1:8000{trained.base}/")
    photo = min(dataset.photos.glob("*happiness*"))
    response = client.post("explain", files={"photo": (photo.name, photo.read_bytes())})
    assert response.status_code == 200
    for part in response.text.split("<h3>")[1:]:
        text = " ".join(part.split())
        assert re.search(r'<p class="sentence">\w+ \d+ %: looks at', text)
        assert "test faces this classifier is right for" in text
        assert "Lip Corner Puller</th>" in text
        assert part.count("<img src=") == 4
    nobody = png(np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8))
    assert "no_face" in client.post("explain", files={"photo": ("noise.png", nobody)}).text


def test_words_of_an_explanation_are_no_html(upload):
    text = upload(png(PHOTO), '"><script>alert(1)</script>.png').text
    assert "<b>of 7</b>" not in text
    assert "&lt;b&gt;of 7&lt;/b&gt;" in text
    assert "<script>alert" not in text


def test_a_photo_is_upright(upload):
    assert "looks at 20 x 30 pixels" in upload(turned_jpeg(PHOTO), "turned.jpg").text


def test_a_single_variant_answers_alone(upload, settings):
    (settings.checkpoint_dir / "baseline" / "model.safetensors").unlink()
    text = upload(png(PHOTO)).text
    assert "<h3>guided</h3>" in text
    assert "<h3>baseline</h3>" not in text


def test_a_new_checkpoint_is_loaded(settings, load_fake):
    loaded = []
    classifiers = Classifiers(settings, lambda path, given: loaded.append(path) or load_fake(path, given))
    classifiers.explain(PHOTO)
    classifiers.explain(PHOTO)
    assert len(loaded) == 2
    checkpoint = settings.checkpoint_dir / "guided" / "model.safetensors"
    os.utime(checkpoint, ns=(1, 1))
    classifiers.explain(PHOTO)
    assert loaded[2:] == [checkpoint]


@pytest.mark.parametrize("name", ["evaluation/guided/metrics.json", "faces/index.json", "heatmaps/index.json"])
def test_what_a_command_wrote_meanwhile_counts(settings, load_fake, tmp_path, name):
    loaded = []
    settings = replace(settings, **{part: tmp_path / part for part in ("evaluation", "faces", "heatmaps")})
    classifiers = Classifiers(settings, lambda path, given: loaded.append(path.parent.name) or load_fake(path, given))
    classifiers.explain(PHOTO)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}")
    classifiers.explain(PHOTO)
    assert "guided" in loaded[2:]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bomb(20_000, 10_000), "bad cannot be explained: 20000 x 10000 pixels; at most 50,000,000 are decoded"),
        (b"P6 20000 10000 255\n", "20000 x 10000 pixels; at most"),
        (
            b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 20_000, 10_000, 1, 24, 0, 0, 0, 0, 0, 0),
            "20000 x 10000 pixels",
        ),
        (b"Dear diary", "bad cannot be explained: not a JPEG, PNG, BMP, WebP, TIFF or PGM/PPM image: choose another photo"),
        (png(PHOTO)[:60], "bad cannot be explained: not a complete image (PNG)"),
        (cv2.imencode(".jpg", PHOTO)[1].tobytes()[:100], "not a complete image (JPEG)"),
        (b"GIF89a\x01\x00\x01\x00", "not a JPEG, PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG, PNG"),
        (b"%PDF-1.7", "not a JPEG, PNG"),
        (b"", "no photo came with the form, or the file is empty"),
    ],
)
def test_other_files_are_refused_with_a_sentence(upload, content, sentence):
    response = upload(content, "bad")
    assert response.status_code == 400
    assert 'role="alert">' in response.text
    assert sentence in response.text.replace("&#39;", "'")


def test_a_bomb_is_refused_before_it_is_decoded(upload, monkeypatch):
    """200 megapixels would take seconds and gigabytes."""
    monkeypatch.setattr(cv2, "imdecode", pytest.fail)
    monkeypatch.setattr(Image.Image, "load", pytest.fail)
    assert upload(bomb(20_000, 10_000)).status_code == 400
    assert MAX_PIXELS < 200_000_000


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=b"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (b"{}", "application/json"),
        (b"photo=x", "application/x-www-form-urlencoded"),
    ],
)
def test_another_form_is_refused(client, body, kind):
    response = client.post("explain", content=body, headers={"content-type": kind})
    assert response.status_code == 400
    assert "no photo came with the form" in response.text


def test_photos_without_a_readable_face(upload):
    assert "No face was found in this photo." in upload(png(np.zeros((8, 8, 3), np.uint8))).text
    assert "low_confidence: too blurred" in upload(png(np.full((8, 8, 3), 255, np.uint8))).text


def test_nothing_is_written(upload, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", pytest.fail)
    before = sorted(tmp_path.rglob("*"))
    noise = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), dtype=np.uint8)
    assert upload(png(noise)).status_code == 200  # 3 MB, more than Starlette keeps in memory
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_classifier_the_page_says_which_command_trains_one(client, settings):
    for variant in ("baseline", "guided"):
        (settings.checkpoint_dir / variant / "model.safetensors").unlink()
    text = client.get("explain").text
    assert f"There is no trained classifier in {settings.checkpoint_dir}: run <code>aucue train</code> first" in text
    assert "<form" not in text
