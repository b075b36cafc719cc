"""HEAD: every GET answers it alike, without the body.

Probes of load balancers and `curl -I` ask so. What is done and recorded is what GET does, so an address that gives
something away once, and GET is not free to repeat, does not take it.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Lets GET answer HEAD where `taken` says so of the path, and keeps every body back."""

    def __init__(self, app: ASGIApp, taken: Callable[[str], bool]) -> None:
        self._app = app
        self._taken = taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as GET does, Content-Length and all."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        method = "GET" if self._taken(scope["path"]) else "HEAD"
        await self._app({**scope, "method": method}, receive, send_head)
