"""Reading a stored sidecar by parts: head, frames, the entries of a range of ids, or those of some ids.

Small sidecars are read whole, once. In a large one an id is looked for where its value says that it should
lie: ids are hashes, so the guess is off by few entries; where it is off by more, the id's whole 256th of the
sidecar is read.
"""

import asyncio
import math
from bisect import bisect_right
from collections.abc import Collection, Iterable

import numpy as np

from shared.errors import Corrupt
from shared.repository.manifest import SegmentRef
from shared.repository.names import sidecar_name
from shared.repository.sidecar import (
    ENTRY,
    ENTRY_BYTES,
    Entries,
    Frame,
    SidecarHead,
    bucket_checksums,
    check_belongs,
    check_sidecar,
    column,
    joined,
    parse_entries,
    parse_frames,
    parse_head,
)
from shared.repository.store import BlobStore, at_once

# Up to here one request for all is better than several for parts.
WHOLE_BYTES = 256 * 1024
# Head, fan-out and some 950 frames: enough for nearly every segment in one request.
HEAD_BYTES = 16 * 1024
# Parts closer than this are read in one request.
GAP_ENTRIES = 2_048
# How far from its guess an id is looked for, in standard deviations of a uniform draw, and a few entries
# more.
DEVIATIONS, MARGIN_ENTRIES = 4, 8
LAST_PLACE = 255


class SidecarReader:
    """One segment's sidecar in a store; what was read of its head is kept."""

    def __init__(self, store: BlobStore, tenant_id: str, segment: SegmentRef) -> None:
        self.segment = segment
        self._store = store
        self._name = sidecar_name(tenant_id, segment.sidecar_sha256)
        self._head: SidecarHead | None = None
        self._frames: list[Frame] = []
        self._whole: Entries | None = None

    async def head(self) -> SidecarHead:
        """The head, checked against the segment; Missing, Corrupt or UnknownFormat."""
        if self._head is not None:
            return self._head
        size = self.segment.sidecar_size
        if size <= WHOLE_BYTES:
            content = await self._store.get(self._name)
            head = check_sidecar(content, self.segment.sidecar_sha256, self.segment.sha256, self._name)
            self._whole = parse_entries(content[head.entries_offset :], head.entries, self._name)
        else:
            content = await self._store.get_range(self._name, 0, HEAD_BYTES)
            head = parse_head(content, self._name)
            check_belongs(head, self.segment.sha256, self._name)
            if head.entries_offset > len(content):
                content += await self._store.get_range(self._name, len(content), head.entries_offset - len(content))
        self._frames = parse_frames(content, head, self._name)
        self._head = head
        return head

    async def frames(self) -> list[Frame]:
        """The frame table."""
        await self.head()
        return self._frames

    async def entries_between(self, first: int, last: int) -> Entries:
        """The entries whose id16 begins with a byte in [first, last], in key order."""
        head = await self.head()
        start, end = head.bucket(first, last)
        entries = await self._part(start, end)
        if self._whole is None:
            fan_out = [place - start for place in head.fan_out[first : last + 1]]
            found = await asyncio.to_thread(bucket_checksums, entries, fan_out)
            if found != list(head.checksums[first : last + 1]):
                raise Corrupt(f"{self._name} does not have the content that its checksums say")
        return entries

    async def entries_of_buckets(self, keys: Collection[bytes]) -> Entries:
        """As `entries_of`, from whole 256ths, whose checksums hold: for being sure that something is not there."""
        wanted = sorted(set(keys))
        if self._whole is not None:
            return await self.entries_of(wanted)
        places = sorted({key[0] for key in wanted})
        return _only(joined(await at_once(self.entries_between(place, place) for place in places)), wanted)

    async def entries_of(self, keys: Collection[bytes]) -> Entries:
        """Every entry of these id16s, in key order; an entry that damage made unlike its id is not seen."""
        head = await self.head()
        wanted = sorted(set(keys))
        if not wanted:
            return np.empty(0, ENTRY)
        if self._whole is not None:
            return _only(self._whole, wanted)
        spans = [self._span(head, key) for key in wanted]
        if sum(to - at for at, to in spans) * 2 > head.entries:
            return _only(await self.entries_between(0, LAST_PLACE), wanted)
        parts = await at_once(self._part(*span) for span in _merged(spans))
        found = [_only(part, wanted) for part in parts]
        missed = self._missed(head, wanted, spans, parts)
        if missed:
            buckets = sorted({key[0] for key in missed})
            whole = await at_once(self.entries_between(place, place) for place in buckets)
            found = [entries[~_is_of(entries, missed)] for entries in found]
            found += [_only(part, missed) for part in whole]
            entries = joined(found)
            order = np.lexsort(
                tuple(column(entries, name) for name in ("hash_lo", "hash_hi", "id_lo", "id_hi"))
                if head.holds == "links"
                else tuple(column(entries, name) for name in ("id_lo", "id_hi"))
            )
            return entries[order]
        return joined(found)

    def _span(self, head: SidecarHead, key: bytes) -> tuple[int, int]:
        """Where in the entries a key should be."""
        start, end = head.bucket(key[0], key[0])
        share = int.from_bytes(key[1:9]) / 2**64
        reach = DEVIATIONS * math.sqrt((end - start) * share * (1 - share)) + MARGIN_ENTRIES
        guess = start + (end - start) * share
        return max(start, math.floor(guess - reach)), min(end, math.ceil(guess + reach))

    def _missed(
        self, head: SidecarHead, keys: list[bytes], spans: list[tuple[int, int]], parts: list[Entries]
    ) -> list[bytes]:
        """The keys for which entries may lie outside the parts that were read."""
        missed = []
        ranges = _merged(spans)
        starts = [at for at, _ in ranges]
        for key, span in zip(keys, spans, strict=True):
            place = bisect_right(starts, span[0]) - 1
            at, part = starts[place], parts[place]
            start, end = head.bucket(key[0], key[0])
            low, high = span[0] - at, span[1] - at
            begins_before = span[0] > start and part[low : low + 1]["id_hi"].tobytes() >= key[:8]
            ends_after = span[1] < end and part[high - 1 : high]["id_hi"].tobytes() <= key[:8]
            if span[0] == span[1] != start or begins_before or ends_after:
                missed.append(key)
        return missed

    async def _part(self, start: int, end: int) -> Entries:
        if self._whole is not None:
            return self._whole[start:end]
        head = await self.head()
        offset = head.entries_offset + start * ENTRY_BYTES
        content = b""
        if end > start:
            content = await self._store.get_range(self._name, offset, (end - start) * ENTRY_BYTES)
        return parse_entries(content, end - start, self._name)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that touch or nearly touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + GAP_ENTRIES:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _only(entries: Entries, keys: list[bytes]) -> Entries:
    return entries[_is_of(entries, keys)]


def _is_of(entries: Entries, keys: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which entries have one of these (sorted) id16s."""
    highs = np.frombuffer(b"".join(key[:8] for key in keys), ">u8").astype(np.uint64)
    lows = np.frombuffer(b"".join(key[8:] for key in keys), ">u8").astype(np.uint64)
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.zeros(len(entries), np.bool_)
    candidates = np.flatnonzero(np.isin(column(entries, "id_hi"), highs))
    if len(candidates):
        pairs = set(zip(highs.tolist(), lows.tolist(), strict=True))
        chosen = entries[candidates]
        mask[candidates] = [
            pair in pairs for pair in zip(chosen["id_hi"].tolist(), chosen["id_lo"].tolist(), strict=True)
        ]
    return mask
