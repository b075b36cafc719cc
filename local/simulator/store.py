"""One tenant in memory: objects, links, recycle bin and the change log from which delta and the audit log are told.

- Bodies are immutable JSON bytes, replaced whole; the change log keeps the bytes before and after, so any past state
  is known and costs nothing extra.
- Every change goes through `create`, `update`, `delete`, `restore`, `purge`, `link` and `unlink`; each appends one
  entry to the log. Nothing else may touch records or links. Rules (what Graph refuses) live in `writes/`, not here.
- A record's `key` is its id, or `table:parent:id` in tables whose ids are only unique there (`model.NAMED`).
- A table's order is that of insertion, and a deleted record leaves a gap: a page token that names a position stays
  right whatever changes between pages.
- Deleting parks an object's links with it and restoring brings them back, as un-deleting in Entra does; soft or
  hard, each link that goes or comes is a change of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from local.simulator.clock import Clock
from local.simulator.model import NAMED, SINGLE_LINKS

type Body = dict[str, Any]
type ChangeKind = Literal["create", "update", "delete", "restore", "purge", "link", "unlink"]


@dataclass(slots=True)
class Record:
    """One living object: `seq` is the log position of its last change, `position` its place in its table."""

    key: str
    table: str
    body: bytes
    position: int
    seq: int = 0

    def read(self) -> Body:
        """A fresh copy of the body, the caller's to change."""
        return orjson.loads(self.body)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes changes: an application by its service principal, or a user."""

    kind: Literal["app", "user", "system"] = "system"
    id: str = ""
    name: str = "Cairn tenant simulator"
    app_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log. For links, `key` is the source, `name` the link and `target` the other end."""

    seq: int
    at: float
    kind: ChangeKind
    table: str
    key: str
    before: bytes | None = None
    after: bytes | None = None
    name: str = ""
    target: str = ""
    target_table: str = ""
    actor: Actor = field(default_factory=Actor)
    correlation: str = ""
    in_delta: bool = True


@dataclass(slots=True)
class Deleted:
    """A soft-deleted object with the links it had."""

    record: Record
    at: float
    links: list[tuple[str, str, str]]  # source, name, target


class Table:
    """The living records of one type, in order of insertion with gaps."""

    __slots__ = ("keys", "live", "log", "name", "version")

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: list[str | None] = []
        self.live = 0
        self.version = 0
        self.log: list[Change] = []


class Links:
    """All links of one name, both ways. A single-valued link (manager) replaces its target."""

    __slots__ = ("_forward", "_inverse", "_single", "count")

    def __init__(self, *, single: bool) -> None:
        self._single = single
        self._forward: dict[str, dict[str, None] | str] = {}
        self._inverse: dict[str, dict[str, None] | str] = {}
        self.count = 0

    def targets(self, source: str) -> Iterable[str]:
        """What `source` links to, in order of linking."""
        return _members(self._forward.get(source))

    def sources(self, target: str) -> Iterable[str]:
        """What links to `target`."""
        return _members(self._inverse.get(target))

    def has(self, source: str, target: str) -> bool:
        """Whether the link exists."""
        held = self._forward.get(source)
        return held == target if isinstance(held, str) else held is not None and target in held

    def add(self, source: str, target: str) -> bool:
        """Add the link; False when it was there already."""
        if self.has(source, target):
            return False
        _insert(self._forward, source, target)
        _insert(self._inverse, target, source)
        self.count += 1
        return True

    def remove(self, source: str, target: str) -> bool:
        """Remove the link; False when there was none."""
        if not self.has(source, target):
            return False
        _take(self._forward, source, target)
        _take(self._inverse, target, source)
        self.count -= 1
        return True

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every (source, target)."""
        for source, held in self._forward.items():
            for target in _members(held):
                yield source, target


def _members(held: dict[str, None] | str | None) -> Iterable[str]:
    # one neighbour is kept as a bare string: at a million users the dictionaries would cost most of the memory
    if held is None:
        return ()
    return (held,) if isinstance(held, str) else held.keys()


def _insert(side: dict[str, dict[str, None] | str], one: str, other: str) -> None:
    held = side.get(one)
    if held is None:
        side[one] = other
    elif isinstance(held, str):
        side[one] = {held: None, other: None}
    else:
        held[other] = None


def _take(side: dict[str, dict[str, None] | str], one: str, other: str) -> None:
    held = side[one]
    if isinstance(held, str):
        del side[one]
    else:
        del held[other]
        if not held:
            del side[one]


class Store:
    """The whole tenant. Not thread-safe: one event loop owns it."""

    def __init__(self, tenant_id: str, clock: Clock | None = None) -> None:
        self.tenant_id = tenant_id
        self.clock = clock or Clock()
        self.records: dict[str, Record] = {}
        self.tables: dict[str, Table] = {}
        self.links: dict[str, Links] = {}
        self.bin: dict[str, Deleted] = {}
        self.log: list[Change] = []
        self.seq = 0
        self.version = 0  # counts every change, logged or not
        self.actor = Actor()
        self.correlation = ""
        self.recording = True  # the generator switches it off: a tenant's past is not in its log
        self.in_delta = True  # Microsoft's own recovery jobs switch it off: their changes leave no delta records
        self.delta_epoch = 0.0  # delta tokens issued before are answered 410: the service reset its change tracking
        self.gone_tables: dict[str, str] = {}  # the types of purged objects, which delta still names as link ends
        self.secrets: dict[str, str] = {}  # client secrets by keyId, never served
        self.indexes: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
        self.watchers: list[Callable[[Change], None]] = []

    # -- reading ------------------------------------------------------------------------------------------------

    def table(self, name: str) -> Table:
        """The table of a type, made when first asked for."""
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = Table(name)
        return found

    def link_set(self, name: str) -> Links:
        """All links of a name."""
        found = self.links.get(name)
        if found is None:
            found = self.links[name] = Links(single=name in SINGLE_LINKS)
        return found

    def key(self, table: str, object_id: str, parent: str = "") -> str:
        """The key under which a table keeps an id."""
        return f"{table}:{parent}:{object_id}" if table in NAMED else object_id

    def get(self, key: str) -> Record | None:
        """A living record."""
        return self.records.get(key)

    def all(self, table: str) -> Iterator[Record]:
        """The living records of a table, in order."""
        for key in self.table(table).keys:
            if key is not None:
                yield self.records[key]

    def find(self, table: str, name: str, value: str) -> list[Record]:
        """Living records whose property equals (or, a collection, holds) the value; case is ignored."""
        index = self.indexes.get((table, name))
        if index is None:
            index = self.indexes[table, name] = {}
            for record in self.all(table):
                for each in _indexed(record.body, name):
                    index.setdefault(each, {})[record.key] = None
        return [self.records[key] for key in index.get(value.casefold(), ())]

    def deleted(self, table: str) -> Iterator[Deleted]:
        """The bin entries of a table, oldest first."""
        return (each for each in self.bin.values() if each.record.table == table)

    # -- changing -----------------------------------------------------------------------------------------------

    def create(self, table: str, body: Body, parent: str = "", parent_link: str = "") -> Record:
        """Insert an object; `body` holds its id. With `parent` it hangs under that object by `parent_link`."""
        key = self.key(table, body["id"], parent)
        if key in self.records:
            raise KeyError(f"{key} exists")
        record = self._insert(key, table, packed(body))
        self._note("create", record, after=record.body)
        if parent_link:
            self.link(parent, parent_link, key)
        return record

    def update(self, key: str, body: Body) -> Record:
        """Replace an object's body whole. Without a difference nothing is logged."""
        record = self.records[key]
        before, after = record.body, packed(body)
        if before == after:
            return record
        self._reindex(record, before, after)
        record.body = after
        self._note("update", record, before=before, after=after)
        return record

    def delete(self, key: str, *, soft: bool) -> None:
        """Take an object out, with all its links: into the bin when `soft`, else for good."""
        record = self.records[key]
        before = record.body
        links = self._unlink_all(key)
        self._remove(record)
        if soft:
            body = record.read()
            body["deletedDateTime"] = self.clock.stamp()
            record.body = packed(body)
            self.bin[key] = Deleted(record, self.clock.now(), links)
        else:
            self.gone_tables[key] = record.table
        self._note("delete" if soft else "purge", record, before=before, after=record.body if soft else None)

    def restore(self, key: str, body: Body | None = None) -> Record:
        """Bring a soft-deleted object back with the links whose other ends still live; `body` replaces its body."""
        entry = self.bin.pop(key)
        restored = body or entry.record.read()
        restored.pop("deletedDateTime", None)
        record = self._insert(key, entry.record.table, packed(restored))
        self._note("restore", record, before=entry.record.body, after=record.body)
        for source, name, target in entry.links:
            if source in self.records and target in self.records:
                self.link(source, name, target)
            else:
                # the other end lies in the bin too: it brings the link back when it returns
                other = self.bin.get(target if source == key else source)
                if other is not None:
                    other.links.append((source, name, target))
        return record

    def purge(self, key: str) -> None:
        """Remove a bin entry for good."""
        entry = self.bin.pop(key)
        self.gone_tables[key] = entry.record.table
        self._note("purge", entry.record, before=entry.record.body)

    def purge_expired(self, days: int = 30) -> None:
        """Empty the bin of what is older than Entra keeps it."""
        limit = self.clock.now() - days * 86400
        for key in [key for key, each in self.bin.items() if each.at <= limit]:
            self.purge(key)

    def link(self, source: str, name: str, target: str) -> bool:
        """Add a link; False when it was there already."""
        links = self.link_set(name)
        if name in SINGLE_LINKS:
            for old in list(links.targets(source)):
                if old != target:
                    self.unlink(source, name, old)
        if not links.add(source, target):
            return False
        self._note_link("link", source, name, target)
        return True

    def unlink(self, source: str, name: str, target: str) -> bool:
        """Remove a link; False when there was none."""
        if not self.link_set(name).remove(source, target):
            return False
        self._note_link("unlink", source, name, target)
        return True

    # -- within -------------------------------------------------------------------------------------------------

    def _insert(self, key: str, table: str, body: bytes) -> Record:
        held = self.table(table)
        record = Record(key, table, body, len(held.keys))
        held.keys.append(key)
        held.live += 1
        self.records[key] = record
        self._reindex(record, None, body)
        return record

    def _remove(self, record: Record) -> None:
        held = self.table(record.table)
        held.keys[record.position] = None
        held.live -= 1
        del self.records[record.key]
        self._reindex(record, record.body, None)

    def _unlink_all(self, key: str) -> list[tuple[str, str, str]]:
        gone: list[tuple[str, str, str]] = []
        for name, links in self.links.items():
            gone += [(key, name, target) for target in links.targets(key)]
            gone += [(source, name, key) for source in links.sources(key)]
        for source, name, target in gone:
            self.unlink(source, name, target)
        return gone

    def _reindex(self, record: Record, before: bytes | None, after: bytes | None) -> None:
        for (table, name), index in self.indexes.items():
            if table != record.table:
                continue
            for value in _indexed(before, name):
                held = index.get(value)
                if held is not None:
                    held.pop(record.key, None)
                    if not held:
                        del index[value]
            for value in _indexed(after, name):
                index.setdefault(value, {})[record.key] = None

    def _note(self, kind: ChangeKind, record: Record, before: bytes | None = None, after: bytes | None = None) -> None:
        self.table(record.table).version += 1
        self.version += 1
        if not self.recording:
            return
        self.seq += 1
        record.seq = self.seq
        self._append(
            Change(
                self.seq, self.clock.now(), kind, record.table, record.key, before, after,
                actor=self.actor, correlation=self.correlation, in_delta=self.in_delta,
            )
        )  # fmt: skip

    def _note_link(self, kind: ChangeKind, source: str, name: str, target: str) -> None:
        owner = self.records.get(source)
        other = self.records.get(target)
        if owner is None:
            return
        self.table(owner.table).version += 1
        self.version += 1
        if other is not None:
            self.table(other.table).version += 1
        if not self.recording:
            return
        self.seq += 1
        self._append(
            Change(
                self.seq, self.clock.now(), kind, owner.table, source, name=name, target=target,
                target_table=other.table if other else "",
                actor=self.actor, correlation=self.correlation, in_delta=self.in_delta,
            )
        )  # fmt: skip

    def _append(self, change: Change) -> None:
        self.log.append(change)
        self.table(change.table).log.append(change)
        for watcher in self.watchers:
            watcher(change)


def packed(body: Body) -> bytes:
    """A body as it is stored. Copied: what orjson hands out keeps a buffer ten times its size alive."""
    return bytes(memoryview(orjson.dumps(body)))


def _indexed(body: bytes | None, name: str) -> list[str]:
    if body is None:
        return []
    value = orjson.loads(body).get(name)
    if isinstance(value, str):
        return [value.casefold()]
    return [each.casefold() for each in value if isinstance(each, str)] if isinstance(value, list) else []


def changed_names(change: Change) -> frozenset[str]:
    """The properties that an update changed."""
    if change.before is None or change.after is None:
        return frozenset()
    before: Body = orjson.loads(change.before)
    after: Body = orjson.loads(change.after)
    return frozenset(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
