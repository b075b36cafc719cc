"""One restore point, object by object: find one, follow its links both ways, and name what they lead to.

Works on packed restore points too, from sidecars and the frames that they point at; where an index exists, names and
backward links come from it, which is quicker.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from shared.browse.columns import display_name
from shared.browse.files import IndexFiles
from shared.browse.index import NotUnpacked
from shared.catalog import OBJECT_TYPES
from shared.catalog.paths import values
from shared.catalog.row import Link
from shared.errors import UnknownRecord
from shared.repository.manifest import Manifest
from shared.repository.records import LinkRecord, ObjectRecord, link16
from shared.repository.sidecar import column
from shared.repository.store import BlobStore, at_once
from shared.repository.view import TypeView

FIRST = ("user", "group", "servicePrincipal", "application", "device", "administrativeUnit", "directoryRole")
"""Types in which an id is looked for first: most ids are theirs."""

PRINCIPALS = ("user", "group", "servicePrincipal", "device", "administrativeUnit", "application")

_OBJECT_ID = re.compile(r"[\x20-\x7e\u00a0-\U0010ffff]{1,512}")


@dataclass(frozen=True, slots=True)
class Target:
    """What a link leads to; `name` is None where the restore point does not hold it."""

    object_id: str
    object_type: str
    name: str | None

    def as_json(self) -> dict[str, Any]:
        """As the interface shows it."""
        return {"id": self.object_id, "displayName": self.name, "type": self.object_type}


@dataclass(slots=True)
class Point:
    """A restore point being read; `workspace` and `files` let it use an index where there is one."""

    vault: BlobStore
    manifest: Manifest
    workspace: BlobStore | None = None
    files: IndexFiles | None = None
    _views: dict[str, TypeView] = field(default_factory=dict)

    def view(self, object_type: str) -> TypeView:
        """The view of a type, empty where the restore point knows none."""
        if object_type not in self._views:
            entry = self.manifest.types.get(object_type)
            layers = entry.layers if entry else ()
            self._views[object_type] = TypeView(self.vault, self.manifest.tenant_id, object_type, layers)
        return self._views[object_type]

    async def find(self, object_id: str, object_type: str | None = None) -> ObjectRecord | None:
        """The object of that id, or None; without a type the one that people mean first."""
        if not _OBJECT_ID.fullmatch(object_id):
            return None
        if object_type is not None:
            return (await self.view(object_type).objects_by_id([object_id])).get(object_id)
        rest = tuple(name for name in self.manifest.types if name not in FIRST)
        for types in (FIRST, rest):
            for found in await at_once(self.view(name).objects_by_id([object_id]) for name in types):
                if object_id in found:
                    return found[object_id]
        return None

    async def get(self, object_id: str, object_type: str | None = None) -> ObjectRecord:
        """As `find`; UnknownRecord if it is not there."""
        found = await self.find(object_id, object_type)
        if found is None:
            raise UnknownRecord(f"Restore point {self.manifest.backup_id} holds no such object.")
        return found

    async def forward(self, record: ObjectRecord) -> dict[str, list[tuple[str, str]]]:
        """Link name → (id, type) of all that it leads to, in the order of ids."""
        links: dict[str, list[tuple[str, str]]] = {}
        for link in (await self.view(record.object_type).links_of([record.object_id]))[record.object_id]:
            links.setdefault(link.link, []).append((link.target_id, link.target_type))
        return {name: sorted(targets) for name, targets in sorted(links.items())}

    async def backward(self, record: ObjectRecord, link: Link) -> list[tuple[str, str]]:
        """(id, type) of the objects that hold an inverse link to this one: the sources of a link, or the objects
        whose property names it."""
        found: set[tuple[str, str]] = set()
        for holder in link.held_by:
            name, _, what = holder.partition(".")
            if any(one.name == what for one in OBJECT_TYPES[name].links):
                found |= {(one.source_id, name) for one in await self.links_to(name, what, [record.object_id])}
            else:
                found |= {(one.object_id, name) for one in await self.naming(name, what, [record.object_id])}
        return sorted(found)

    async def links_to(self, object_type: str, link: str, target_ids: Collection[str]) -> list[LinkRecord]:
        """The links of this name that objects of a type have to any of these targets."""
        rows = await self._indexed(object_type, "links", (
            "SELECT source, sourceType, link, target, targetType FROM read_parquet($paths::VARCHAR[]) "
            "WHERE link = $link AND list_contains($ids::VARCHAR[], target)"
        ), {"link": link, "ids": list(target_ids)})
        if rows is not None:
            return [
                LinkRecord(row["sourceType"], row["source"], link, row["target"], row["targetType"]) for row in rows
            ]
        view = self.view(object_type)
        wanted = np.frombuffer(b"".join(link16(link, one) for one in target_ids), ">u8").astype(np.uint64)
        found: list[LinkRecord] = []
        for first, last in await view.ranges("links"):
            winners = await view.winners_between("links", first, last)
            if not len(winners):
                continue
            entries = winners.entries
            high, low = column(entries, "hash_hi"), column(entries, "hash_lo")
            found += await view.read_links(winners.only(np.isin(high, wanted[::2]) & np.isin(low, wanted[1::2])))
        ids = set(target_ids)
        return [one for one in found if one.link == link and one.target_id in ids]

    async def naming(self, object_type: str, path: str, object_ids: Collection[str]) -> list[ObjectRecord]:
        """The objects of a type whose property at this path names any of these ids."""
        rows = await self._indexed(object_type, "links", (
            "SELECT DISTINCT source FROM read_parquet($paths::VARCHAR[]) "
            "WHERE link = $link AND list_contains($ids::VARCHAR[], target)"
        ), {"link": path, "ids": list(object_ids)})
        view = self.view(object_type)
        if rows is not None:
            return list((await view.objects_by_id([row["source"] for row in rows])).values())
        ids = set(object_ids)
        return [
            record async for batch in view.object_batches() for record in batch
            if not ids.isdisjoint(one for one in values(record.body, path) if isinstance(one, str))
        ]

    async def names(self, targets: Iterable[tuple[str, str]]) -> list[Target]:
        """The targets with their names, in their order; a type that says nothing is found out."""
        wanted = list(targets)
        by_type: dict[str, list[str]] = {}
        for object_id, object_type in wanted:
            types = (object_type,) if object_type in self.manifest.types else PRINCIPALS
            for name in types:
                by_type.setdefault(name, []).append(object_id)
        found: dict[str, tuple[str, str | None]] = {}
        for name, ids in by_type.items():
            for object_id, called in (await self._names(name, ids)).items():
                found.setdefault(object_id, (name, called))
        return [
            Target(object_id, *(found.get(object_id) or (object_type, None))) for object_id, object_type in wanted
        ]

    async def has_index(self, object_type: str) -> bool:
        """Whether questions about the type are answered from an index."""
        async with self._paths(object_type, "links") as paths:
            return paths is not None

    async def _names(self, object_type: str, ids: Sequence[str]) -> Mapping[str, str | None]:
        rows = await self._indexed(object_type, "objects", (
            "SELECT objectId, displayName FROM read_parquet($paths::VARCHAR[]) "
            "WHERE removed IS NULL AND list_contains($ids::VARCHAR[], objectId)"
        ), {"ids": list(ids)})
        if rows is not None:
            return {row["objectId"]: row["displayName"] for row in rows}
        records = await self.view(object_type).objects_by_id(ids)
        return {one.object_id: display_name(one.body) or one.object_id for one in records.values()}

    async def _indexed(
        self, object_type: str, what: Literal["objects", "links"], sql: str, parameters: Mapping[str, Any]
    ) -> list[dict[str, Any]] | None:
        """The rows of a query over the type's index, or None where there is none."""
        async with self._paths(object_type, what) as paths:
            if paths is None or self.files is None:
                return None
            return await self.files.engine.rows(sql, {**parameters, "paths": paths}) if paths else []

    @asynccontextmanager
    async def _paths(self, object_type: str, what: Literal["objects", "links"]) -> AsyncIterator[list[str] | None]:
        if self.workspace is None or self.files is None:
            yield None
            return
        async with AsyncExitStack() as stack:
            opening = self.files.of_types(self.workspace, self.manifest, [object_type], what)
            try:
                paths = await stack.enter_async_context(opening)
            except NotUnpacked:
                paths = None
            yield paths
