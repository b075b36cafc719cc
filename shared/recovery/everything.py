"""Whole types compared with the tenant: which objects differ, and which the restore point does not know. Read-only.

A type is read once, page by page; of each object that the restore point knows only its hash stays, and a digest of its
links, so memory follows the number of objects and not their size. What differs is then read again, one by one, by the
planner.
"""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from shared.backup.recorder import volatile_splitter
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT, ObjectType
from shared.entra.capture import capture
from shared.entra.pages import TYPE
from shared.entra.transport import Graph
from shared.entra.wanted import Reading
from shared.errors import EntraError, Missing
from shared.recovery.relink import Ids
from shared.recovery.state import Present
from shared.repository.records import link16, object_hash16
from shared.repository.restore_point import RestorePoint

SHOWN = ("displayName", "userPrincipalName", "appId", "onPremisesSyncEnabled", "isAssignableToRole", PARENT, TYPE)


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
class Found:
    """What separates whole types from the tenant."""

    differing: list[str] = field(default_factory=list)
    """Ids in the restore point of objects that differ, or are gone."""
    new: list[Present] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Type → why it could not be read."""


async def changed_since(
    point: RestorePoint, graph: Graph, reading: Reading, types: Iterable[str], ids: Ids
) -> Found:
    """What differs between the restore point and the tenant, type by type."""
    found = Found()
    for name in types:
        row = OBJECT_TYPES[name]
        try:
            view = point.view(name)
        except Missing:
            continue
        if not view.layers or row.reference_only:
            continue
        try:
            await _compare(point, graph, reading, row, ids, found)
        except EntraError as error:
            found.unread[name] = str(error)
    return found


async def _compare(
    point: RestorePoint, graph: Graph, reading: Reading, row: ObjectType, ids: Ids, found: Found
) -> None:
    view = point.view(row.name)
    known: dict[str, tuple[str, bytes]] = {}
    theirs: dict[str, int] = {}
    async for records in view.object_batches():
        for record in records:
            now = record.object_id if row.reading == "single" else ids.now(record.object_id)
            known[now] = (record.object_id, record.hash16)
    async for batch in view.link_batches():
        for link in batch:
            theirs[link.source_id] = _sum(theirs.get(link.source_id, 0), _number(link.link, link.target_id))
    same: set[str] = set()
    new: dict[str, dict[str, object]] = {}
    links: dict[str, int] = {}
    split, kept = volatile_splitter(row.volatile), kept_names(row)
    reading_all = capture(graph, row, reading=reading, stop_at=graph.now() + 3600)
    async with aclosing(reading_all) as pieces:
        async for piece in pieces:
            if piece.restarted:
                same, new, links = set(), {}, {}
            parsed = piece.parse()
            for object_id, body in parsed.objects:
                before = known.get(object_id)
                if before is None:
                    new[object_id] = {one: body[one] for one in kept if one in body}
                    continue
                split(body)
                alike = object_id == before[0] and object_hash16(row.name, object_id, body) == before[1]
                (same.add if alike else same.discard)(object_id)
            for one in parsed.links:
                for each in one.added:
                    links[one.source] = _sum(links.get(one.source, 0), _number(one.link, each.id))
                for target in one.removed:
                    links[one.source] = _sum(links.get(one.source, 0), -_number(one.link, target))
            for removal in parsed.removals:
                new.pop(removal.id, None)
                same.discard(removal.id)
                links.pop(removal.id, None)
    found.differing += [
        then for now, (then, _) in known.items() if now not in same or links.get(now, 0) != theirs.get(then, 0)
    ]
    found.new += [Present(row.name, object_id, "live", dict(new[object_id])) for object_id in sorted(new)]


def _number(link: str, target: str) -> int:
    return int.from_bytes(link16(link, target), "big")


def _sum(digest: int, number: int) -> int:
    """The digest of a set of links with one more of them.

    A sum, since a link may be told twice in one full read (a member that is a service principal, by the group and by
    itself; an object that a page repeats): then the sum differs, and the object is looked at by itself, whereas an
    exclusive or would fold the link away.
    """
    return (digest + number) % (1 << 128)
