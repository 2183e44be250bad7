"""Limits and headers of the server: rates, body sizes, valid JSON, security headers.

`RequestGuard` wraps the whole application and rejects a bad body before any endpoint sees it.
`TokenBucket` limits rates.  The rate limiter is ours because it is 30 lines and the packages for it
offer fixed windows only.
"""

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
from feint.survey.answers.schema import RAW_LIMIT, unstorable_reason

log = logging.getLogger(__name__)

BODY_LIMIT = 2 * RAW_LIMIT
"""The size limit of a request's body, in bytes."""
BODY_SECONDS = 20.0
"""The time limit for receiving a body, in seconds."""
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
"""Headers of every response."""


@dataclass(frozen=True)
class ServerLimits:
    """Limits of a study's server.

    Attributes:
        max_judges: judges of the study.
        joins_per_minute: new judges a minute from one address; also the limit at once.
        requests_per_second: requests a second from one judge.
        burst: requests at once from one judge.
    """

    max_judges: int = 2000
    joins_per_minute: int | float = 60
    requests_per_second: int | float = 10
    burst: int | float = 40


class TokenBucket:
    """A rate limit for each key: a token bucket, in bounded memory.

    Args:
        tokens_per_second: how fast tokens come back.
        burst: tokens of a full bucket.
        max_keys: keys that are remembered; beyond it, the least recently used key is forgotten.
        clock: time in seconds; tests replace it.
    """

    def __init__(
        self,
        tokens_per_second: int | float,
        burst: int | float,
        max_keys: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refill, self._burst = tokens_per_second, burst
        self._max_keys, self._clock = max_keys, clock
        self._tokens: OrderedDict[str, tuple[int | float, float]] = OrderedDict()

    def take(self, key: str) -> int:
        """Take a token.  Returns 0, or the whole seconds to wait if the bucket is empty."""
        now = self._clock()
        tokens, then = self._tokens.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._refill)
        taken = tokens >= 1
        self._tokens[key] = (tokens - 1 if taken else tokens, now)
        if len(self._tokens) > self._max_keys:
            self._tokens.popitem(last=False)
        return 0 if taken else max(1, math.ceil((1 - tokens) / self._refill))


def client_key(host: str | None) -> str:
    """The rate-limit key of an address: IPv4 as it is, IPv6 as its /64 network."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


class RequestGuard:
    """ASGI middleware around the whole application: bodies, headers, and errors without details.

    It reads the whole body first: at most `BODY_LIMIT` bytes in `BODY_SECONDS`, whatever length the
    request claims, and only JSON that every database can store.  HEAD is GET without the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = _Response(send, head=scope["method"] == "HEAD")
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        try:
            body = await _body(scope, receive)
        except _RejectedError as rejected:
            await response.error(rejected.status, rejected.sentence)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            await self._app(scope, replay, response.send)
        except Exception:
            log.exception("a request failed")
            if response.started:
                raise
            await response.error(500, "The server had an internal error. Its log has the details.")


class _Response:
    """Sends a response and adds the headers that it lacks."""

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

    async def error(self, status: int, sentence: str) -> None:
        body = json.dumps({"error": sentence}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if status in (408, 413):  # the rest of the body is not read
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


_HEADERS = [
    (name.lower().encode(), value.encode())
    for name, value in {**HEADERS, "Cache-Control": "no-store"}.items()
]


class _RejectedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body; raises _RejectedError."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > BODY_LIMIT:
        raise _RejectedError(413, f"The body is too large; expected at most {BODY_LIMIT} bytes.")
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _RejectedError(400, "The body was cut off.")
                size += len(part := message.get("body", b""))
                if size > BODY_LIMIT:
                    raise _RejectedError(
                        413, f"The body is too large; expected at most {BODY_LIMIT} bytes."
                    )
                parts.append(part)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise _RejectedError(408, f"The body took longer than {BODY_SECONDS:g} s.") from None
    body = b"".join(parts)
    if scope["method"] in ("POST", "PUT"):
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise _RejectedError(415, "Expected a body of type application/json.")
    if body:
        _check_json(body)
    return body


def _check_json(body: bytes) -> None:
    """Raise _RejectedError unless the body is JSON that every database can store."""
    try:
        content = parse(body.decode())
    except ValueError:
        sentence = "Expected JSON in UTF-8, without NaN, nested at most 32 deep."
        raise _RejectedError(400, sentence) from None
    if (why := unstorable_reason(content)) is not None:
        raise _RejectedError(400, f"The body contains {why}.")
