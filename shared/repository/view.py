"""The view of one object type: what a list of layers says, later wins.

Invariants (docs/repository-format.md, "Reading"): of several records of one key the last wins; a removed
object is not in the view and hides its own earlier links; links to it stay. Everything is decided on
sidecars, a range of ids at a time, so memory follows the range and not the tenant; only then are the frames
that hold wanted records opened.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.errors import Corrupt
from shared.repository.frame_reader import FrameReader, Hidden
from shared.repository.manifest import Layer, SegmentRef
from shared.repository.records import Holds, LinkRecord, ObjectRecord, id16, parse_link, parse_object
from shared.repository.sidecar import (
    CUT,
    ENTRY,
    OFFSET_SHIFT,
    REMOVED,
    SUPERSEDED,
    Entries,
    Mask,
    column,
    joined,
    key_order,
)
from shared.repository.sidecar_reader import LAST_PLACE, SidecarReader
from shared.repository.store import BlobStore, at_once

# Entries of all layers together that are merged at a time: about 25 MB with what sorting needs.
CHUNK_ENTRIES = 200_000

type Fetch = Callable[[SidecarReader], Awaitable[Entries]]
type Cuts = dict[tuple[int, int], int]  # id16 as two numbers -> the last layer whose links are hidden


@dataclass(frozen=True, slots=True)
class Winners:
    """The live entries of a range of ids or of some ids, in key order, and which segment of the view each is
    from."""

    entries: Entries
    segments: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.entries)

    def only(self, mask: Mask | npt.NDArray[np.intp]) -> "Winners":
        """Those that the mask or the places choose."""
        return Winners(self.entries[mask], self.segments[mask])

    def places(self) -> npt.NDArray[np.uint64]:
        """Where each lies in its segment: the frame in the upper half, the offset in the lower."""
        frames = self.entries["frame"].astype(np.uint64) << np.uint64(32)
        return frames | (self.entries["bits"] >> np.uint32(OFFSET_SHIFT)).astype(np.uint64)

    def keys(self) -> list[bytes]:
        """The id16 of each."""
        content = np.ascontiguousarray(self.entries).tobytes()
        return [content[at : at + 16] for at in range(0, len(content), ENTRY.itemsize)]

    def hashes(self) -> list[bytes]:
        """The hash16 of each."""
        content = np.ascontiguousarray(self.entries).tobytes()
        return [content[at + 16 : at + 32] for at in range(0, len(content), ENTRY.itemsize)]


class TypeView:
    """One object type as some layers have it; read-only, and safe to use from one event loop."""

    def __init__(self, store: BlobStore, tenant_id: str, object_type: str, layers: Sequence[Layer]) -> None:
        self.object_type = object_type
        self.layers = tuple(layers)
        self._sidecars: dict[Holds, list[SidecarReader]] = {"objects": [], "links": []}
        self._layer_of: dict[Holds, list[int]] = {"objects": [], "links": []}
        self.store = store
        self.tenant_id = tenant_id
        for number, layer in enumerate(layers):
            sorts: tuple[tuple[Holds, tuple[SegmentRef, ...]], ...] = (
                ("objects", layer.objects),
                ("links", layer.links),
            )
            for holds, segments in sorts:
                self._sidecars[holds] += [SidecarReader(store, tenant_id, segment) for segment in segments]
                self._layer_of[holds] += [number] * len(segments)

    async def objects(self) -> AsyncIterator[ObjectRecord]:
        """Every object, in the order of segments; Missing or Corrupt if one cannot be read."""
        async for batch in self._batches("objects", parse_object):
            for record in batch:
                yield record

    async def links(self) -> AsyncIterator[LinkRecord]:
        """Every link, in the order of segments, dangling ones too."""
        async for batch in self._batches("links", parse_link):
            for record in batch:
                yield record

    async def object_batches(self) -> AsyncIterator[list[ObjectRecord]]:
        """As `objects`, some thousand at a time: cheaper where every object is read."""
        async for batch in self._batches("objects", parse_object):
            yield batch

    async def link_batches(self) -> AsyncIterator[list[LinkRecord]]:
        """As `links`, some thousand at a time."""
        async for batch in self._batches("links", parse_link):
            yield batch

    async def object_segments(self, first: int = 0) -> AsyncIterator[tuple[int, list[ObjectRecord]]]:
        """As `object_batches`, each with the number of the segment that holds it, from segment `first` on: for
        reading a large type in several goes, and for telling which backup captured an object."""
        async for part in self._segments("objects", parse_object, first):
            yield part

    async def link_segments(self, first: int = 0) -> AsyncIterator[tuple[int, list[LinkRecord]]]:
        """As `object_segments`, of links."""
        async for part in self._segments("links", parse_link, first):
            yield part

    async def objects_by_id(self, object_ids: Iterable[str]) -> dict[str, ObjectRecord]:
        """Those of the objects that are in the view, by id; each record's hash is checked."""
        keys = {id16(object_id) for object_id in object_ids}
        found = await self.read_objects(await self._sure_winners("objects", keys))
        return {record.object_id: record for record in found}

    async def links_of(self, source_ids: Iterable[str]) -> dict[str, list[LinkRecord]]:
        """The links of each of the sources (an empty list where it has none)."""
        links: dict[str, list[LinkRecord]] = {source_id: [] for source_id in source_ids}
        keys = {id16(source_id) for source_id in links}
        for record in await self.read_links(await self._sure_winners("links", keys)):
            links[record.source_id].append(record)
        return links

    async def hashes_of(self, object_ids: Collection[str]) -> dict[str, bytes]:
        """The hash16 of those of the objects that are in the view, without opening a segment."""
        ids = {id16(object_id): object_id for object_id in object_ids}
        winners = await self._sure_winners("objects", set(ids))
        return {ids[key]: hash16 for key, hash16 in zip(winners.keys(), winners.hashes(), strict=True)}

    async def count(self, holds: Holds) -> int:
        """How many objects or links the view has."""
        return sum([len(await self.winners_between(holds, *part)) for part in await self.ranges(holds)])

    async def ranges(self, *holds: Holds) -> list[tuple[int, int]]:
        """Ranges of the first byte of id16 that hold about CHUNK_ENTRIES entries each."""
        heads = await at_once(sidecar.head() for sort in holds for sidecar in self._sidecars[sort])
        return split_range([head.fan_out for head in heads])

    async def fan_outs(self, holds: Holds) -> list[tuple[int, ...]]:
        """The fan-out of every segment."""
        return [head.fan_out for head in await at_once(one.head() for one in self._sidecars[holds])]

    def same_store(self, other: "TypeView") -> bool:
        """Whether both lie in one place, so that equal layers are the same blobs."""
        return self.store is other.store and self.tenant_id == other.tenant_id

    def sidecar_of(self, segment: SegmentRef) -> SidecarReader:
        """The reader of one of the view's sidecars."""
        return next(one for sort in self._sidecars.values() for one in sort if one.segment == segment)

    async def winners_between(self, holds: Holds, first: int, last: int) -> Winners:
        """What is live among ids whose id16 begins with a byte in [first, last]."""
        return await self._winners(holds, _between(first, last))

    async def winners_of(self, holds: Holds, keys: Collection[bytes]) -> Winners:
        """What is live of these id16s."""
        return await self._winners(holds, lambda sidecar: sidecar.entries_of(keys))

    async def read_objects(self, winners: Winners) -> list[ObjectRecord]:
        """The objects of these entries, in their order; Corrupt if one is not what its entry says."""
        records = await self._read("objects", winners, parse_object)
        for record, hash16 in zip(records, winners.hashes(), strict=True):
            if record.hash16 != hash16 or record.object_type != self.object_type:
                raise Corrupt(f"an object of type {self.object_type} is not what its sidecar says")
        return records

    async def read_links(self, winners: Winners) -> list[LinkRecord]:
        """The links of these entries, in their order."""
        records = await self._read("links", winners, parse_link)
        for record, key in zip(records, winners.keys(), strict=True):
            if id16(record.source_id) != key or record.source_type != self.object_type:
                raise Corrupt(f"a link of type {self.object_type} is not what its sidecar says")
        return records

    async def _read[T](self, holds: Holds, winners: Winners, decode: Callable[[bytes], T]) -> list[T]:
        places = winners.places().tolist()
        by_segment: dict[int, list[tuple[int, int]]] = {}
        located = [
            (segment, (place >> 32, place & 0xFFFFFFFF))
            for segment, place in zip(winners.segments.tolist(), places, strict=True)
        ]
        for segment, place in located:
            by_segment.setdefault(segment, []).append(place)
        found = {
            segment: await self._frames(holds, segment).lines_at(wanted, decode)
            for segment, wanted in by_segment.items()
        }
        return [found[segment][place] for segment, place in located]

    async def _batches[T](self, holds: Holds, decode: Callable[[bytes], T]) -> AsyncIterator[list[T]]:
        async for _, batch in self._segments(holds, decode, 0):
            yield batch

    async def _segments[T](
        self, holds: Holds, decode: Callable[[bytes], T], first: int
    ) -> AsyncIterator[tuple[int, list[T]]]:
        hidden = await self._hidden(holds)
        for segment in range(first, len(self._sidecars[holds])):
            async for batch in self._frames(holds, segment).lines_but(hidden[segment], decode):
                yield segment, batch

    async def _hidden(self, holds: Holds) -> list[Hidden]:
        """For each segment, the lines that are not live."""
        hidden: list[dict[int, set[int]]] = [{} for _ in self._sidecars[holds]]
        for first, last in await self.ranges(holds):
            fetch = _between(first, last)
            entries, segments = await self._gathered(holds, fetch)
            live = await self._live(holds, entries, segments, fetch)
            dead = np.ones(len(entries), np.bool_)
            dead[live] = False
            for segment, place in zip(
                segments[dead].tolist(), Winners(entries[dead], segments[dead]).places().tolist(), strict=True
            ):
                hidden[segment].setdefault(place >> 32, set()).add(place & 0xFFFFFFFF)
        return list(hidden)

    async def _sure_winners(self, holds: Holds, keys: set[bytes]) -> Winners:
        """As `winners_of`; what is not found is looked for again where checksums hold, so that absent means absent."""
        found = await self.winners_of(holds, keys)
        absent = keys.difference(found.keys())
        if not absent:
            return found
        return concatenated([found, await self._winners(holds, lambda sidecar: sidecar.entries_of_buckets(absent))])

    async def _winners(self, holds: Holds, fetch: Fetch) -> Winners:
        entries, segments = await self._gathered(holds, fetch)
        return Winners(entries, segments).only(await self._live(holds, entries, segments, fetch))

    async def _gathered(self, holds: Holds, fetch: Fetch) -> tuple[Entries, npt.NDArray[np.int32]]:
        """The fetched entries of every segment, one segment after the other."""
        parts = await at_once(fetch(sidecar) for sidecar in self._sidecars[holds])
        if not parts:
            return np.empty(0, ENTRY), np.empty(0, np.int32)
        segments = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
        return joined(parts), segments

    async def _live(
        self, holds: Holds, entries: Entries, segments: npt.NDArray[np.int32], fetch: Fetch
    ) -> npt.NDArray[np.intp]:
        """The places of the live entries, in key order."""
        live = await asyncio.to_thread(_last_of_each, entries, segments, holds)
        if holds == "objects" or not len(live):
            return live
        cuts = await self._cuts(fetch)
        if not cuts:
            return live
        layers = np.array(self._layer_of["links"], np.int32)[segments[live]]
        return live[~_is_cut(entries[live], layers, cuts)]

    async def _cuts(self, fetch: Fetch) -> Cuts:
        """Up to which layer each source's links are hidden by a removal."""
        cuts: Cuts = {}
        by_layer: dict[int, list[SidecarReader]] = {}
        for sidecar, layer in zip(self._sidecars["objects"], self._layer_of["objects"], strict=True):
            # In a layer with removals, the segments from the first of them on: a later one may bring the
            # object back.
            if sidecar.segment.removals or layer in by_layer:
                by_layer.setdefault(layer, []).append(sidecar)
        for layer, sidecars in by_layer.items():
            entries = joined(await at_once(fetch(sidecar) for sidecar in sidecars))
            cut_ids = {_pair(entry) for entry in entries[(entries["bits"] & CUT) != 0][["id_hi", "id_lo"]].tolist()}
            if not cut_ids:
                continue
            order, same = key_order(entries, "objects")
            last = entries[order][_group_ends(same, len(order))]
            for high, low, bits in last[["id_hi", "id_lo", "bits"]].tolist():
                if (high, low) in cut_ids:
                    cuts[high, low] = layer if bits & REMOVED else layer - 1
        return cuts

    def _frames(self, holds: Holds, segment: int) -> FrameReader:
        return FrameReader(self.store, self.tenant_id, self._sidecars[holds][segment])


def _between(first: int, last: int) -> Fetch:
    return lambda sidecar: sidecar.entries_between(first, last)


def concatenated(parts: Sequence[Winners]) -> Winners:
    """Winners of one view, one part after the other."""
    segments = np.concatenate([np.empty(0, np.int32), *(part.segments for part in parts)])
    return Winners(joined([part.entries for part in parts]), segments)


def split_range(fan_outs: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """The first bytes of ids, 0 to 255, in ranges that together have about CHUNK_ENTRIES entries in these
    segments."""
    if not fan_outs:
        return []
    totals = np.sum(np.array(fan_outs, np.int64), axis=0)
    ranges: list[tuple[int, int]] = []
    first, before = 0, 0
    for place in range(LAST_PLACE + 1):
        after = int(totals[place + 1]) if place < LAST_PLACE else None
        if after is None or after - before > CHUNK_ENTRIES:
            ranges.append((first, place))
            first, before = place + 1, int(totals[place])
    return ranges


def _last_of_each(entries: Entries, segments: npt.NDArray[np.int32], holds: Holds) -> npt.NDArray[np.intp]:
    """The places of the entries that win and are no removals, in key order."""
    gone = (entries["bits"] & (REMOVED | SUPERSEDED)) != 0
    if not len(segments) or segments[0] == segments[-1]:  # one segment is sorted already and knows its own winners
        return np.flatnonzero(~gone)
    order, same = key_order(entries, holds)
    last = order[_group_ends(same, len(order))]
    winners: npt.NDArray[np.intp] = last[~gone[last]]
    return winners


def _group_ends(same: Mask, length: int) -> Mask:
    ends: Mask = np.ones(length, np.bool_)
    ends[:-1] = ~same
    return ends


def _is_cut(links: Entries, layers: npt.NDArray[np.int32], cuts: Cuts) -> Mask:
    """Which links are hidden by a removal of their source."""
    highs = np.array([high for high, _ in cuts], np.uint64)
    hidden: Mask = np.zeros(len(links), np.bool_)
    candidates = np.flatnonzero(np.isin(column(links, "id_hi"), highs))
    keys = links[candidates][["id_hi", "id_lo"]].tolist()
    hidden[candidates] = [
        layer <= cuts.get(_pair(key), -1) for key, layer in zip(keys, layers[candidates].tolist(), strict=True)
    ]
    return hidden


def _pair(key: tuple[int, int]) -> tuple[int, int]:
    return key[0], key[1]
