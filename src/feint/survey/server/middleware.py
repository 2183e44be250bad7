"""What a server refuses before it looks at anything: too often, too large, no JSON."""

import asyncio
import ipaddress
import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feint.io.sealed import parse
from feint.survey.answers.schema import RAW_LIMIT, unkept

log = logging.getLogger(__name__)

BODY_LIMIT = 2 * RAW_LIMIT
"""Bytes of a request's body."""
BODY_SECONDS = 20.0
"""How long a body may take to come."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every response."""


@dataclass(frozen=True)
class Limits:
    """How often, and how many.

    Attributes:
        judges: of a study, at most.
        joins: judges a minute from one address, and at once.
        answers: requests a second of one judge.
        burst: requests of one judge at once.
    """

    judges: int = 2000
    joins: int | float = 60
    answers: int | float = 10
    burst: int | float = 40


class Rate:
    """So many at once, and so many a second after; by key, in memory of a bounded size.

    Args:
        each_second: how fast what was used comes back.
        burst: how many at once.
        keys: how many are remembered; of more, the longest unseen are forgotten.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        each_second: int | float,
        burst: int | float,
        keys: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._each, self._burst, self._keys, self._clock = each_second, burst, keys, clock
        self._left: OrderedDict[str, tuple[int | float, float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """0 and one is taken; or the whole seconds until there is one again."""
        now = self._clock()
        left, then = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._each)
        taken = left >= 1
        self._left[key] = (left - 1 if taken else left, now)
        if len(self._left) > self._keys:
            self._left.popitem(last=False)
        return 0 if taken else max(1, math.ceil((1 - left) / self._each))


def place(host: str | None) -> str:
    """What counts as one address: of IPv6 the network of 64 bits that one customer has."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


class Guard:
    """Around the whole server: sizes, JSON, headers, and no word of what went wrong inside.

    A body is read here, whole, at most `BODY_LIMIT` bytes in `BODY_SECONDS` and whatever length it
    claims, and must be JSON that any database keeps.  HEAD is GET without its body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send, head=scope["method"] == "HEAD")
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        try:
            body = await _body(scope, receive)
        except _RefusedError as refused:
            await answer.error(refused.status, refused.told)
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            await self._app(scope, again, answer.send)
        except Exception:
            log.exception("a request failed")
            if answer.started:
                raise
            await answer.error(500, "Something went wrong in the server; it was logged there.")


class _Answer:
    """A response on its way, with every header."""

    def __init__(self, send: Send, head: bool) -> None:
        self._send, self._head, self.started = send, head, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            headers += [x for x in _HEADERS if x[0] not in there]
            message = {**message, "headers": headers}
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def error(self, status: int, told: str) -> None:
        body = json.dumps({"error": told}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if status in (408, 413):  # the rest of the body is not read
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


_HEADERS = [
    (name.lower().encode(), told.encode())
    for name, told in {**HEADERS, "Cache-Control": "no-store"}.items()
]


class _RefusedError(Exception):
    def __init__(self, status: int, told: str) -> None:
        self.status, self.told = status, told


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body; raises _RefusedError."""
    headers = {name.lower(): told for name, told in scope["headers"]}
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > BODY_LIMIT:
        raise _RefusedError(413, f"The body is too large; expected at most {BODY_LIMIT} bytes.")
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _RefusedError(400, "The body was cut off.")
                size += len(part := message.get("body", b""))
                if size > BODY_LIMIT:
                    raise _RefusedError(
                        413, f"The body is too large; expected at most {BODY_LIMIT} bytes."
                    )
                parts.append(part)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise _RefusedError(408, f"The body took longer than {BODY_SECONDS:g} s.") from None
    body = b"".join(parts)
    if scope["method"] in ("POST", "PUT"):
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise _RefusedError(415, "Expected a body of the type application/json.")
    if body:
        _look(body)
    return body


def _look(body: bytes) -> None:
    """Raise _RefusedError unless it is JSON that can be kept anywhere."""
    try:
        told = parse(body.decode())
    except ValueError:
        said = "The body is no JSON that is accepted: UTF-8, no NaN, nested at most 32 deep."
        raise _RefusedError(400, said) from None
    if (why := unkept(told)) is not None:
        raise _RefusedError(400, f"The body holds {why}.")
