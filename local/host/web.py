"""The HTTP front: from an ASGI request to the app's HTTP function and back, as the Functions host does it.

Invariants: only paths under the route prefix reach the app; `/runtime` and `/admin` never do; nothing a
caller sends raises out of here; a body over the limit is refused with 413 before it is held whole; a function
that asks for a key (auth level function or admin) gets the caller only with the system key; header values
with line breaks never leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_to_bytes

from local.host.functions import Datum, Function, Functions
from local.host.routes import Route, parse_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from local.host.management import Management

__all__ = ["Answer", "Request", "WebFront"]

_logger = logging.getLogger("cairn.host")

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PORT = re.compile(r"\d{1,5}")
# What belongs to the connection, not to the answer; the server writes these itself.
_CONNECTION_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
# How much of a body that is too large is read and thrown away, so that its sender gets to read the refusal.
_DISCARD_BYTES = 256 * 2**20
_DISCARD_SECONDS = 10.0
_MOST_HEADER_BYTES = 32 * 1024  # Kestrel's limit, which the Functions host keeps
_MOST_ADDRESS_BYTES = 16 * 1024
_NO_BODY = frozenset({204, 304})
_MANAGEMENT = ("runtime", "webhooks", "durabletask")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `parts` are the path's segments still encoded, `url` is absolute."""

    method: str
    url: str
    parts: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names may repeat."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def text(cls, status: int, text: str, *headers: tuple[str, str]) -> Answer:
        """Return a plain text answer."""
        return cls(status, text.encode(), [("content-type", "text/plain; charset=utf-8"), *headers])


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class WebFront:
    """The ASGI application in front of the functions and the durable management endpoints."""

    def __init__(
        self,
        functions: Functions,
        management: Management,
        *,
        route_prefix: str,
        system_key: str,
        max_body_bytes: int,
    ) -> None:
        self._functions = functions
        self._management = management
        self._prefix = tuple(part.lower() for part in route_prefix.split("/") if part)
        self._system_key = system_key
        self._max_body_bytes = max_body_bytes
        self._routes = sorted(_routes(functions.of_kind("httpTrigger")), key=lambda each: each[0].precedence)

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one request."""
        try:
            answer = await self._answer(scope, receive)
        except _Refused as refusal:
            answer = refusal.answer
        except asyncio.CancelledError:
            raise
        except Exception:
            _logger.exception("a request could not be served")
            answer = Answer(500)
        if answer.status:
            await _send(answer, scope["method"], send)

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    ) -> Answer:
        request = _read_head(scope)
        if tuple(part.lower() for part in request.parts[:3]) == _MANAGEMENT:
            if not self._has_key(request):
                return Answer.text(401, "the durable management endpoints ask for the system key")
            return await self._management.answer(await self._with_body(request, receive))
        function, parameters = self._find(request)
        if function.trigger.get("authLevel", "anonymous").lower() != "anonymous" and not self._has_key(request):
            return Answer.text(401, "this function asks for a key")
        request = await self._with_body(request, receive)
        outcome = await self._functions.invoke(function, _trigger_value(request, parameters))
        if outcome.failure is not None:
            _logger.error("http %s failed: %s", function.name, outcome.failure.type_name)
            _logger.debug("http %s failed\n%s", function.name, outcome.failure.stack)
            if outcome.failure.type_name == "FunctionTimeoutException":
                return Answer.text(504, outcome.failure.text)
            return Answer(500)
        return _read_answer(outcome.value)

    def _has_key(self, request: Request) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._system_key.encode())

    def _find(self, request: Request) -> tuple[Function, dict[str, str]]:
        """Return the function that serves the path and method, and the parameters; else 404 or 405."""
        first = request.parts[0].lower() if request.parts else ""
        head = tuple(part.lower() for part in request.parts[: len(self._prefix)])
        if first in ("runtime", "admin") or head != self._prefix:
            raise _Refused(Answer(404))
        rest = request.parts[len(self._prefix) :]
        allowed: set[str] = set()
        for route, function in self._routes:
            parameters = route.match(rest)
            if parameters is None:
                continue
            methods = {str(method).upper() for method in function.trigger.get("methods") or ()}
            if not methods or request.method in methods:
                return function, parameters
            allowed |= methods
        if allowed:
            raise _Refused(Answer(405, headers=[("allow", ", ".join(sorted(allowed)))]))
        raise _Refused(Answer(404))

    async def _with_body(self, request: Request, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> Request:
        limit = self._max_body_bytes
        too_large = _Refused(Answer.text(413, f"a body may have {limit} bytes at most", ("connection", "close")))
        if int(request.headers.get("content-length", "0")) > limit:
            if "expect" not in request.headers:  # else the caller waits for leave to send, and gets none
                await _discard(receive)
            raise too_large
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refused(Answer(0))  # nobody is there to be answered
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                body.clear()
                if more:
                    await _discard(receive)
                raise too_large
            if not more:
                return replace(request, body=bytes(body))


async def _discard(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    """Read on for a while without keeping anything: a caller cut off while sending never sees the answer."""
    read_bytes = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while read_bytes < _DISCARD_BYTES:
                message = await receive()
                read_bytes += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _routes(functions: Iterable[Function]) -> Iterable[tuple[Route, Function]]:
    for function in functions:
        yield parse_route(function.trigger.get("route") or function.name, function.name), function


def _read_head(scope: MutableMapping[str, Any]) -> Request:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADER_BYTES:
        raise _Refused(Answer(431, headers=[("connection", "close")]))
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_ADDRESS_BYTES:
        raise _Refused(Answer(414, headers=[("connection", "close")]))
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # Functions hands over one value a name; cookies are joined by "; ", everything else as a list is.
        headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in headers else value
    if not _PORT.fullmatch(headers.get("x-forwarded-port", "0")):
        del headers["x-forwarded-port"]  # the SDK's ASGI middleware reads it as a number and would raise
    host = headers.get("host", "localhost")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    path = raw_path.decode("latin-1")
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise _Refused(Answer.text(400, "the path is not UTF-8")) from None
    if not path.startswith("/") or not path.isascii() or not _HOST.fullmatch(host):
        raise _Refused(Answer.text(400, "the path or the Host header is malformed"))
    query_string = scope["query_string"].decode("latin-1")
    query: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, errors="replace"):
        query[name] = f"{query[name]},{value}" if name in query else value
    url = f"http://{host}{path}" + (f"?{query_string}" if query_string else "")
    parts = tuple(part for part in path.split("/")[1:] if part)
    return Request(scope["method"], url, parts, query, headers)


def _trigger_value(request: Request, parameters: dict[str, str]) -> Datum:
    def texts(values: dict[str, str]) -> dict[str, Datum]:
        return {name: Datum(value, "string") for name, value in values.items()}

    content = {
        "method": Datum(request.method, "string"),
        "url": Datum(request.url, "string"),
        "headers": texts(request.headers),
        "params": texts(parameters),
        "query": texts(request.query),
        "body": Datum(request.body, "bytes"),
    }
    return Datum(content, "http")


def _read_answer(value: Any) -> Answer:
    if value is None or value.type != "http":
        return Answer.text(200, str(value.value)) if value is not None and value.value is not None else Answer(204)
    content = value.value
    headers = [(name, each.value) for name, each in content["headers"].items()]
    for cookie in content["cookies"] or ():
        headers += [("set-cookie", morsel.OutputString()) for morsel in cookie.values()]
    if any("\r" in text or "\n" in text or "\0" in text for header in headers for text in header):
        _logger.error("an answer was withheld: a header holds a line break")
        return Answer(500)
    return Answer(int(content["status_code"].value), content["body"].value, headers)


async def _send(answer: Answer, method: str, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
    body = b"" if answer.status in _NO_BODY else answer.body
    headers = []
    length = str(len(body))
    for name, value in answer.headers:
        if name.lower() == "content-length" and method == "HEAD":
            length = value  # what GET would have sent
        elif name.lower() not in _CONNECTION_HEADERS or (name, value) == ("connection", "close"):
            headers.append((name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")))
    if answer.status not in _NO_BODY:
        headers.append((b"content-length", length.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
