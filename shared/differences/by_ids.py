"""The few objects that a report is about, read by their ids where their types would be read in full.

    ids → the objects and their links, 20 a `$batch` → the lists that show who links to them (`memberOf`) → one layer
        over the restore point

Invariants: of these objects, and of links from and to them, the layer says what a full read would say. Where that
cannot be had (a link that no list of its targets shows, an answer that failed) or costs more, the type is read in full.
Links of the slow lane from others are as old as their last whole read, save those that a deletion took away.
"""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from urllib.parse import quote

from shared.backup.recorder import Recorder
from shared.backup.run import Run
from shared.browse.point import Point
from shared.catalog import KINDS, OBJECT_TYPES
from shared.catalog.row import Link, ObjectType
from shared.deployment import Deployment
from shared.entra.batch import Part, read_lists
from shared.entra.listing import with_query
from shared.entra.pages import targets_of
from shared.entra.single_reads import LIST_PAGE, permission_of
from shared.entra.transport import Graph
from shared.errors import EntraError, NotFound
from shared.records.times import as_text
from shared.recovery.reading import PresentReader
from shared.recovery.relink import Ids
from shared.recovery.state import Present, Wanted
from shared.repository.manifest import Coverage, Layer, Manifest, SegmentRef, TypeEntry
from shared.repository.segments import store_segment

PAGE = 100
"""Objects or links that one request of a full read shows: Graph's page with `$expand`, and about that of a delta."""

OWNED = "ownedObjects"
"""The list of what an object owns ("List ownedObjects"), which the catalog does not name."""

OWNERS = frozenset({"user", "servicePrincipal"})

type Asked = tuple[str, str, str]
"""(id, its type, a list of it that shows who links to it)."""

type Edges = set[tuple[str, str]]
"""(source, target)."""


class NotByIds(Exception):
    """Something of these objects cannot be read so: their types are to be read in full."""


@dataclass(frozen=True, slots=True)
class _Inbound:
    """One link of a type that leads to objects of this kind, and the list of theirs that shows it."""

    holder: str
    link: str
    kind: str
    shown_in: str


@dataclass(slots=True)
class ByIds:
    """Reads objects of these ids (→ their types) over the newest restore point."""

    over: Deployment
    graph: Graph
    run: Run
    previous: Manifest
    kinds: Mapping[str, str]

    async def entries(self) -> dict[str, TypeEntry]:
        """What the live state says of each type that was read so; of others nothing. Safe to repeat."""
        names = self.chosen()
        if not names:
            return {}
        try:
            return await self._read(names)
        except NotByIds:
            return {}
        except EntraError as error:
            if error.retryable:
                raise
            return {}

    def chosen(self) -> list[str]:
        """The types that are cheaper read by ids; the lists of who links to them are read once for all of them."""
        able = [name for name, planned in self.run.types.items()
                if planned.mode == "full" and not planned.anew and self._is_able(name)]
        held = [kind for kind in self.kinds.values() if kind in able]
        parts = sum(1 + len(_own_links(OBJECT_TYPES[kind])) for kind in held) + len(self._lists(able))
        full = sum((self.run.types[name].expected_objects or 0) + (self.run.types[name].expected_links or 0)
                   for name in able)
        return able if parts < full / PAGE else []

    def _is_able(self, name: str) -> bool:
        row, before = OBJECT_TYPES[name], self.previous.types.get(name)
        if row.reading != "delta" or before is None or not before.layers:
            return False
        if any(link.restored_as or link.version != row.version for link in _own_links(row)):
            return False
        here = set(self.kinds.values())
        leading = [link for link in _own_links(row) if not link.slow]
        return all(
            shown_in(name, link.name, kind) for link in leading for kind in here & set(link.targets or here)
        )

    def _inbound(self, names: Iterable[str]) -> list[_Inbound]:
        here = sorted(set(self.kinds.values()))
        return [
            _Inbound(name, link.name, kind, shown_in(name, link.name, kind))
            for name in names for link in _own_links(OBJECT_TYPES[name]) if not link.slow
            for kind in here if not link.targets or kind in link.targets
        ]

    def _lists(self, names: Iterable[str]) -> list[Asked]:
        wanted = {(one.kind, one.shown_in) for one in self._inbound(names)}
        return [(one, kind, path) for one, kind in sorted(self.kinds.items())
                for of_kind, path in sorted(wanted) if of_kind == kind]

    async def _read(self, names: list[str]) -> dict[str, TypeEntry]:
        began, usage = self.over.records.clock(), self.graph.usage
        requests, units = usage.requests, usage.resource_units
        reader = PresentReader(self.graph, self.run.reading(), Ids())
        asked = [Wanted(kind, one, {}) for one, kind in sorted(self.kinds.items()) if kind in names]
        states = await reader.read(asked)
        live, missing = await self._shown(self._lists(names))
        unseen = [Wanted(self.kinds[one], one, {}) for one in sorted(missing) if self.kinds[one] not in names]
        others = await reader.read(unseen, links=False)
        gone = {key for (_, key), one in (states | others).items() if one.liveness in ("absent", "softDeleted")}
        if missing - gone:
            raise NotByIds  # the object is there and its list is not
        edges = await self._linking(names, live, gone)
        sources = {
            (name, source): Wanted(name, source, {})
            for (name, _), (was, now) in edges.items() for source, _ in was ^ now if source not in self.kinds
        }
        states |= await reader.read(sources.values(), links=False)
        if any(one.liveness == "unread" or one.unread_links for one in states.values()):
            raise NotByIds
        layers = {
            name: await self._layer(name, [one for (kind, _), one in states.items() if kind == name], {
                link: found for (holder, link), found in edges.items() if holder == name
            }, {source for kind, source in sources if kind == name})
            for name in names
        }
        spent = {names[0]: (usage.requests - requests, round(usage.resource_units - units))}
        return {
            name: self._entry(name, layer, as_text(began), *spent.get(name, (0, 0))) for name, layer in layers.items()
        }

    async def _linking(
        self, names: list[str], live: Mapping[tuple[str, str, str], Edges], gone: set[str]
    ) -> dict[tuple[str, str], tuple[Edges, Edges]]:
        """(type, link) → what leads to these objects in the restore point, and what does now."""
        point = Point(self.over.vault, self.previous)
        found: dict[tuple[str, str], tuple[Edges, Edges]] = {}
        for one in self._inbound(names):
            ids = [key for key, kind in self.kinds.items() if kind == one.kind]
            links = await point.links_to(one.holder, one.link, ids)
            was, now = found.setdefault((one.holder, one.link), (set(), set()))
            was |= {(link.source_id, link.target_id) for link in links}
            now |= live.get((one.holder, one.kind, one.shown_in), set())
        for name in names:
            for link in _own_links(OBJECT_TYPES[name]):
                if link.slow:
                    held = await point.links_to(name, link.name, list(self.kinds))
                    was = {(one.source_id, one.target_id) for one in held}
                    found[name, link.name] = was, {(source, target) for source, target in was if target not in gone}
        return found

    async def _shown(self, asked: list[Asked]) -> tuple[dict[tuple[str, str, str], Edges], set[str]]:
        """(type of the source, type of the target, list) → what these lists show; and the ids that have none."""
        live: dict[tuple[str, str, str], Edges] = {}
        missing: set[str] = set()
        places = {str(number): one for number, one in enumerate(asked)}
        parts = (
            Part(
                number, with_query(f"{row.path}/{quote(one, safe='')}/{path}", select="id", top=LIST_PAGE),
                asked=f"{path} of one of {row.title}", permission=permission_of(row),
            )
            for number, (one, kind, path) in places.items() for row in (OBJECT_TYPES[kind],)
        )
        async with aclosing(read_lists(self.graph, parts)) as lists:
            async for shown in lists:
                target, kind, path = places[shown.part.id]
                if isinstance(shown.error, NotFound):
                    missing.add(target)
                elif shown.error is not None:
                    raise shown.error
                for source in targets_of(shown.values):
                    holder = KINDS.get(source.type, source.type)
                    live.setdefault((holder, kind, path), set()).add((source.id, target))
        return live, missing

    async def _layer(
        self, name: str, states: list[Present], edges: Mapping[str, tuple[Edges, Edges]], sources: set[str]
    ) -> Layer:
        """What the restore point's view of the type lacks."""
        row = OBJECT_TYPES[name]
        recorder = Recorder(name, row.volatile)
        view = Point(self.over.vault, self.previous).view(name)
        ids = [one.object_id for one in states]
        there, known = await view.hashes_of(ids), await view.links_of(ids)
        for one in sorted(states, key=lambda state: state.object_id):
            if one.liveness != "live":
                if one.object_id in there:
                    recorder.removed(one.object_id, "softDeleted" if one.liveness == "softDeleted" else "hardDeleted")
                continue
            recorder.object(one.object_id, dict(one.body))
            if one.object_id in sources:
                continue
            had = {(link.link, link.target_id): link.target_type for link in known[one.object_id]}
            has = {(link, target): kind for link, targets in one.links.items() for target, kind in targets.items()}
            for link, target in sorted(has.keys() - had.keys()):
                recorder.link(one.object_id, link, target, has[link, target])
            for link, target in sorted(had.keys() - has.keys()):
                recorder.unlink(one.object_id, link, target, had[link, target])
        gone = {one.object_id for one in states if one.liveness != "live"}
        for link, (was, now) in sorted(edges.items()):
            for source, target in sorted(now - was):
                if source not in self.kinds and source not in gone:
                    recorder.link(source, link, target, self.kinds[target])
            for source, target in sorted(was - now):
                if source not in self.kinds and source not in gone:
                    recorder.unlink(source, link, target, self.kinds[target])
        objects: list[SegmentRef] = []
        links: list[SegmentRef] = []
        for draft in recorder.finish():
            with draft:
                segment = await store_segment(self.over.vault, self.run.tenant_id, draft)
            (objects if draft.holds == "objects" else links).append(segment)
        return Layer(tuple(objects), tuple(links))

    def _entry(self, name: str, layer: Layer, began: str, requests: int, units: int) -> TypeEntry:
        before = self.previous.types[name]
        return replace(
            before, outcome="complete", reason="", remedy="", read_at=began, row_digest=self.run.types[name].digest,
            layers=(*before.layers, *((layer,) if layer.segments else ())), requests=requests, resource_units=units,
            delta_tokens={}, coverage=Coverage(0),
        )


def shown_in(holder: str, link: str, kind: str) -> str:
    """The list of an object of this kind that shows who holds this link to it; empty where Graph has none."""
    named = next((one.name for one in OBJECT_TYPES[kind].links
                  if one.reading == "inverse" and f"{holder}.{link}" in one.held_by), "")
    return named or (OWNED if link == "owners" and kind in OWNERS else "")


def _own_links(row: ObjectType) -> list[Link]:
    return [link for link in row.links if link.reading != "inverse"]
