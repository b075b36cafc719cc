"""A scripted Microsoft Graph on loopback: each path answers from its own script, one answer a request."""

import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TENANT = "11111111-1111-1111-1111-111111111111"
SECRET = "the-secret-of-the-app"

Answering = Callable[["FakeGraph", web.Request], Awaitable[web.StreamResponse]]


def answer(body: Any = None, status: int = 200, *, raw: bytes | None = None, **headers: str) -> Answering:
    """A plain answer: JSON of `body`, `{root}` in it standing for the server's address."""

    async def send(fake: "FakeGraph", request: web.Request) -> web.Response:
        text = raw if raw is not None else json.dumps(body).replace("{root}", fake.root).encode()
        named = {name.replace("_", "-"): value.replace("{root}", fake.root) for name, value in headers.items()}
        return web.Response(status=status, body=text, headers={"request-id": "r-1", **named})

    return send


def refusal(status: int, code: str, message: str = "", **headers: str) -> Answering:
    return answer({"error": {"code": code, "message": message}}, status, **headers)


def cut_connection() -> Answering:
    async def send(fake: "FakeGraph", request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return send


def half_a_body(body: Any) -> Answering:
    """The head says the whole length, the connection ends in the middle."""

    async def send(fake: "FakeGraph", request: web.Request) -> web.StreamResponse:
        text = json.dumps(body).encode()
        response = web.StreamResponse(headers={"Content-Length": str(len(text))})
        await response.prepare(request)
        await response.write(text[: len(text) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    return send


def cut_gzip(body: Any) -> Answering:
    """Compressed, complete as HTTP goes, but the compressed stream stops in the middle."""

    async def send(fake: "FakeGraph", request: web.Request) -> web.StreamResponse:
        packed = gzip.compress(json.dumps(body).encode())
        return web.Response(body=packed[: len(packed) - 12], headers={"Content-Encoding": "gzip"})

    return send


def gzipped(body: Any) -> Answering:
    async def send(fake: "FakeGraph", request: web.Request) -> web.StreamResponse:
        text = json.dumps(body).replace("{root}", fake.root).encode()
        return web.Response(body=gzip.compress(text), headers={"Content-Encoding": "gzip"})

    return send


@dataclass
class FakeGraph:
    root: str = ""
    scripts: dict[str, list[Answering]] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tokens: list[Answering] = field(default_factory=list)
    token_forms: list[dict[str, str]] = field(default_factory=list)

    def script(self, path: str, *answers: Answering) -> None:
        """What `path` (with its query, or without) answers, one after the other; the last one stays."""
        self.scripts[path] = list(answers)

    @property
    def asked(self) -> list[str]:
        return [str(request.rel_url) for request in self.requests]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/oauth2/v2.0/token"):
            self.token_forms.append({name: str(value) for name, value in (await request.post()).items()})
            if self.tokens:
                return await self.tokens.pop(0)(self, request)
            return web.json_response({"access_token": f"token-{len(self.token_forms)}", "expires_in": 3600})
        self.requests.append(request)
        self.bodies.append(await request.read())
        script = self.scripts.get(request.raw_path) or self.scripts.get(request.path)
        if not script:
            return web.json_response({"error": {"code": "Request_ResourceNotFound", "message": "no"}}, status=404)
        return await (script.pop(0) if len(script) > 1 else script[0])(self, request)


@dataclass
class Batching:
    """`$batch`, each part answered from its own script of (status, body) or (status, body, headers)."""

    parts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    leave_out: set[str] = field(default_factory=set)
    """Parts whose first answer is missing."""
    otherwise: tuple[Any, ...] = (200, {"value": []})

    def script(self, path: str, *answers: tuple[Any, ...]) -> None:
        self.parts[path] = list(answers)

    async def __call__(self, fake: "FakeGraph", request: web.Request) -> web.StreamResponse:
        requests = json.loads(fake.bodies[-1])["requests"]
        assert len(requests) <= 20
        assert len({part["id"] for part in requests}) == len(requests)
        self.asked.append([part["url"] for part in requests])
        responses = []
        for part in reversed(requests):  # Graph keeps no order
            url = part["url"]
            if url in self.leave_out:
                self.leave_out.remove(url)
                continue
            script = self.parts.get(url) or self.parts.get(url.split("?")[0]) or [self.otherwise]
            status, body, *rest = script.pop(0) if len(script) > 1 else script[0]
            text = json.dumps(body).replace("{root}", fake.root)
            responses.append({
                "id": part["id"], "status": status, "headers": rest[0] if rest else {}, "body": json.loads(text)
            })
        return web.json_response({"responses": responses})
