"""A plan in the making: the parts that its slices hand on, in the workspace.

    workspace  restores/{r}/draft/{kind}/{number}.zst   JSON, compressed; a slice that runs again writes its parts anew

Invariants: a part is as large as its few hundred objects are, however many parts there are; what one slice makes and
also uses stays in memory, so a small plan writes nothing here; when the plan stands all of it is dropped.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import zstandard

from shared.recovery.planner import InboundLink, Situation
from shared.recovery.state import Json, Links, Present, Wanted
from shared.repository.store import BlobStore, at_once

HELD_BYTES = 48 * 1024 * 1024
"""Parts that wait in memory for the end of the slice; what comes beyond is written at once."""


class Draft:
    """The parts of one plan; used by one event loop."""

    def __init__(self, workspace: BlobStore, prefix: str) -> None:
        self._workspace, self._prefix = workspace, f"{prefix}draft/"
        self._held: dict[str, bytes] = {}
        self._bytes = 0

    async def put(self, kind: str, number: int, value: Any) -> None:
        """Keep a part; one of the same name is replaced."""
        name, content = self._name(kind, number), zstandard.ZstdCompressor(level=1).compress(orjson.dumps(value))
        self._bytes += len(content) - len(self._held.pop(name, b""))
        self._held[name] = content
        if self._bytes > HELD_BYTES:
            await self.save()

    async def get(self, kind: str, number: int) -> Any:
        """A part that was kept; Missing."""
        name = self._name(kind, number)
        content = self._held.get(name)
        if content is None:
            content = await self._workspace.get(name)
        return orjson.loads(zstandard.ZstdDecompressor().decompress(content))

    async def save(self) -> None:
        """Write what is only in memory."""
        await at_once(self._workspace.put(name, content) for name, content in self._held.items())
        self._held, self._bytes = {}, 0

    async def drop(self) -> None:
        """Delete every part; safe to repeat."""
        names = [entry.name async for entry in self._workspace.list(self._prefix)]
        await at_once(self._workspace.delete(name) for name in names)

    def _name(self, kind: str, number: int) -> str:
        return f"{self._prefix}{kind}/{number:06d}.zst"


def situation_as_json(part: Situation) -> Json:
    """The objects and links of a part; what holds for the whole plan is no part's."""
    return {
        "wanted": [_wanted(one) for one in part.wanted.values()],
        "present": [_present(one) for one in part.present.values()],
        "new": [_present(one) for one in part.new], "replaced": [_present(one) for one in part.replaced],
        "inbound": [
            [one.source_type, one.source_id, one.source_name, one.link, one.target_id, one.target_type,
             one.source_body]
            for one in part.inbound
        ],
        "referring": [[_wanted(wanted), _present(present)] for wanted, present in part.referring],
    }


def parts_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse, as fields of a Situation."""
    wanted = [_as_wanted(one) for one in value["wanted"]]
    present = [_as_present(one) for one in value["present"]]
    keys = [(one.object_type, one.object_id) for one in wanted]
    return {
        "wanted": dict(zip(keys, wanted, strict=True)), "present": dict(zip(keys, present, strict=True)),
        "new": tuple(map(_as_present, value["new"])), "replaced": tuple(map(_as_present, value["replaced"])),
        "inbound": tuple(InboundLink(*one) for one in value["inbound"]),
        "referring": tuple((_as_wanted(wanted), _as_present(present)) for wanted, present in value["referring"]),
    }


def _wanted(one: Wanted) -> list[Any]:
    return [one.object_type, one.object_id, one.body, _links(one.links)]


def _as_wanted(value: Iterable[Any]) -> Wanted:
    return Wanted(*value)


def _present(one: Present) -> list[Any]:
    return [
        one.object_type, one.object_id, one.liveness, one.body, _links(one.links), sorted(one.unread_links),
        one.why_unread,
    ]


def _as_present(value: list[Any]) -> Present:
    object_type, object_id, liveness, body, links, unread_links, why = value
    return Present(object_type, object_id, liveness, body, links, frozenset(unread_links), why)


def _links(links: Links) -> dict[str, dict[str, str]]:
    return {name: dict(targets) for name, targets in links.items()}
