"""Two states of a tenant → the changes of one type: found on sidecars, so that only what differs is opened.

Invariants: a type that either side has not read is no difference, and is told as not compared; deleted objects are told
apart by the recycle bins and, for a past state, by the reason that its backup wrote; an object that Cairn re-created is
the object that it was.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.differences.names import Names
from shared.differences.reports import NotCompared
from shared.differences.segments import ChangeWriter
from shared.entra.recycle_bin import deleted_at, has_recycle_bin
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.records.times import as_time
from shared.recovery.difference import Change, attribute_changes, named, of_object, recreated_changes
from shared.recovery.facts import fact_of_link, fact_of_object, holders
from shared.recovery.relink import Ids
from shared.recovery.restorability import judged
from shared.repository.comparison import ObjectDifference, compare
from shared.repository.manifest import TypeEntry
from shared.repository.records import LinkRecord, ObjectRecord, RemovalReason
from shared.repository.removals import removals_in
from shared.repository.restore_point import RestorePoint
from shared.repository.view import TypeView

BLOCK = 10_000
"""Changes whose names are looked up together."""

KEPT_DAYS = 30
"""How long Entra keeps deleted objects where a row says nothing else ("Recover from deletions")."""


@dataclass(slots=True)
class Bins:
    """The recycle bins as they are now; None of a type where they cannot be read."""

    graph: Graph | None
    _found: dict[str, dict[str, str] | None] = field(default_factory=dict)

    async def of(self, row: ObjectType) -> dict[str, str] | None:
        """Key of each deleted object → when it was deleted."""
        if row.name not in self._found:
            self._found[row.name] = await self._read(row)
        return self._found[row.name]

    async def _read(self, row: ObjectType) -> dict[str, str] | None:
        if self.graph is None:
            return None if row.recycle_bin else {}
        if not has_recycle_bin(self.graph, row):
            return {}
        try:
            return await deleted_at(self.graph, row)
        except EntraError as error:
            if error.retryable:
                raise
            return None


@dataclass(slots=True)
class Comparing:
    """What two states are compared by."""

    before: RestorePoint
    after: RestorePoint
    live: bool
    """Whether the newer state is the tenant as it is now."""
    bins: Bins
    now: datetime
    ids: Ids = field(default_factory=Ids)
    scope: frozenset[str] | None = None
    churn: bool = False
    """Whether what the service changes by itself is shown too."""
    _templates: dict[str, str] | None = None

    def types(self, wanted: Iterable[str] | None) -> list[str]:
        """The types to compare, by name; those kept for reference only where they are asked for."""
        if wanted is not None:
            return sorted(set(wanted))
        held = {*self.before.manifest.types, *self.after.manifest.types}
        return sorted(
            name for name in held
            if name in OBJECT_TYPES and not OBJECT_TYPES[name].reference_only and not self._unread(name)
        )

    def _unread(self, name: str) -> bool:
        """Whether the live state only repeats a restore point, since the report did not ask for the type."""
        entry = self.after.manifest.types.get(name)
        return self.live and entry is not None and entry.outcome == "carried"

    def not_compared(self, name: str) -> NotCompared | None:
        """Why nothing can be said of this type, or None."""
        for told, state in self._told():
            entry = state.manifest.types.get(name)
            if entry is None:
                return NotCompared(type=name, reason=f"It is not in {told}.", remedy="Use a newer restore point.")
            stale = self.live and state is self.after
            unread = entry.outcome in ("refused", "failed") and (stale or not entry.layers)
            if unread or entry.outcome == "off":
                return NotCompared(
                    type=name, reason=f"Not read in {told}: {entry.reason or entry.outcome}", remedy=entry.remedy
                )
        return None

    def told_short(self, name: str) -> NotCompared | None:
        """What a comparison of this type lacks: a state that shows all or part of it as it was read before."""
        for told, state in self._told():
            entry = state.manifest.types[name]
            if entry.outcome in ("refused", "failed", "partial"):
                part = "In part not read" if entry.outcome == "partial" else "Not read"
                return NotCompared(
                    type=name, reason=f"{part} in {told}, which shows it as it was read before: "
                    f"{entry.reason or entry.outcome}", remedy=entry.remedy,
                )  # fmt: skip
        return None

    def is_lost(self, name: str) -> bool:
        """Whether the older state has the type and the newer one could not read it: that is for somebody to mend."""
        entries = [state.manifest.types.get(name) for _, state in self._told()]
        older, newer = entries
        return bool(older and older.layers and newer and newer.outcome in ("refused", "failed", "partial"))

    def _told(self) -> tuple[tuple[str, RestorePoint], ...]:
        return ("the restore point", self.before), ("the newer state", self.after)

    async def write(self, name: str, writer: ChangeWriter, names: Names) -> None:
        """Store all changes of one type."""
        block: list[Change] = []
        async with aclosing(self.changes(name, names)) as changes:
            async for change in changes:
                block.append(change)
                if len(block) >= BLOCK:
                    await writer.put(await names.filled(block))
                    block = []
        await writer.put(await names.filled(block))

    async def changes(self, name: str, names: Names) -> AsyncGenerator[Change]:
        """All changes of one type: objects that are gone, new ones, attributes, then links."""
        row = OBJECT_TYPES[name]
        old, new = self.before.view(name), self.after.view(name)
        if old.same_store(new) and old.layers == new.layers and not self.churn:
            return
        found = await compare(old, new)
        entries = self.before.manifest.types[name], self.after.manifest.types[name]
        told = _Told(
            self, row, names, reasons=await self._reasons(new, entries[0]), templates=await self._role_templates(row),
            same_reading=entries[0].row_digest == entries[1].row_digest,
        )  # fmt: skip
        async for one in found.objects():
            for change in await told.of(one):
                yield change
        for change in await told.left():
            yield change
        if self.churn:
            async for change in self._churn(row, old, new):
                yield change
        block: list[Change] = []
        async for change in self._links(row, found.links()):
            block.append(change)
            if len(block) >= BLOCK:
                for judged_one in await self._judged_links(row, old, new, block):
                    yield judged_one
                block = []
        for judged_one in await self._judged_links(row, old, new, block):
            yield judged_one

    def days_left(self, row: ObjectType, at: str) -> int | None:
        """Days until Entra purges what was deleted then, a begun one counted whole; None where that is not known."""
        if not at:
            return None
        kept = timedelta(days=row.recycle_bin.days if row.recycle_bin else KEPT_DAYS)
        return max(0, ceil((as_time(at) + kept - self.now) / timedelta(days=1)))

    async def _reasons(self, new: TypeView, before: TypeEntry) -> dict[str, RemovalReason]:
        """What the newer state's own layers say of objects that are gone; the last word counts."""
        reasons: dict[str, Any] = {}
        for layer in new.layers:
            if layer not in before.layers:
                reasons |= {one: why async for one, why in removals_in(new.store, new.tenant_id, layer)}
        return reasons

    async def _role_templates(self, row: ObjectType) -> Mapping[str, str]:
        """Activated role → its template, of both states; for types that name roles so."""
        if not any(reference.target == "directoryRole" for reference in row.references):
            return {}
        if self._templates is None:
            self._templates = {}
            for state in (self.before, self.after):
                if "directoryRole" in state.manifest.types:
                    async for one in state.view("directoryRole").objects():
                        self._templates[one.object_id] = str(one.body.get("roleTemplateId"))
        return self._templates

    async def _churn(self, row: ObjectType, old: TypeView, new: TypeView) -> AsyncGenerator[Change]:
        """What the service changed by itself: every object of the type is read for it."""
        if not row.volatile:
            return
        async for batch in new.object_batches():
            before = await old.objects_by_id([one.object_id for one in batch if self.in_scope(one.object_id)])
            for one in batch:
                was = before.get(one.object_id)
                if was is not None and was.volatile != one.volatile:
                    for change in attribute_changes(row, one.object_id, was.volatile, one.volatile, ids=self.ids):
                        shown = replace(change, object_name=named(row, one.body))
                        yield replace(shown, reason="the service changes it by itself")

    async def _links(self, row: ObjectType, found: AsyncIterator[Any]) -> AsyncIterator[Change]:
        """Links that only one side has; those that only changed their ends' ids cancel each other."""
        moved: dict[tuple[str, str, str], LinkRecord] = {}
        async for one in found:
            link: LinkRecord = one.link
            if not (self.in_scope(link.source_id) or self.in_scope(link.target_id)):
                continue
            if one.change == "removed" and {link.source_id, link.target_id} & self.ids.objects.keys():
                moved[self.ids.now(link.source_id), link.link, self.ids.now(link.target_id)] = link
            elif one.change == "removed":
                yield _of_link(row, link, gone=True)
            elif moved.pop((link.source_id, link.link, link.target_id), None) is None:
                yield _of_link(row, link, gone=False)
        for link in moved.values():
            yield _of_link(row, link, gone=True)

    async def _judged_links(self, row: ObjectType, old: TypeView, new: TypeView, links: list[Change]) -> list[Change]:
        bodies = await self._sources(row, old, new, {change.object_id for change in links})
        found = []
        for change in links:
            body = bodies.get(change.object_id, {})
            kind = of_object(row, change.object_id, body).object_kind
            fact, repeats = fact_of_link(row, change.link, change.object_id, change.target_id, body)
            found.append(judged(replace(change, object_kind=kind, fact=fact, repeats=repeats), row, body))
        return found

    async def _sources(
        self, row: ObjectType, old: TypeView, new: TypeView, wanted: set[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The bodies of the objects that links start from, where a verdict depends on them."""
        told_by_body = "onPremisesSyncEnabled" in row.select or any(
            link.left_alone or link.restored_as for link in row.links
        )
        if not wanted or not told_by_body:
            return {}
        held = await old.objects_by_id(wanted) | await new.objects_by_id(wanted)
        return {one: record.body for one, record in held.items()}

    def in_scope(self, object_id: str) -> bool:
        """Whether the report is about this object."""
        return self.scope is None or object_id in self.scope


@dataclass(slots=True)
class _Told:
    """Objects that differ, told as changes; those that Cairn re-created wait for their newer half."""

    by: Comparing
    row: ObjectType
    names: Names
    reasons: Mapping[str, RemovalReason]
    templates: Mapping[str, str]
    same_reading: bool
    _waiting: dict[str, ObjectRecord] = field(default_factory=dict)

    async def of(self, one: ObjectDifference) -> list[Change]:
        """The changes of one object."""
        before, after, ids = one.before, one.after, self.by.ids
        for record in (before, after):
            if record is not None:
                self.names.add(one.object_id, self.row.name, named(self.row, record.body))
        if after is None and before is not None:
            if one.object_id not in ids.objects:
                return await self._gone(before)
            self._waiting[ids.now(one.object_id)] = before
            return []
        if after is None:
            return []
        was = self._waiting.pop(one.object_id, None) if before is None else None
        if was is not None and not self.by.in_scope(one.object_id):
            return []
        if was is not None:
            again = recreated_changes(self.row, (was.object_id, was.body), (one.object_id, after.body), ids=ids)
            return [judged(change, self.row, after.body) for change in again]
        if not self.by.in_scope(one.object_id):
            return []
        if before is None:
            shown = replace(
                of_object(self.row, one.object_id, after.body), change_type="newObject",
                about=holders(self.row, after.body),
            )  # fmt: skip
            return [judged(self._with_fact(shown, after.body), self.row, after.body)]
        differing = attribute_changes(
            self.row, one.object_id, before.body, after.body, ids=ids, same_reading=self.same_reading
        )
        return [judged(change, self.row, after.body) for change in differing]

    async def left(self) -> list[Change]:
        """Those whose newer half did not come: they are gone after all."""
        return [change for was in self._waiting.values() for change in await self._gone(was)]

    async def _gone(self, record: ObjectRecord) -> list[Change]:
        if not self.by.in_scope(record.object_id):
            return []
        in_bin = await self.by.bins.of(self.row)
        reason = self.reasons.get(record.object_id, "unknown")
        if in_bin is not None and (self.by.live or reason == "unknown"):
            soft = record.object_id in in_bin
        elif reason != "unknown":
            soft = reason == "softDeleted"
        else:
            soft = self.row.recycle_bin is not None
        at = (in_bin or {}).get(record.object_id, "")
        change = replace(
            of_object(self.row, record.object_id, record.body), change_type="softDeleted" if soft else "hardDeleted",
            deleted_at=at, days_left=self.by.days_left(self.row, at) if soft else None,
            about=holders(self.row, record.body),
        )  # fmt: skip
        return [judged(self._with_fact(change, record.body), self.row, record.body)]

    def _with_fact(self, change: Change, body: Mapping[str, Any]) -> Change:
        fact, repeats = fact_of_object(self.row, body, self.templates)
        return replace(change, fact=fact, repeats=repeats)


def _of_link(row: ObjectType, link: LinkRecord, *, gone: bool) -> Change:
    return Change(
        "linkRemoved" if gone else "linkAdded", row.name, link.source_id, link=link.link, target_id=link.target_id,
        target_type=link.target_type,
    )  # fmt: skip
