"""Answers kept while nothing that they show has changed: a bench reads the same pages again and again.

A plain collection depends on its own table, everything else on the whole store. Kept answers are dropped, oldest
first, beyond a bound on their bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.http_types import Request, Response

if TYPE_CHECKING:
    from local.simulator.access.tokens import Caller
    from local.simulator.routing import Target
    from local.simulator.tenant import Tenant

MOST_BYTES = 1 << 30
WORTH_BYTES = 4096
type Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Kept:
    """One answer with what it depends on."""

    table: str  # "" depends on everything
    version: int
    template: str
    select: tuple[str, ...] | None
    response: Response
    size: int


class Pages:
    """Kept answers of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    def find(self, request: Request, caller: Caller) -> Kept | None:
        """The kept answer to this request, if it still holds."""
        key = _key(request, caller)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.version != self._version(kept.table):
            self._drop(key)
            return None
        return kept

    def keep(
        self, request: Request, caller: Caller, target: Target, select: tuple[str, ...] | None, response: Response
    ) -> None:
        """Keep an answer when it is a page worth keeping."""
        if response.status != 200 or len(response.body) < WORTH_BYTES or target.shape not in ("set", "navigation set"):
            return
        if target.table == "directoryAudit":
            return
        plain = target.shape == "set" and "$expand" not in request.query and target.table != "conditionalAccessPolicy"
        table = target.table if plain else ""
        response.body = bytes(memoryview(response.body))  # without orjson's spare buffer
        size = len(response.body)
        key = _key(request, caller)
        if key in self._kept:
            self._drop(key)
        original = Response(200, response.body, {"content-type": response.headers["content-type"]})
        self._kept[key] = Kept(table, self._version(table), target.template, select, original, size)
        response.kept = original
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _version(self, table: str) -> int:
        return self.tenant.store.table(table).version if table else self.tenant.store.version

    def _drop(self, key: Key) -> None:
        self._bytes -= self._kept.pop(key).size


def _key(request: Request, caller: Caller) -> Key:
    headers = request.headers
    return (
        request.target, request.root, headers.get("prefer", ""), headers.get("consistencylevel", ""), caller.object_id
    )  # fmt: skip
