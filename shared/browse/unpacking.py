"""Unpack a restore point, a slice at a time: object types one after the other, each read once and written as columns.

A slice ends after the segment in which its time runs out and leaves a checkpoint; a retried slice does the same again,
and since files are named by content what it wrote before does no harm. Memory follows PART_ROWS, not the tenant.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import orjson

from shared.browse.columns import COLUMNS, LINK_COLUMNS, references_of, row_of
from shared.browse.engine import connect, write_parquet
from shared.browse.files import IndexFiles
from shared.browse.index import (
    Part,
    TypeIndex,
    digests,
    find_type_index,
    indexes_prefix,
    part_name,
    store_type_index,
)
from shared.browse.origins import Captures, Origins
from shared.browse.tombstones import tombstones
from shared.repository.manifest import Manifest
from shared.repository.records import ObjectRecord, canonical
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

if TYPE_CHECKING:
    import duckdb

PART_ROWS = 50_000
"""Rows of a Parquet file: what is in memory at a time, some 60 MB of objects."""

Stage = Literal["objects", "links"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an unpacking goes on: which type, what of it, from which segment; and the files of that type so far."""

    position: int = 0
    stage: Stage = "objects"
    segment: int = 0
    done: int = 0
    objects: tuple[Part, ...] = ()
    links: tuple[Part, ...] = ()

    def as_bytes(self) -> bytes:
        """The checkpoint's file."""
        return canonical({
            "position": self.position, "stage": self.stage, "segment": self.segment, "done": self.done,
            "objects": [part.as_json() for part in self.objects], "links": [part.as_json() for part in self.links],
        })

    @staticmethod
    def from_bytes(content: bytes) -> "Checkpoint":
        """The inverse of as_bytes."""
        found = orjson.loads(content)
        return Checkpoint(
            found["position"], found["stage"], found["segment"], found["done"],
            tuple(Part.from_json(part) for part in found["objects"]),
            tuple(Part.from_json(part) for part in found["links"]),
        )


@dataclass(slots=True)
class Unpacking:
    """One restore point being unpacked."""

    vault: BlobStore
    workspace: BlobStore
    manifest: Manifest
    files: IndexFiles | None = None
    slice_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _names: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        """The types to be unpacked, in the order of the manifest."""
        self._names = list(digests(self.manifest).items())

    @property
    def total(self) -> int:
        """Objects of the whole restore point."""
        return sum(self._count(name) for name, _ in self._names)

    async def slice(self, start: Checkpoint) -> Checkpoint | None:
        """Work from a checkpoint on for a bounded time; the next checkpoint, or None at the end."""
        origins = Origins(self.vault, self.manifest, clock=self.clock)
        deadline = self.clock() + self.slice_seconds
        with TemporaryDirectory(prefix="cairn-unpack-") as folder:
            connection = await asyncio.to_thread(connect, Path(folder))
            try:
                reached = start
                while reached.position < len(self._names):
                    reached = await self._type(_Parts(self, connection, Path(folder)), reached, origins, deadline)
                    if self.clock() >= deadline and reached.position < len(self._names):
                        return reached
            finally:
                connection.close()
        return None

    async def _type(
        self, parts: "_Parts", start: Checkpoint, origins: Origins, deadline: float
    ) -> Checkpoint:
        """One type from a checkpoint on: to its end, or to the segment in which the time runs out."""
        name, digest = self._names[start.position]
        following = Checkpoint(position=start.position + 1, done=start.done + self._count(name))
        if start.segment == 0 and start.stage == "objects" and await find_type_index(
            self.workspace, self.manifest.tenant_id, name, digest
        ):
            return following
        parts.begin(name, digest)
        view = TypeView(self.vault, self.manifest.tenant_id, name, self.manifest.types[name].layers)
        reached = start
        if reached.stage == "objects":
            captures = await origins.of_type(name)
            reached, whole = await self._objects(view, parts, reached, captures, deadline)
            if not whole:
                return reached
            reached = replace(reached, stage="links", segment=0)
        reached, whole = await self._links(view, parts, reached, deadline)
        if not whole:
            return reached
        index = TypeIndex(self.manifest.tenant_id, name, digest, reached.objects, reached.links)
        await store_type_index(self.workspace, index)
        return following

    async def _objects(
        self, view: TypeView, parts: "_Parts", start: Checkpoint, captures: Captures, deadline: float
    ) -> tuple[Checkpoint, bool]:
        last = start.segment
        async for segment, batch in view.object_segments(start.segment):
            if segment != last and self.clock() >= deadline:
                return await parts.flushed(replace(start, segment=segment)), False
            last = segment
            rows, named = await asyncio.to_thread(_rows, batch, captures)
            await parts.add("objects", rows)
            await parts.add("links", named)
        async for record, reason, captured in tombstones(view, captures):
            await parts.add("objects", [row_of(record, *captured, removed=reason)])
        return await parts.flushed(start), True

    async def _links(
        self, view: TypeView, parts: "_Parts", start: Checkpoint, deadline: float
    ) -> tuple[Checkpoint, bool]:
        last = start.segment
        async for segment, batch in view.link_segments(start.segment):
            if segment != last and self.clock() >= deadline:
                return await parts.flushed(replace(start, segment=segment)), False
            last = segment
            await parts.add("links", [
                (link.source_id, link.source_type, link.link, link.target_id, link.target_type) for link in batch
            ])
        return await parts.flushed(start), True

    def _count(self, name: str) -> int:
        return self.manifest.types[name].counts.get("objects", 0)


class _Parts:
    """Collects rows of one type and writes them, PART_ROWS a file."""

    def __init__(self, work: Unpacking, connection: "duckdb.DuckDBPyConnection", folder: Path) -> None:
        self._work, self._connection, self._folder = work, connection, folder
        self._name = self._digest = ""
        self._waiting: dict[Stage, list[Sequence[Any]]] = {"objects": [], "links": []}
        self._written: dict[Stage, list[Part]] = {"objects": [], "links": []}

    def begin(self, name: str, digest: str) -> None:
        """Collect for this type."""
        self._name, self._digest = name, digest

    async def add(self, stage: Stage, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows, and write a file when there are enough of them."""
        self._waiting[stage] += rows
        if len(self._waiting[stage]) >= PART_ROWS:
            await self._flush(stage)

    async def flushed(self, start: Checkpoint) -> Checkpoint:
        """Write what waits; the checkpoint with all files written since the last time."""
        for stage in self._waiting:
            await self._flush(stage)
        objects, links = (tuple(self._written[stage]) for stage in ("objects", "links"))
        self._written = {"objects": [], "links": []}
        return replace(start, objects=start.objects + objects, links=start.links + links)

    async def _flush(self, stage: Stage) -> None:
        rows, self._waiting[stage] = self._waiting[stage], []
        if not rows:
            return
        content = await asyncio.to_thread(self._write, stage, rows)
        sha256 = hashlib.sha256(content).hexdigest()
        await self._work.workspace.put(
            part_name(self._work.manifest.tenant_id, self._name, self._digest, sha256), content
        )
        if self._work.files is not None:
            self._work.files.keep(content, sha256)
        self._written[stage].append(Part(sha256, len(rows), len(content)))

    def _write(self, stage: Stage, rows: Sequence[Sequence[Any]]) -> bytes:
        path = self._folder / "part.parquet"
        write_parquet(self._connection, COLUMNS if stage == "objects" else LINK_COLUMNS, rows, path)
        content = path.read_bytes()
        path.unlink()
        return content


def _rows(batch: Sequence[ObjectRecord], captures: Captures) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
    """The rows of objects, and of the objects that their bodies name."""
    rows: list[Sequence[Any]] = [row_of(record, *captures.of(record.object_id)) for record in batch]
    return rows, [name for one in batch for name in references_of(one)]


async def save_checkpoint(workspace: BlobStore, tenant_id: str, task_id: str, reached: Checkpoint) -> str:
    """The name under which the checkpoint now lies; safe to repeat."""
    content = reached.as_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    name = f"{indexes_prefix(tenant_id)}checkpoints/{hashlib.sha256(task_id.encode()).hexdigest()[:16]}/{digest}.json"
    await workspace.put(name, content)
    return name


async def load_checkpoint(workspace: BlobStore, name: str) -> Checkpoint:
    """The checkpoint of that name, or the beginning for an empty one."""
    return Checkpoint.from_bytes(await workspace.get(name)) if name else Checkpoint()


async def drop_checkpoints(workspace: BlobStore, tenant_id: str, task_id: str) -> None:
    """Delete a finished unpacking's checkpoints; safe to repeat."""
    prefix = f"{indexes_prefix(tenant_id)}checkpoints/{hashlib.sha256(task_id.encode()).hexdigest()[:16]}/"
    for name in [entry.name async for entry in workspace.list(prefix)]:
        await workspace.delete(name)
