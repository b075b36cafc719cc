"""HTTP/1.1 on a bare asyncio protocol: parse, answer, write. A framework here would cost more than the answers do.

One connection answers its requests in order. Faults may delay, cut or garble an answer; `latency_seconds` delays
every one.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from http import HTTPStatus
from typing import Any, cast

import httptools

from local.simulator.app import App, date_header
from local.simulator.http_types import Request, Response

GZIP_FROM = 2048  # bytes; smaller bodies travel as they are
LARGEST_BODY = 8 * 1024 * 1024


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, app: App, latency_seconds: float, open_: set[Connection]) -> None:
        self.app = app
        self.open = open_
        self.latency_seconds = latency_seconds
        self.transport: asyncio.Transport | None = None
        self._opened: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    # -- asyncio ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are transports in all but ancestry
        self._opened = self.transport
        self.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol names it
        """Forget what waits."""
        self.transport = None
        self._queue.clear()
        self.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a malformed request is answered 400 and cut."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._close()
        except httptools.HttpParserError:
            if self.transport is not None:
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self._close()

    # -- httptools ----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start a request."""
        self._url, self._headers, self._body, self._size = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Let a client that waits for it send its body."""
        if self._headers.get("expect", "").lower() == "100-continue" and self.transport is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Collect the body, up to a bound."""
        self._size += len(body)
        if self._size > LARGEST_BODY:
            self._close()
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Queue the request and answer when it is its turn."""
        body = b"".join(self._body)
        if self._headers.get("content-encoding", "").lower() == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError):
                body = b"\x00"  # no JSON: refused as such
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._url.decode("latin-1"),
            self._headers,
            body,
            f"{self._headers.get('x-forwarded-proto', 'http')}://{self._headers.get('host', 'localhost')}",
        )
        self._queue.append((request, self._parser.should_keep_alive()))
        if not self._busy:
            self._next()

    # -- within -------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        while self._queue and self.transport is not None:
            request, keep = self._queue.popleft()
            response = self.app.answer(request)
            wait = self.latency_seconds + float(response.headers.pop(":delay", 0))
            if wait > 0:
                self._busy = True
                asyncio.get_running_loop().call_later(wait, self._later, request, response, keep)
                return
            self._write(request, response, keep)

    def _later(self, request: Request, response: Response, keep: bool) -> None:
        self._busy = False
        self._write(request, response, keep)
        self._next()

    def _write(self, request: Request, response: Response, keep: bool) -> None:
        if self.transport is None:
            return
        headers = response.headers
        cut = headers.pop(":cut", None)
        if cut == "before":
            self.transport.abort()
            return
        body = response.body
        if request.method == "HEAD" or response.status in (204, 304):
            body = b"" if response.status in (204, 304) else body
        elif len(body) >= GZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
            holder = response.kept or response
            if holder.gzipped is None:
                holder.gzipped = gzip.compress(body, 1)
            body = holder.gzipped
            headers["content-encoding"] = "gzip"
        lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}", f"date: {date_header()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if response.status not in (204, 304):
            lines.append(f"content-length: {len(body)}")
        if not keep:
            lines.append("connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        if cut == "middle":
            self.transport.write(head + body[: len(body) // 2])
            self._close()
            return
        self.transport.write(head if request.method == "HEAD" else head + body)
        if not keep:
            self._close()

    def abort(self) -> None:
        """Drop the connection, whatever a slow reader has not taken yet."""
        self.transport = None
        if self._opened is not None:
            self._opened.abort()

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.close()
            self.transport = None


_PHRASES = {each.value: each.phrase for each in HTTPStatus}


def _phrase(status: int) -> str:
    return _PHRASES.get(status, "Unknown")


class Server:
    """A listening server and its open connections."""

    def __init__(self, server: Any, connections: set[Connection]) -> None:
        self._server = server
        self._connections = connections
        self.port: int = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop what is open."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        while self._connections:  # noqa: ASYNC110 - aborted transports close in the next turns of the loop
            await asyncio.sleep(0)
        await self._server.wait_closed()


async def serve(app: App, port: int, latency_ms: float = 0.0) -> Server:
    """Listen on the loopback; port 0 picks a free one."""
    connections: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(app, latency_ms / 1000, connections), "127.0.0.1", port, backlog=1024
    )
    return Server(server, connections)
