"""The command, as a real process."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from pipeline.cli import aucue

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def start(tmp_path):
    """Starts the command in an empty folder."""
    processes = []

    def start(*arguments):
        command = [sys.executable, "-c", "from pipeline.cli import aucue; aucue()", "serve", "--no-open", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **streams))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_the_address_answers_and_ctrl_c_ends_in_one_line(start, tmp_path):
    process = start()
    address = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
    with urllib.request.urlopen(f"{address}codebook", timeout=20) as response:
        text = response.read().decode()
    assert "<h1>Codebook</h1>" in text
    assert "Only the mean face is there" in text
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.strip() == "Interrupted."
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_the_server_listens_on_this_computer_alone(start):
    address = start().stdout.readline()
    port = int(address.split(":")[2].split("/")[0])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)} - {"127.0.0.1", "::1"}
    for other in others:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((other, port), timeout=5).close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--codebook", "fax"], "there is no codebook 'fax': give one of belharbi2024, facs, landmarks68"),
        (["--port", "70000"], "Invalid value for '--port'"),
        (["--host", "0.0.0.0"], "No such option"),
    ],
)
def test_bad_input_is_one_line(arguments, message):
    result = CliRunner().invoke(aucue, ["serve", "--no-open", *arguments])
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(aucue, ["serve", "--no-open", "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in result.output


def test_a_missing_extra_names_its_command(monkeypatch):
    monkeypatch.setattr("train.page.cli.find_spec", lambda name: None if name == "uvicorn" else name)
    result = CliRunner().invoke(aucue, ["serve", "--no-open"])
    assert result.exit_code == 1
    assert result.output == "Error: aucue serve needs uvicorn: pip install -c constraints.txt -e '.[page]'\n"


def test_a_browser_with_a_window_is_opened(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser.BackgroundBrowser, "open", lambda browser, address: opened.append(address))
    monkeypatch.setattr("train.page.server.uvicorn.Server.run", lambda server, sockets: None)
    for browser in (webbrowser.BackgroundBrowser("firefox"), webbrowser.GenericBrowser("w3m")):
        monkeypatch.setattr("webbrowser.get", lambda browser=browser: browser)
        result = CliRunner().invoke(aucue, ["serve"])
        assert result.exit_code == 0
        assert opened == [opened[0]]
    monkeypatch.setattr("webbrowser.get", Mock(side_effect=webbrowser.Error))
    assert CliRunner().invoke(aucue, ["serve"]).exit_code == 0
    assert len(opened) == 1


def test_help_has_examples():
    result = CliRunner().invoke(aucue, ["serve", "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert "127.0.0.1" in result.output
