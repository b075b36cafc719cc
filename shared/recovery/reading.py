"""Both states of the chosen objects: from the restore point, and from the tenant as it is now. Read-only.

Invariants: an object that could not be read is `unread`, never absent; a link that could not be read is named, never
empty. Everything per object goes in `$batch`, 20 a request.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import orjson
import zstandard

from shared.backup.recorder import volatile_splitter
from shared.catalog import KINDS, OBJECT_TYPES
from shared.catalog.row import PARENT, Link, ObjectType
from shared.catalog.where import holds
from shared.entra.absent import fill_absent
from shared.entra.batch import Part, get_by_ids, read_parts
from shared.entra.directory import directory_extensions, held_permissions
from shared.entra.listing import with_query
from shared.entra.pages import TYPE, body_of
from shared.entra.recycle_bin import deleted, has_recycle_bin
from shared.entra.single_reads import bucket_of, bundle_size, link_slices, permission_of, slow_properties
from shared.entra.transport import Graph
from shared.entra.wanted import Reading, wanted
from shared.errors import EntraError, Missing, NotFound
from shared.recovery.relink import Ids
from shared.recovery.requests import only_of, own_key, parent_of, read_path
from shared.recovery.state import Json, Liveness, Present, Wanted
from shared.repository.restore_point import RestorePoint

type Key = tuple[str, str]

KEPT_DELETED = 100_000
"""Deleted objects of a type that are kept between parts, compressed: a bin with more is listed for each part anew."""

IN_DIRECTORY = frozenset({
    "user", "group", "application", "servicePrincipal", "device", "administrativeUnit", "directoryRole",
})
"""Types that `directoryObjects/getByIds` knows."""


def restored_rows() -> list[ObjectType]:
    """The types that a restore may look at, in the catalog's order."""
    return [row for row in OBJECT_TYPES.values() if not row.reference_only]


async def reading_of(graph: Graph, options: Mapping[str, bool]) -> Reading:
    """How objects are read for a restore: as a backup reads them, directory extensions among their attributes.

    Where the extensions cannot be listed their values are not read: then they are not compared and stay as they are.
    """
    try:
        extensions = await directory_extensions(graph)
    except EntraError:
        extensions = {}
    return Reading(options=options, held=await held_permissions(graph), extensions=extensions)


async def read_wanted(point: RestorePoint, object_ids: Collection[str], types: Iterable[ObjectType]) -> list[Wanted]:
    """The objects of these ids as the restore point has them; ids that it does not know are not among them."""
    found: list[Wanted] = []
    for row in types:
        try:
            view = point.view(row.name)
        except Missing:
            continue  # a restore point from before the catalog had this type
        if not view.layers:
            continue
        records = await view.objects_by_id(object_ids)
        links = await view.links_of(records) if row.links and records else {}
        known = {link.name: link for link in row.links}
        for object_id, record in sorted(records.items()):
            by_name: dict[str, dict[str, str]] = {}
            for one in links.get(object_id, ()):
                kind = _kind(known.get(one.link), one.target_type)
                by_name.setdefault(one.link, {})[one.target_id] = kind
            found.append(Wanted(row.name, object_id, record.body, by_name))
    return found


def _kind(link: Link | None, said: str) -> str:
    """The object type of a target: by what Graph said of it, or the only one that its link leads to."""
    return KINDS.get(said) or (link.targets[0] if link and len(link.targets) == 1 else said)


@dataclass(slots=True)
class Bins:
    """Recycle bins as they were listed, by type; None of one that is too long to be kept."""

    listed: dict[str, dict[str, bytes] | None] = field(default_factory=dict)


@dataclass(slots=True)
class PresentReader:
    """Reads objects as they are now."""

    graph: Graph
    reading: Reading
    ids: Ids
    bins: Bins | None = None
    """Where many parts are read one after the other, what is known of the recycle bins; without, each looks anew."""

    async def read(self, asked: Iterable[Wanted], *, links: bool = True) -> dict[Key, Present]:
        """Key in the restore point → the object now."""
        by_type: dict[str, list[Wanted]] = {}
        for one in asked:
            by_type.setdefault(one.object_type, []).append(one)
        found: dict[Key, Present] = {}
        for name in sorted(by_type):
            found.update(await self._of_type(OBJECT_TYPES[name], by_type[name], links=links))
        return found

    async def _of_type(self, row: ObjectType, asked: list[Wanted], *, links: bool) -> dict[Key, Present]:
        now = {one.object_id: self._now(row, one) for one in asked}
        found: dict[Key, Present] = {}
        shown, unread = await self._bodies(row, asked, now)
        links_of, unread_links = await self._links(row, shown) if links else ({}, {})
        waiting = [one for one in asked if one.object_id not in shown and one.object_id not in unread]
        deleted_bodies = await self._deleted(row, {now[one.object_id] for one in waiting}) if waiting else {}
        for one in asked:
            current, body = now[one.object_id], shown.get(one.object_id)
            liveness: Liveness = "live"
            if one.object_id in unread:
                liveness = "unread"
            elif body is None:
                body = deleted_bodies.get(current)
                liveness = "absent" if body is None else "softDeleted"
            found[row.name, one.object_id] = Present(
                row.name, current, liveness, body or {}, links_of.get(one.object_id, {}),
                frozenset(unread_links.get(one.object_id, ())), unread.get(one.object_id, ""),
            )
        return found

    def _now(self, row: ObjectType, one: Wanted) -> str:
        return one.object_id if row.reading == "single" else self.ids.now(one.object_id)

    def _body(self, row: ObjectType, one: Wanted) -> Json:
        """What the object's own path needs to know: its parent, as it is now."""
        parent = parent_of(row, one.object_id, one.body)
        return {PARENT: self.ids.now(parent)} if parent else {}

    async def _bodies(
        self, row: ObjectType, asked: list[Wanted], now: Mapping[str, str]
    ) -> tuple[dict[str, Json], dict[str, str]]:
        wants = wanted(row, self.reading, self.graph.endpoints.cloud)
        parts = []
        for one in asked:
            current = now[one.object_id]
            path = read_path(row, current, self._body(row, one))
            select = ",".join(wants.select)
            parts.append(Part(
                one.object_id, with_query(path, select=select, expand=",".join(row.expand)),
                asked=f"one of {row.title}", permission=permission_of(row), bucket=bucket_of(row),
            ))
        shown: dict[str, Json] = {}
        unread: dict[str, str] = {}
        raw: dict[str, Json] = {}
        answers = read_parts(self.graph, parts, version=row.version, size=bundle_size(bucket_of(row)))
        async with aclosing(answers):
            async for answer in answers:
                error = answer.error
                if isinstance(error, NotFound) or (error is not None and error.status in row.absent_status):
                    continue
                if error is not None or not isinstance(answer.body, dict):
                    unread[answer.part.id] = str(error) if error else "the answer is no object"
                    continue
                shown_now = only_of(row, answer.body)
                if shown_now is None:
                    continue
                body = body_of(shown_now)
                if row.odata_type and body.get(TYPE) not in (None, row.odata_type):
                    continue
                fill_absent(body, wants.select)
                raw[answer.part.id] = body
        if wants.has_slow_properties and raw:
            await self._add_slow(row, raw, asked)
        parents = {one.object_id: self._body(row, one) for one in asked}
        for object_id, body in raw.items():
            volatile_splitter(row.volatile)(body)
            shown[object_id] = {**body, **parents[object_id]}
        return shown, unread

    async def _add_slow(
        self, row: ObjectType, raw: dict[str, Json], asked: list[Wanted]
    ) -> None:
        """Properties that Graph gives one object at a time; one that could not be read stays unknown."""
        wants = wanted(row, self.reading, self.graph.endpoints.cloud)
        by_parent: dict[str, list[str]] = {}
        for one in asked:
            if one.object_id in raw:
                by_parent.setdefault(self.ids.now(parent_of(row, one.object_id, one.body)), []).append(one.object_id)
        for parent, object_ids in by_parent.items():
            under = wants
            if parent:
                alone = replace(
                    row, reading="single" if row.one_per_parent else "list", path=row.path.replace("{id}", parent),
                    filter="", parent="", parent_where=None, parent_expand="", one_per_parent=False,
                    key_in_parent=False,
                )
                documents = tuple((name, path.replace("{id}", parent)) for name, path in wants.documents)
                under = replace(wants, row=alone, documents=documents)
            keyed = {str(raw[one].get(row.key) or parent): one for one in object_ids}
            values = [{**raw[one], row.key: key} for key, one in keyed.items()]
            beside, _ = await slow_properties(self.graph, under, values)
            for key, properties in beside.items():
                raw[keyed[key]].update(properties)

    async def _links(
        self, row: ObjectType, shown: Mapping[str, Json]
    ) -> tuple[dict[str, dict[str, dict[str, str]]], dict[str, set[str]]]:
        asked = [link for link in row.links if link.reading != "inverse" and not link.restored_as
                 and (not link.option or self.reading.options.get(link.option))]
        found: dict[str, dict[str, dict[str, str]]] = {}
        unread: dict[str, set[str]] = {}
        if not asked or not shown:
            return found, unread
        sources = {str(body[row.key]): object_id for object_id, body in shown.items()}
        async with aclosing(link_slices(self.graph, row, asked, list(shown.values()))) as slices:
            async for some, failed in slices:
                for one in some:
                    targets = found.setdefault(sources[one.source], {}).setdefault(one.link, {})
                    targets.update({target.id: target.type for target in one.added})
                for lost in failed:
                    unread.setdefault(sources[lost.object_id], set()).add(lost.what)
        return found, unread

    async def _deleted(self, row: ObjectType, ids: set[str]) -> dict[str, Json]:
        """Those of the ids that wait in the recycle bin, with what it shows of them."""
        if not has_recycle_bin(self.graph, row):
            return {}
        known = self.bins.listed if self.bins else {}
        if row.name not in known:
            known[row.name], found = await self._listed_bin(row, ids)
            return found
        kept = known[row.name]
        if kept is None:
            _, found = await self._listed_bin(row, ids)
            return found
        unpacked = zstandard.ZstdDecompressor().decompress
        return {one: orjson.loads(unpacked(kept[one])) for one in ids if one in kept}

    async def _listed_bin(self, row: ObjectType, ids: set[str]) -> tuple[dict[str, bytes] | None, dict[str, Json]]:
        """The recycle bin of a type, None if it is not to be kept or too long for it, and what it has of the ids."""
        wants = wanted(row, self.reading, self.graph.endpoints.cloud)
        packed = zstandard.ZstdCompressor(level=1).compress
        whole: dict[str, bytes] | None = {} if self.bins else None
        found: dict[str, Json] = {}
        try:
            async with aclosing(deleted(self.graph, row, select=wants.tracked)) as listed:
                async for bodies in listed:
                    for body in bodies:
                        if row.odata_type and body.get(TYPE) not in (None, row.odata_type):
                            continue
                        fill_absent(body, wants.tracked)
                        volatile_splitter(row.volatile)(body)
                        key = str(body.get(row.key))
                        if whole is not None:
                            whole[key] = packed(orjson.dumps(body))
                        if key in ids:
                            found[key] = body
                    if whole is not None and len(whole) > KEPT_DELETED:
                        whole = None
        except NotFound:
            return {}, {}
        return whole, found


async def still_live(graph: Graph, references: Mapping[str, str], reader: PresentReader) -> set[str]:
    """Those of the ids (→ their types) that do not exist any more."""
    in_directory = [one for one, kind in references.items() if kind in IN_DIRECTORY or kind not in OBJECT_TYPES]
    there = await get_by_ids(graph, in_directory, permission="Directory.Read.All") if in_directory else {}
    gone = {one for one in in_directory if one not in there}
    others = [Wanted(kind, one, {}) for one, kind in references.items() if one not in in_directory]
    others = [one for one in others if not OBJECT_TYPES[one.object_type].parent]
    if others:
        states = await reader.read(others, links=False)
        gone |= {one for (_, one), state in states.items() if state.liveness in ("absent", "softDeleted")}
    return gone


def link_names(row: ObjectType, wanted_body: Json) -> list[Link]:
    """The links that are asked for of such an object."""
    return [link for link in row.links if link.reading != "inverse" and holds(link.where, wanted_body)]


__all__ = ["EntraError", "PresentReader", "own_key", "read_wanted", "reading_of", "restored_rows", "still_live"]
