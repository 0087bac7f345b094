"""Which requests are answered: those that know the token, from a page of this computer, and not too large.

The token is a part of the path, and not a cookie. So no other site can make a browser send it, and other servers on
127.0.0.1, to which browsers send the same cookies, never see it.
"""

from secrets import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 32 * 2**20  # bytes of a request: a photo of a camera has 5 to 20 MB
LOCAL_NAMES = ("127.0.0.1", "localhost")  # of this computer: a port may be forwarded, so the number is free
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address holds the token
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
NO_TOKEN = "This address lacks the token of this run: open the address that `aucue serve` printed."  # noqa: S105
FOREIGN_HOST = "This page answers to 127.0.0.1 and localhost alone: open the address that `aucue serve` printed."
TOO_LARGE = f"This is more than {MAX_BODY // 2**20} MB: choose a smaller file."


class Guard:
    """Refuses requests before the app sees them, and adds the headers that bind what a page may do."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a sentence."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if sentence := self._refusal(scope):
            await PlainTextResponse(sentence, 403)(scope, receive, send_with_headers)
            return
        body = await _read_body(Headers(scope=scope), receive)
        if body is None:
            await PlainTextResponse(TOO_LARGE, 413, {"connection": "close"})(scope, receive, send_with_headers)
            return
        await self.app(scope, _replay(body, receive), send_with_headers)

    def _refusal(self, scope: Scope) -> str | None:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or _name_of(hosts[0]) not in LOCAL_NAMES:
            return FOREIGN_HOST  # a name that a foreign site had led here (DNS rebinding)
        first = scope["path"].split("/")[1] if scope["path"].startswith("/") else ""
        return None if compare_digest(first.encode(), self.token) else NO_TOKEN


def _name_of(host: str) -> str | None:
    """The name in a Host header, without the port; None if it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # half an address of IPv6
        return None


async def _read_body(headers: Headers, receive: Receive) -> bytes | None:
    """The body of a request; None if it is larger than MAX_BODY."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        return None
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)  # a client that is gone sends no more
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the app a body that was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
