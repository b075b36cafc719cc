"""Cairn's HTTP interface, as any script would call it: JSON over HTTP with a bearer token, and tasks that are
awaited.

`Refused` carries the problem details of an answer outside 2xx.
"""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from local.demo.stage import Advance

POLL_SECONDS = 0.2
CLOSED = frozenset({"succeeded", "succeededWithWarnings", "failed", "cancelled"})


class RefusedError(Exception):
    """Cairn answered with a problem."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}")


class TooSlowError(Exception):
    """A task went on for longer than the story can wait."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One tenant's part of the interface; paths are below `/api/v1/tenants/{tenant}` unless they begin with a
    slash.
    """

    client: httpx.Client
    tenant_id: str

    def get(self, path: str, **query: str) -> Any:
        """The body of the answer."""
        return self._body(self.client.get(self._address(path), params=query))

    def post(self, path: str, body: object) -> Any:
        """The body of the answer; the request may be repeated safely."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._body(self.client.post(self._address(path), json=body, headers=headers))

    def run(self, path: str, body: object, advance: Advance, *, wait_seconds: float = 150.0) -> dict[str, Any]:
        """Start work, show its progress, and return its task once that is closed, whatever came of it."""
        task: dict[str, Any] = self.post(path, body)
        until = time.monotonic() + wait_seconds
        while task["status"] not in CLOSED:
            if time.monotonic() > until:
                raise TooSlowError(f"{task['name']} is still {task['status']} after {wait_seconds:.0f} s")
            time.sleep(POLL_SECONDS)
            task = self.get(f"/tasks/{task['taskId']}")
            progress = task.get("progress") or {}
            advance(progress.get("done") or 0, progress.get("total") or 0)
        return task

    def _address(self, path: str) -> str:
        return f"/api/v1{path}" if path.startswith("/") else f"/api/v1/tenants/{self.tenant_id}/{path}".rstrip("/")

    @staticmethod
    def _body(answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise RefusedError(answer)
        return answer.json()
