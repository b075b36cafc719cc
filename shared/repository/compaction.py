"""Compaction: when reading a type would slow down, its view is written as one new base for the next manifest.

Nothing old is touched: restore points that exist keep their own layers, and expiry takes what they leave.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from shared.repository.manifest import Layer, SegmentRef
from shared.repository.records import Holds, LinkRecord, ObjectRecord
from shared.repository.segments import SegmentWriter, store_segment
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

# Each layer costs a lookup of one object a request or two more.
MAX_LAYERS = 32
# Past this many segments (runs of many small slices), the same.
MAX_SEGMENTS = 128
# When the changes are more than this share of the base, most of the base is read in vain.
MAX_CHANGED_SHARE = 0.5


def needs_compaction(layers: Sequence[Layer]) -> bool:
    """Whether a view of these layers is better written anew."""
    if len(layers) < 2:
        return False
    if len(layers) > MAX_LAYERS or sum(len(layer.segments) for layer in layers) > MAX_SEGMENTS:
        return True
    base, *changes = (sum(segment.records for segment in layer.segments) for layer in layers)
    return sum(changes) > max(base, 1_000) * MAX_CHANGED_SHARE


async def compact(view: TypeView, store: BlobStore, *, now: datetime | None = None) -> Layer:
    """The whole view as one new layer, in `store`; safe to repeat: the same view makes the same segments."""

    def put_objects(writer: SegmentWriter, batch: list[ObjectRecord]) -> None:
        for record in batch:
            writer.put_object(record.object_id, record.body, record.volatile)

    def put_links(writer: SegmentWriter, batch: list[LinkRecord]) -> None:
        for record in batch:
            writer.put_link(record.source_id, record.link, record.target_id, record.target_type)

    objects = _Rewriter(view, store, "objects", put_objects, now)
    async for batch in view.object_batches():
        await objects.add(batch)
    links = _Rewriter(view, store, "links", put_links, now)
    async for edges in view.link_batches():
        await links.add(edges)
    return Layer(await objects.finish(), await links.finish())


class _Rewriter[T]:
    """Puts batches into segments, one after the other as they fill."""

    def __init__(
        self,
        view: TypeView,
        store: BlobStore,
        holds: Holds,
        put: Callable[[SegmentWriter, list[T]], None],
        now: datetime | None,
    ) -> None:
        self._view = view
        self._store = store
        self._holds: Holds = holds
        self._put = put
        self._now = now
        self._writer = SegmentWriter(view.object_type, holds)
        self._stored: list[SegmentRef] = []

    async def add(self, batch: list[T]) -> None:
        await asyncio.to_thread(self._put, self._writer, batch)
        if self._writer.is_full:
            await self._store_segment()

    async def finish(self) -> tuple[SegmentRef, ...]:
        if self._writer.records:
            await self._store_segment()
        return tuple(self._stored)

    async def _store_segment(self) -> None:
        with await asyncio.to_thread(self._writer.finish) as draft:
            self._stored.append(await store_segment(self._store, self._view.tenant_id, draft, now=self._now))
        self._writer = SegmentWriter(self._view.object_type, self._holds)
