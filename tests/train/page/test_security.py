"""Who is answered, and what a page may do."""

from dataclasses import fields

import pytest
from starlette.testclient import TestClient

from train.page.security import MAX_BODY


@pytest.fixture
def stranger(app):
    """A client that does not know the token."""
    return TestClient(app, base_url="http://127.0.0.1:8000")


@pytest.mark.parametrize(
    "path", ["/", "/codebook", "/static/page.css", "/foreign-token/codebook", "//codebook", "/tökén/", "/%00/"]
)
def test_a_foreign_token_is_refused_with_a_sentence(stranger, path):
    response = stranger.get(path)
    assert response.status_code == 403
    assert response.text == "This address lacks the token of this run: open the address that `aucue serve` printed."


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_no_method_goes_around_the_token(stranger, method):
    assert stranger.request(method, "/codebook/save", data={"name": "x"}).status_code == 403


def test_a_part_of_the_token_is_not_enough(stranger, settings):
    assert stranger.get(f"/{settings.token[:-1]}/codebook").status_code == 403
    assert stranger.get(f"/{settings.token}x/codebook").status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.168.0.7", "", "localhost@evil", "[", "a]b"],
)
def test_another_host_is_refused(client, host):
    """A foreign site may lead its name to this computer (DNS rebinding)."""
    response = client.get("codebook", headers={"host": host})
    assert response.status_code == 403
    assert "answers to 127.0.0.1 and localhost alone" in response.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:9000", "LOCALHOST"])
def test_a_forwarded_port_is_answered(client, host):
    assert client.get("codebook", headers={"host": host}).status_code == 200


def test_every_answer_has_a_strict_policy(client, stranger):
    for response in (client.get("codebook"), client.get("static/codebook.js"), client.get("none"), stranger.get("/")):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_page_names_no_other_site(client):
    for path in ("codebook", "explain", "report", "static/page.css", "static/codebook.js", "static/explain.js"):
        assert "https://" not in client.get(path).text
        assert "http://" not in client.get(path).text


def test_a_body_that_is_too_large_is_refused(client):
    for body in (b"x" * (MAX_BODY + 1), (b"x" * 2**20 for _ in range(MAX_BODY // 2**20 + 1))):
        response = client.post("explain", content=body)
        assert response.status_code == 413
        assert response.text == "This is more than 32 MB: choose a smaller file."


def test_each_run_has_its_own_token(settings):
    given = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name != "token"}
    other = type(settings)(**given)
    assert other.token != settings.token
    assert len(settings.token) >= 32


def test_a_page_that_does_not_exist_says_so(client):
    response = client.get("nothing", headers={"accept": "text/html"})
    assert response.status_code == 404
    assert "There is no such page here" in response.text
    assert client.get("static/../app.py").status_code == 404
    assert client.get("static/%2e%2e/app.py").status_code == 404
