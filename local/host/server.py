"""uvicorn inside a running event loop: no signal handlers, no logging set-up, a listening socket given to it.

h11 reads the requests: it is strict about what it lets in and out, and a millisecond counts for nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from local.host.errors import HostError, PortTaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.host.web import WebFront

__all__ = ["Server", "listen"]


@contextlib.contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """Return a socket on the loopback address, 0 for a free port; raises PortTaken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(256)
        except (OSError, OverflowError) as error:
            message = f"port {port} on 127.0.0.1 cannot be taken: {error}; is another Cairn running?"
            raise PortTaken(message) from None
        yield listener
    finally:
        listener.close()


class Server:
    """Serves an ASGI application on a socket, from `start` to `stop`."""

    def __init__(self, application: WebFront) -> None:
        self._config = uvicorn.Config(
            application,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
        )
        self._uvicorn = _SignalFree(self._config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Return once requests are taken."""
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]), name="uvicorn")
        while not self._uvicorn.started:
            if self._serving.done():
                await self._serving
                message = "the HTTP server ended while it started"
                raise HostError(message)
            await asyncio.sleep(0.001)

    async def stop(self, drain_seconds: float) -> None:
        """Take no more requests and wait so long at most for those under way."""
        if self._serving is None:
            return
        # uvicorn takes whole seconds in its types; it hands them to asyncio.wait_for, which takes any.
        self._config.timeout_graceful_shutdown = drain_seconds  # type: ignore[assignment]
        self._uvicorn.should_exit = True
        await self._serving


class _SignalFree(uvicorn.Server):
    """uvicorn without its signal handlers: ending is the host's decision."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
