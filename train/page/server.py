"""Run the page on 127.0.0.1 until Ctrl-C."""

import socket
import webbrowser

import click
import uvicorn

from pipeline.runtime.errors import InputError
from train.page.app import create_app
from train.page.settings import Settings

HOST = "127.0.0.1"
GRACE = 1  # seconds that answers in progress have after Ctrl-C


def run(settings: Settings, *, port: int, opens: bool) -> None:
    """Serve the page, and print its address once it answers.

    Args:
        settings: What the page reads and writes.
        port: Port to listen on; 0 chooses a free one.
        opens: Whether to open a browser.

    Raises:
        InputError: If the port is taken, or the codebook to begin with does not exist.
    """
    app = create_app(settings)
    with _listen(port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}{settings.base}/"
        click.echo(f"{address}\nOnly this computer can open this address. Ctrl-C ends the page.")
        if opens:
            _open_browser(address)  # the listener keeps the request until the server takes it
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE, ws="none"
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"port {port} of {HOST} cannot be used ({reason}): leave out --port, or give another") from error


def _open_browser(address: str) -> None:
    """Open a browser with a window. One in this terminal would wait for the server, and the server for it."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)
