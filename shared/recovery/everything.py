"""Whole types compared with the tenant: which objects differ, and which the restore point does not know. Read-only.

A type is read once, page by page, in as many slices as it takes. Of each object only its key, its hash and the sum of
its links' hashes stay (about 70 bytes): what the restore point has of it comes from sidecars, so no segment is opened.
What differs is then read again, object by object, by the planner.

Invariant: what is told twice (a page read again, a member that is a service principal, told by the group and by itself)
makes an object differ and never hides that it does, since sums are compared: one that is taken to differ is only looked
at once more.
"""

import base64
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from shared.backup.recorder import volatile_splitter
from shared.catalog.row import PARENT, ObjectType
from shared.entra.capture import Captured, Cursor, capture
from shared.entra.pages import TYPE
from shared.entra.transport import Graph
from shared.entra.wanted import Reading
from shared.recovery.relink import Ids
from shared.recovery.state import Json, Present
from shared.repository.records import id16, link16, object_hash16
from shared.repository.view import TypeView

SHOWN = ("displayName", "userPrincipalName", "appId", "onPremisesSyncEnabled", "isAssignableToRole", PARENT, TYPE)

KEY = np.dtype([("hi", np.uint64), ("lo", np.uint64)])
"""Sixteen bytes of a hash, in the machine's own byte order, in which they are compared."""
AS_BYTES = np.dtype([("hi", ">u8"), ("lo", ">u8")])

type Keys = npt.NDArray[np.void]
type Sums = npt.NDArray[np.uint64]
type Flags = npt.NDArray[np.bool_]


def kept_names(row: ObjectType) -> frozenset[str]:
    """Of an object that the restore point does not know, all that deciding on it and deleting it needs to know."""
    conditions = [one.where for one in row.left_alone]
    conditions += [row.restored_as_where] if row.restored_as_where else []
    named = {name for name, _ in conditions} | {one.property for one in row.references} | {*row.unique, *row.immutable}
    tops = {part.split(".")[0].removesuffix("[]") for name in named if name for part in name.split("+")
            if not part.startswith("@")}
    if "groupKind" in tops:
        tops |= {"groupTypes", "mailEnabled", "securityEnabled"}
    return frozenset(tops | set(SHOWN))


@dataclass(slots=True)
class Known:
    """What the restore point has of one type, in the order of the keys that the objects have now."""

    now: Keys
    then: Keys
    hashes: Keys
    moved: Flags
    """Objects that have another id now than in the restore point: they always differ."""
    linked: Sums
    """The sum of each object's links."""


async def known_of(view: TypeView, row: ObjectType, ids: Ids) -> Known:
    """What a restore point has of a type, from its sidecars."""
    keys, hashes = [np.empty(0, KEY)], [np.empty(0, KEY)]
    for first, last in await view.ranges("objects"):
        entries = (await view.winners_between("objects", first, last)).entries
        keys.append(_columns(entries, "id"))
        hashes.append(_columns(entries, "hash"))
    then = np.concatenate(keys)
    now, moved = then.copy(), np.zeros(len(then), np.bool_)
    for before, after in (await _moved(view, row, ids)).items():
        places = _places(then, _keys(id16(before)))
        now[places], moved[places] = _keys(id16(after)), True
    order = np.lexsort((now["lo"], now["hi"]))
    known = Known(now[order], then[order], np.concatenate(hashes)[order], moved[order], np.zeros(len(order), np.uint64))
    back = np.argsort(order, kind="stable")
    for first, last in await view.ranges("links"):
        entries = (await view.winners_between("links", first, last)).entries
        sources, links = _columns(entries, "id"), _columns(entries, "hash")
        places = _places(then, sources)
        there = places >= 0
        np.add.at(known.linked, back[places[there]], links["lo"][there])
    return known


async def _moved(view: TypeView, row: ObjectType, ids: Ids) -> dict[str, str]:
    """Id in the restore point → the id now, of those of the type that have another one."""
    if row.reading == "single" or not ids.objects:
        return {}
    if not row.parent:
        return {one: ids.now(one) for one in await view.hashes_of(list(ids.objects))}
    found: dict[str, str] = {}
    async for batch in view.object_batches():
        found |= {one.object_id: now for one in batch if (now := ids.now(one.object_id)) != one.object_id}
    return found


@dataclass(slots=True)
class TypeComparison:
    """One type on its way through a comparison; `run` goes on, `as_json` is kept between slices."""

    row: ObjectType
    known: Known
    same: Flags
    linked: Sums
    new: dict[str, bytes] | None
    """Live objects that the restore point does not know, by id, as JSON; None where nobody asks for them."""
    cursor: Cursor | None = None
    _kept: frozenset[str] = field(default_factory=frozenset)

    @staticmethod
    async def begun(view: TypeView, row: ObjectType, ids: Ids, *, new: bool) -> "TypeComparison":
        """At its beginning."""
        known = await known_of(view, row, ids)
        count = len(known.now)
        return TypeComparison(
            row, known, np.zeros(count, np.bool_), np.zeros(count, np.uint64), {} if new else None, None,
            kept_names(row),
        )

    async def run(self, graph: Graph, reading: Reading, stop_at: float) -> bool:
        """Whether the type is read to its end; `stop_at` is a time of `graph.now()`. EntraError."""
        pieces = capture(graph, self.row, self.cursor, reading=reading, stop_at=stop_at)
        finished = False
        async with aclosing(pieces):
            async for piece in pieces:
                self._take(piece)
                self.cursor, finished = piece.cursor, piece.finished
        return finished

    def differing(self) -> bytes:
        """Keys, in the restore point, of objects that differ or are gone: 16 bytes each."""
        differ = ~self.same | self.known.moved | (self.linked != self.known.linked)
        found: bytes = self.known.then[differ].astype(AS_BYTES).tobytes()
        return found

    def unknown(self) -> list[Present]:
        """Live objects that the restore point does not know, by id."""
        return [
            Present(self.row.name, one, "live", orjson.loads(body)) for one, body in sorted((self.new or {}).items())
        ]

    def _take(self, piece: Captured) -> None:
        if piece.restarted:
            self.same[:], self.linked[:] = False, 0
            self.new = None if self.new is None else {}
        parsed = piece.parse()
        split = volatile_splitter(self.row.volatile)
        places = self._places([object_id for object_id, _ in parsed.objects])
        for place, (object_id, body) in zip(places, parsed.objects, strict=True):
            if place < 0:
                if self.new is not None:
                    self.new[object_id] = orjson.dumps({one: body[one] for one in self._kept if one in body})
                continue
            split(body)
            alike = _keys(object_hash16(self.row.name, object_id, body)) == self.known.hashes[place]
            self.same[place] = bool(alike[0])
        for place, link in zip(self._places([one.source for one in parsed.links]), parsed.links, strict=True):
            if place >= 0:
                told = sum(_number(link.link, one.id) for one in link.added)
                told -= sum(_number(link.link, one) for one in link.removed)
                self.linked[place] = np.uint64((int(self.linked[place]) + told) % 2**64)
        for place, removal in zip(self._places([one.id for one in parsed.removals]), parsed.removals, strict=True):
            if self.new is not None:
                self.new.pop(removal.id, None)
            if place >= 0:
                self.same[place], self.linked[place] = False, 0

    def _places(self, object_ids: Iterable[str]) -> list[int]:
        """Where objects of these ids now stand; -1 of what the restore point does not know."""
        found: list[int] = _places(self.known.now, _keys(b"".join(map(id16, object_ids)))).tolist()
        return found

    def as_json(self) -> Json:
        """What was read so far, but for the cursor."""
        return {
            "same": _text(np.packbits(self.same).tobytes()), "linked": _text(self.linked.tobytes()),
            "new": None if self.new is None else {one: body.decode() for one, body in self.new.items()},
        }

    def resumed(self, kept: Mapping[str, Any], cursor: Cursor) -> None:
        """Take up again what `as_json` kept."""
        bits = np.frombuffer(base64.b64decode(kept["same"]), np.uint8)
        self.same = np.unpackbits(bits, count=len(self.same)).astype(np.bool_)
        self.linked = np.frombuffer(base64.b64decode(kept["linked"]), np.uint64).copy()
        self.new = None if kept["new"] is None else {one: body.encode() for one, body in kept["new"].items()}
        self.cursor = cursor


def _keys(content: bytes) -> Keys:
    return np.frombuffer(content, AS_BYTES).astype(KEY)


def _columns(entries: Any, name: str) -> Keys:
    found = np.empty(len(entries), KEY)
    found["hi"], found["lo"] = entries[f"{name}_hi"], entries[f"{name}_lo"]
    return found


def _places(keys: Keys, asked: Keys) -> npt.NDArray[np.intp]:
    """Where each of the asked stands in sorted keys, by their leading halves; -1 where it is not there."""
    places = np.searchsorted(keys["hi"], asked["hi"])
    there = places < len(keys)
    there[there] = keys[places[there]] == asked[there]
    return np.where(there, places, -1)


def _number(link: str, target: str) -> int:
    return int.from_bytes(link16(link, target)[8:], "big")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
