"""What separates two views of one type: decided on sidecars, opening only the frames that hold what differs.

Where two views begin with the same segments (an incremental restore point and the one before), only the ids
that the other segments name are looked at, so the cost follows what changed.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shared.repository.manifest import SegmentRef
from shared.repository.records import Holds, LinkRecord, ObjectRecord
from shared.repository.sidecar import Mask, joined, key_order
from shared.repository.sidecar_reader import SidecarReader
from shared.repository.store import at_once
from shared.repository.view import TypeView, Winners, concatenated, split_range

type ObjectChange = Literal["added", "removed", "changed"]
type LinkChange = Literal["added", "removed"]

# Differences whose records are in memory at a time, both sides.
BATCH = 5_000
# Looking ids up pays when the segments that both views share are this many times larger than the others.
SHARED_FACTOR = 10


@dataclass(frozen=True, slots=True)
class ObjectDifference:
    """One object that differs; `before` is None for an added one, `after` for a removed one."""

    change: ObjectChange
    object_id: str
    before: ObjectRecord | None
    after: ObjectRecord | None


@dataclass(frozen=True, slots=True)
class LinkDifference:
    """One link that only one side has."""

    change: LinkChange
    link: LinkRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two views; the counts are exact and cost no reading of segments.

    `changed_before` and `changed_after` are the two sides of the changed objects, in the same order.
    """

    before: TypeView
    after: TypeView
    added: Winners
    removed: Winners
    changed_before: Winners
    changed_after: Winners
    links_added: Winners
    links_removed: Winners

    @property
    def is_empty(self) -> bool:
        """Whether the two views are equal."""
        return not any(map(len, (self.added, self.removed, self.changed_before, self.links_added, self.links_removed)))

    async def objects(self) -> AsyncIterator[ObjectDifference]:
        """Every object that differs: removed, added, then changed, in the order in which they lie."""
        for winners in _batches(self.removed):
            for record in await self.before.read_objects(winners):
                yield ObjectDifference("removed", record.object_id, record, None)
        for winners in _batches(self.added):
            for record in await self.after.read_objects(winners):
                yield ObjectDifference("added", record.object_id, None, record)
        order = _lying_order(self.changed_before)
        for at in range(0, len(order), BATCH):
            part = order[at : at + BATCH]
            old = await self.before.read_objects(self.changed_before.only(part))
            new = await self.after.read_objects(self.changed_after.only(part))
            for one, other in zip(old, new, strict=True):
                yield ObjectDifference("changed", one.object_id, one, other)

    async def links(self) -> AsyncIterator[LinkDifference]:
        """Every link that only one side has: removed, then added."""
        for winners in _batches(self.links_removed):
            for link in await self.before.read_links(winners):
                yield LinkDifference("removed", link)
        for winners in _batches(self.links_added):
            for link in await self.after.read_links(winners):
                yield LinkDifference("added", link)


async def compare(before: TypeView, after: TypeView) -> Comparison:
    """What separates two views of one type, which may lie in different stores."""
    keys = await _touched(before, after)
    objects, links = _Differences(), _Differences()
    sorts: tuple[tuple[Holds, _Differences], ...] = (("objects", objects), ("links", links))
    for holds, differences in sorts:
        if keys is not None:
            old, new = await at_once(view.winners_of(holds, keys) for view in (before, after))
            await asyncio.to_thread(differences.add, old, new, holds)
            continue
        fan_outs = await before.fan_outs(holds) + await after.fan_outs(holds)
        for first, last in split_range(fan_outs):
            old, new = await at_once(view.winners_between(holds, first, last) for view in (before, after))
            await asyncio.to_thread(differences.add, old, new, holds)
    return Comparison(
        before,
        after,
        added=concatenated(objects.added),
        removed=concatenated(objects.removed),
        changed_before=concatenated(objects.changed_before),
        changed_after=concatenated(objects.changed_after),
        links_added=concatenated(links.added),
        links_removed=concatenated(links.removed),
    )


class _Differences:
    """What differs, collected range by range."""

    def __init__(self) -> None:
        self.added: list[Winners] = []
        self.removed: list[Winners] = []
        self.changed_before: list[Winners] = []
        self.changed_after: list[Winners] = []

    def add(self, old: Winners, new: Winners, holds: Holds) -> None:
        """Merge two sides of one range; each has a key once at most."""
        entries = joined((old.entries, new.entries))
        order, same = key_order(entries, holds)
        paired: Mask = np.zeros(len(order), np.bool_)
        paired[:-1] |= same
        paired[1:] |= same
        alone = order[~paired]
        self.removed.append(old.only(alone[alone < len(old)]))
        self.added.append(new.only(alone[alone >= len(old)] - len(old)))
        if holds == "links":
            return
        firsts, seconds = order[:-1][same], order[1:][same] - len(old)
        ours, theirs = old.entries[firsts], new.entries[seconds]
        differ = (ours["hash_hi"] != theirs["hash_hi"]) | (ours["hash_lo"] != theirs["hash_lo"])
        self.changed_before.append(old.only(firsts[differ]))
        self.changed_after.append(new.only(seconds[differ]))


async def _touched(before: TypeView, after: TypeView) -> set[bytes] | None:
    """The id16s that can differ, where that is few; None where the whole is to be merged."""
    shared = 0
    for ours, theirs in zip(before.layers, after.layers, strict=False):
        if ours != theirs or not before.same_store(after):
            break
        shared += 1
    rest = [(view, segment) for view in (before, after) for layer in view.layers[shared:] for segment in layer.segments]
    common = sum(segment.records for layer in before.layers[:shared] for segment in layer.segments)
    if sum(segment.records for _, segment in rest) * SHARED_FACTOR > common:
        return None

    async def keys_of(view: TypeView, segment: SegmentRef) -> set[bytes]:
        sidecar: SidecarReader = view.sidecar_of(segment)
        entries = await sidecar.entries_between(0, 255)
        return set(Winners(entries, np.zeros(len(entries), np.int32)).keys())

    found = await at_once(keys_of(view, segment) for view, segment in rest)
    return set().union(*found)


def _lying_order(winners: Winners) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    return np.lexsort((winners.places(), winners.segments))


def _batches(winners: Winners) -> list[Winners]:
    """In the order in which they lie, so that each frame is opened for one batch or two."""
    order = _lying_order(winners)
    return [winners.only(order[at : at + BATCH]) for at in range(0, len(order), BATCH)]
