"""A Key Vault on this machine: challenge first, then secrets with versions, as its REST reference describes."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class StandIn:
    """What it holds, and how it behaves."""

    address: str = ""
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    unauthorized_bodies: list[bytes] = field(default_factory=list)
    resource: str = "https://vault.azure.net"
    refuses_after: int = 1_000_000
    """Writes that it takes before it answers 403."""
    loses_answers: int = 0
    """Writes that it does and answers with 503."""
    writes: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            self.unauthorized_bodies.append(await request.read())
            challenge = f'Bearer authorization="https://login.example/{uuid.uuid4()}", resource="{self.resource}"'
            return web.json_response({}, status=401, headers={"WWW-Authenticate": challenge})
        assert request.query["api-version"]
        self.tokens.add(request.headers["Authorization"].removeprefix("Bearer "))
        name = request.match_info["name"]
        if request.method == "GET":
            if name not in self.versions:
                return _error(404, "SecretNotFound")
            return web.json_response(self.versions[name][-1])
        self.writes += 1
        if self.writes > self.refuses_after:
            return _error(403, "Forbidden")
        body = await request.json()
        now = int(time.time())
        self.versions.setdefault(name, []).append({
            **body, "id": f"{self.address}/secrets/{name}/{uuid.uuid4().hex}",
            "attributes": {"enabled": True, "created": now, "updated": now, **body.get("attributes", {})},
        })
        if self.loses_answers:
            self.loses_answers -= 1
            return _error(503, "ServiceUnavailable")
        return web.json_response(self.versions[name][-1])


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "no"}}, status=status)


@asynccontextmanager
async def key_vault_stand_in(**behaviour: Any) -> AsyncIterator[StandIn]:
    made = StandIn(**behaviour)
    app = web.Application()
    app.router.add_route("*", "/secrets/{name}{rest:/?.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
