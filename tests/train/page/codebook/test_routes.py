"""The codebook page without a browser: what each address answers."""

import base64
import html
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from pipeline import codebook as codebooks
from pipeline.codebook import yaml_source
from train.page.codebook.faces import Faces


def content_of(name):
    return json.loads(json.dumps(yaml_source.read(codebooks.find(name)).content))


def images(answer):
    return {
        name: uri and base64.b64decode(uri.removeprefix("data:image/png;base64,")) for name, uri in answer["maps"].items()
    }


@pytest.mark.parametrize("name", codebooks.shipped())
def test_the_page_holds_the_content_of_the_file(client, name):
    text = client.get(f"codebook?codebook={name}").text
    assert json.loads(html.unescape(re.search("data-content='(.*?)'", text)[1])) == content_of(name)
    assert f'<option value="{name}" selected>' in text
    assert re.findall('name="expression" id="[^"]*" value="([^"]*)"', text) == list(content_of(name)["expressions"])
    assert list(json.loads(html.unescape(re.search("data-content='(.*?)'", text)[1]))) == list(content_of(name))


@pytest.mark.parametrize("face", ["mean", "1", "3"])
@pytest.mark.parametrize("name", codebooks.shipped())
def test_the_maps_are_those_of_the_renderer(render, expected_maps, name, face):
    answer = render(content_of(name), codebook=name, face=face)
    assert images(answer) == expected_maps(codebooks.load(name), face)
    assert answer["differences"] == answer["mistakes"] == []


def test_a_label_of_the_faces_that_the_codebook_lacks_is_told(client, render):
    content = content_of("facs")
    assert render(content)["notice"] == ""
    assert re.search('id="notice"[^>]* hidden>', client.get("codebook?codebook=facs").text)
    del content["expressions"]["sadness"]
    assert re.fullmatch(
        r"The faces in .* need more: codebook facs has no expression sadness: add it there \(as none if it has no map\), or "
        r"fix its name\.",
        render(content)["notice"],
    )


def test_faces_give_different_maps(render):
    assert images(render(content_of("facs"), face="1")) != images(render(content_of("facs"), face="3"))


@pytest.mark.parametrize("name", codebooks.shipped())
def test_a_change_is_answered_within_100_ms(render, name):
    render(content_of(name), codebook=name)
    times = [render(content_of(name), codebook=name, panels=True)["milliseconds"] for _ in range(5)]
    assert min(times) <= 100  # other processes slow some


def test_a_gesture_changes_content_map_and_words(render):
    before = render(content_of("facs"))
    gesture = {"region": "12", "index": 0, "mirrored": False, "handle": "body", "by": [5, 0]}
    after = render(content_of("facs"), gesture=gesture)
    assert after["content"] != before["content"]
    assert after["maps"]["happiness"] != before["maps"]["happiness"]
    assert after["maps"]["anger"] == before["maps"]["anger"]
    (line,) = after["differences"]
    assert line.startswith("AU 12 (Lip Corner Puller), ellipse: offset is (")
    assert line.endswith("instead of (-0.08 iod, -0.08 iod).")


def test_mistakes_have_their_place(render):
    content = content_of("facs")
    content["regions"]["12"]["shapes"][0]["ellipse"]["rx"] = {"iod": -1}
    content["expressions"]["happiness"] = [6, 99]
    content["render"]["combine"] = "mean"
    answer = render(content, gesture={"region": "12", "index": 0, "mirrored": False, "handle": "body", "by": [5, 0]})
    assert "maps" not in answer
    assert answer["content"] == content
    assert {tuple(mistake["place"]) for mistake in answer["mistakes"]} == {
        ("regions", "12", "shapes", "0", "ellipse", "rx"),
        ("expressions", "happiness", "1"),
        ("render", "combine"),
    }
    assert any("names AU 99, which has no region" in mistake["message"] for mistake in answer["mistakes"])


@pytest.mark.parametrize("panels", [False, True])
def test_panels_are_written_when_they_are_asked_for(render, panels):
    answer = render(content_of("facs"), panels=panels)
    assert ("panels" in answer) == ("gallery" in answer) == panels


def test_what_was_chosen_and_is_gone_is_chosen_anew(render):
    answer = render(content_of("facs"), expression="none", region="99")
    assert answer["expression"] == "anger"
    assert answer["region"] == "4"
    content = content_of("facs")
    content["expressions"] = {"calm": "none"}
    assert render(content)["region"] == "12"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        b'{"content": NaN}',
        json.dumps({"content": []}).encode(),
        json.dumps({"content": {}, "codebook": "facs", "face": "mean", "expression": "x", "region": 4}).encode(),
        json.dumps({"content": {}, "codebook": "facs", "face": "nobody", "expression": "", "region": ""}).encode(),
        json.dumps({"content": {}, "codebook": "facs", "face": "mean", "expression": "", "region": "", "more": 1}).encode(),
    ],
)
def test_what_the_page_does_not_send_is_refused_with_a_sentence(client, body):
    response = client.post("codebook/render", content=body)
    assert response.status_code == 400
    assert re.search("load the page again|choose one of", response.text)
    assert "\n" not in response.text


@pytest.mark.parametrize(
    "content", [{}, {"regions": []}, {"regions": {"x": 1}, "expressions": {"y": 3}}, {"name": {"a": [{}]}}]
)
def test_any_content_has_mistakes_and_no_crash(render, content):
    assert render(content)["mistakes"]


@pytest.mark.parametrize(
    "change",
    [
        {"gesture": {"region": "99", "index": 0, "mirrored": False, "handle": "body", "by": [1, 1]}},
        {"gesture": {"region": "12", "index": 0, "mirrored": False, "handle": "body", "by": [1e300, 1]}},
        {"unit": {"place": ["regions", "99", "shapes"], "unit": "px"}},
        {"unit": {"place": ["name", "x"], "unit": "px"}},
        {"unit": {"place": ["regions", "12", "shapes", 0, "ellipse", "rx"], "unit": "ell"}},
        {"codebook": "/etc/passwd"},
    ],
)
def test_a_change_of_what_is_not_there_is_refused(client, change):
    body = {"content": content_of("facs"), "codebook": "facs", "face": "mean", "expression": "", "region": "", **change}
    response = client.post("codebook/render", content=json.dumps(body))
    assert response.status_code == 400
    assert "Traceback" not in response.text


def test_a_saved_file_is_in_out_alone_and_means_what_was_sent(client, settings, tmp_path):
    before = set(tmp_path.rglob("*"))
    content = content_of("facs")
    content["expressions"]["happiness"] = [6, 25]
    form = {"codebook": "facs", "content": json.dumps(content), "name": "mine"}
    answer = client.post("codebook/save", data=form).json()
    path = settings.out / "codebooks" / "mine.yaml"
    assert set(tmp_path.rglob("*")) - before == {settings.out, path.parent, path}
    assert answer["path"] == str(path)
    assert codebooks.load(path).name == "mine"
    assert codebooks.load(path).expressions["happiness"] == (6, 25)
    assert "# the lip corner moves up and back" in path.read_text()
    response = client.post("codebook/save", data=form)
    assert response.status_code == 400
    assert "exists: give another name" in response.text
    assert client.post("codebook/save", data={**form, "replace": "on"}).status_code == 200
    assert "mine (saved)" in client.get("codebook").text


def test_content_with_mistakes_is_not_saved(client, settings):
    form = {"codebook": "facs", "content": json.dumps({"name": "x"}), "name": "mine"}
    response = client.post("codebook/save", data=form)
    assert response.status_code == 400
    assert response.text.startswith("fix the mistakes first: ")
    assert not settings.out.exists()


def test_the_command_that_is_shown_renders_what_the_page_showed(client, settings, render, tmp_path):
    content = content_of("facs")
    content["regions"]["12"]["shapes"][0]["ellipse"]["rx"] = {"iod": 0.4}
    form = {"codebook": "facs", "content": json.dumps(content), "name": "mine"}
    command = client.post("codebook/save", data=form).json()["command"].split()
    assert command[0] == "aucue"
    run = [
        sys.executable,
        "-c",
        "from pipeline.cli import aucue; aucue()",
        *command[1:],
        "--out",
        str(tmp_path / "heatmaps"),
    ]
    from pathlib import Path

    repository = Path(__file__).parents[4]
    run += ["--params", str(repository / "params.yaml"), "--cache", str(tmp_path / "cache")]
    done = subprocess.run(run, capture_output=True, text=True, cwd=repository, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "heatmaps" / "index.json").is_file()


def test_a_file_with_mistakes_is_shown_with_its_lines(client, settings):
    folder = settings.out / "codebooks"
    folder.mkdir(parents=True)
    (folder / "wrong.yaml").write_text(
        codebooks.find("facs").read_text().replace("happiness: [6, 12]", "happiness: [6, 99]")
    )
    (folder / "broken.yaml").write_text("name: [")
    text = client.get("codebook?codebook=saved/wrong").text
    assert "has mistakes. Fix these lines" in text
    assert "happiness names AU 99, which has no region" in text
    text = client.get("codebook?codebook=saved/broken").text
    assert "fix the YAML" in text
    assert '<option value="facs">' in text


def test_an_unknown_codebook_is_refused_in_words(client):
    response = client.get("codebook?codebook=../../etc/passwd", headers={"accept": "text/html"})
    assert response.status_code == 400
    assert "choose one of belharbi2024, facs, landmarks68" in response.text


def test_names_in_a_codebook_are_no_html(client, settings):
    folder = settings.out / "codebooks"
    folder.mkdir(parents=True)
    evil = "<img src=x onerror=alert(1)>'\\\""
    text = codebooks.find("facs").read_text().replace("name: Lip Corner Puller", f"name: {json.dumps(evil)}")
    (folder / "evil.yaml").write_text(text.replace("happiness:", f"{json.dumps(evil)}:"))
    page = client.get("codebook?codebook=saved/evil").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_faces_are_pictures(client):
    for name in ("mean", "1", "2", "3"):
        assert client.get(f"codebook/faces/{name}.png").content.startswith(b"\x89PNG")
    response = client.get("codebook/faces/9.png")
    assert response.status_code == 400
    assert response.text == "there is no face '9': choose one of mean, 1, 2, 3"


def test_without_faces_the_mean_face_is_there(tmp_path):
    faces = Faces(tmp_path / "none")
    assert list(faces.by_name) == ["mean"]
    assert "run `aucue landmarks`" in faces.missing
    assert np.isfinite(faces.get("mean").landmarks).all()
