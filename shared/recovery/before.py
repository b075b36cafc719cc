"""Before images: all that a plan touches, sealed as a restore point of kind `beforeRestore` before the first write.

It is the newest full view overlaid with the images, so it is browsed and restored from like any other; it is never
`latest` and holds no delta tokens. Safe to repeat: a restore seals it once. It is made in slices, each of which hands
its segments to the next; a slice that runs again writes its own anew, and what it left is swept.

Invariants: it knows what it holds an image of by the id that the object had then, and by no other: where the view under
it is from before the object was made anew, the older ids are removed. What could not be read has no image and is not
written: its operations fail with the reason, and the others go on.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic
from typing import Any

from shared.backup.recorder import Recorder
from shared.backup.summary import restore_point_of
from shared.catalog import CATALOG_VERSION, OBJECT_TYPES
from shared.catalog.row import PARENT, ObjectType
from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.errors import Missing, Unavailable
from shared.records.identity_map import KnownIdentities
from shared.records.times import as_text, as_time
from shared.recovery.plan import Operation
from shared.recovery.reading import Bins, PresentReader, reading_of
from shared.recovery.relink import Ids, placeholders_in
from shared.recovery.state import Json, Present, Wanted
from shared.recovery.store import PlanIndex, RestoreStore
from shared.repository.chain import read_manifest
from shared.repository.manifest import Layer, Manifest, TypeEntry
from shared.repository.restore_point import newest_manifest
from shared.repository.sealing import seal
from shared.repository.segments import SegmentDraft, store_segment
from shared.repository.view import TypeView
from shared.version import VERSION

PART = 500
"""Objects that are read together."""
UNREAD = "before/unread"


@dataclass(slots=True)
class Sealing:
    """How far the images have come."""

    over: str
    """The restore point that they lie over."""
    began: str
    done: int = 0
    """Objects that have an image."""
    layers: dict[str, Layer] = field(default_factory=dict)
    """Type → the segments of its images."""
    unread: dict[str, str] = field(default_factory=dict)
    """`type/id` of what has no image → why it could not be read."""

    def as_json(self) -> Json:
        """As one slice hands it to the next."""
        layers = {name: layer.as_json() for name, layer in self.layers.items()}
        return {"over": self.over, "began": self.began, "done": self.done, "layers": layers, "unread": self.unread}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Sealing":
        """The inverse."""
        layers = {name: Layer.from_json(layer) for name, layer in value["layers"].items()}
        return Sealing(value["over"], value["began"], value["done"], layers, value["unread"])


async def seal_before(
    opened: Deployment, graph: Graph, tenant_id: str, restore_id: str, index: PlanIndex, store: RestoreStore, *,
    number: int = 0, until: float = float("inf"),
) -> str | None:
    """The id of the restore point that holds what the plan is about to change, or None where the next slice goes on.

    This is slice `number`, to about `until` of `monotonic()`. Missing where there is nothing to overlay; Unavailable
    where nothing can be read. Single objects that cannot be read are noted (`not_imaged`).
    """
    records = opened.records
    if number:
        sealing = Sealing.from_json(await store.note(f"before/{number:06d}"))
        newest = await read_manifest(opened.vault, tenant_id, int(sealing.over))
    else:
        found = await newest_manifest(opened.vault, tenant_id)
        if found is None:
            raise Missing("the tenant has no restore point to overlay", remedy="Run a backup first.")
        newest, sealing = found, Sealing(found.backup_id, as_text(records.clock()))
    settings = (await records.tenants.settings(tenant_id)).settings
    known = await records.identity_map.resolved(tenant_id)
    reader = PresentReader(
        graph, await reading_of(graph, settings.options), Ids(known.objects, known.applications), Bins()
    )
    types = {name: _without_tokens(entry) for name, entry in newest.types.items()}
    images = _Images(opened, tenant_id, types, known, sealing.layers)
    async with aclosing(_parts(store, index, sealing.done)) as parts:
        async for part in parts:
            states = await _states(reader, known, part)
            unread = {f"{one.object_type}/{key}": one.why_unread for (_, key), one in states.items()
                      if one.liveness == "unread"}
            if len(unread) == len(part) and (len(part) == PART or len(sealing.unread) == sealing.done):
                raise Unavailable(
                    f"Nothing was written: of {len(unread)} objects that the plan changes none could be read, the "
                    f"first one because: {next(iter(unread.values()))}"
                )
            sealing.unread |= unread
            await images.take(one for one in states.values() if one.liveness != "unread")
            sealing.done += len(part)
            if monotonic() >= until:
                await images.finish()
                await store.put_note(f"before/{number + 1:06d}", sealing.as_json())
                return None
    await images.finish()
    # What an earlier try could not read may lie sealed without an image.
    await store.put_note(UNREAD, await not_imaged(store) | sealing.unread)
    for name, layer in sorted(sealing.layers.items()):
        entry = types.get(name, TypeEntry("carried"))
        types[name] = replace(entry, layers=(*entry.layers, layer))
    finished = records.clock()
    draft = Manifest(
        tenant_id=tenant_id, run_id=f"{restore_id}:before", kind="beforeRestore", started=as_time(sealing.began),
        finished=finished, expires=finished + timedelta(days=settings.retention_days),
        catalog_version=CATALOG_VERSION, types=types, cairn_version=VERSION,
    )
    manifest = await seal(opened.vault, draft)
    await records.restore_points.upsert(restore_point_of(manifest))
    return manifest.backup_id


async def not_imaged(store: RestoreStore) -> dict[str, str]:
    """`type/id` of what a restore must not write, since no image would take it back → why it could not be read."""
    noted: dict[str, str] | None = await store.note(UNREAD)
    return noted or {}


async def _states(
    reader: PresentReader, known: KnownIdentities, part: list[Operation]
) -> dict[tuple[str, str], Present]:
    """What the objects of some operations are now."""
    states = await reader.read([_stub(one) for one in part if not placeholders_in(one.parent)])
    states |= {
        (one.object_type, one.object_id): Present(one.object_type, known.now(one.object_id), "absent")
        for one in part if placeholders_in(one.parent)  # there is nothing under what is still to be made
    }
    return states


async def _parts(store: RestoreStore, index: PlanIndex, done: int) -> AsyncGenerator[list[Operation]]:
    """An operation on each object that the plan changes, some at a time, but for the first `done`."""
    part: list[Operation] = []
    async for one in _touched(store, index):
        if done:
            done -= 1
            continue
        part.append(one)
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part


async def _touched(store: RestoreStore, index: PlanIndex) -> AsyncIterator[Operation]:
    """An operation on each object that the plan changes."""
    seen: set[tuple[str, str]] = set()
    async for one in store.operations(index):
        key = (one.object_type, one.object_id)
        if key in seen or one.kind == "manual":
            continue
        seen.add(key)
        yield one


def _stub(one: Operation) -> Wanted:
    return Wanted(one.object_type, one.object_id, {PARENT: one.parent} if one.parent else {})


def _is_read(row: ObjectType, link: str) -> bool:
    """Whether images hold the link: what others hold, or another type stands for, is not read with the object."""
    return row.link(link).reading != "inverse" and not row.link(link).restored_as


@dataclass(slots=True)
class _Images:
    """Images on their way into segments: those of a type wait on disk until a segment is full, or the slice ends."""

    opened: Deployment
    tenant_id: str
    under: Mapping[str, TypeEntry]
    identities: KnownIdentities
    layers: dict[str, Layer]
    _recorders: dict[str, Recorder] = field(default_factory=dict)

    async def take(self, states: Iterable[Present]) -> None:
        """Record some objects of any types."""
        by_type: dict[str, dict[str, Present]] = {}
        for one in states:
            by_type.setdefault(one.object_type, {})[one.object_id] = one
        for name, present in sorted(by_type.items()):
            if name not in self._recorders:
                self._recorders[name] = Recorder(name, OBJECT_TYPES[name].volatile)
            await self._record(self._recorders[name], name, present)
            await self._store(name, self._recorders[name].full())

    async def finish(self) -> None:
        """Store all that waits."""
        for name, recorder in sorted(self._recorders.items()):
            await self._store(name, recorder.finish())
        self._recorders = {}

    async def _record(self, recorder: Recorder, name: str, present: Mapping[str, Present]) -> None:
        row = OBJECT_TYPES[name]
        view = TypeView(self.opened.vault, self.tenant_id, name, self.under[name].layers if name in self.under else ())
        ids = {one: self.identities.all_of(one) for one in present}
        known = await view.links_of({each for some in ids.values() for each in some})
        there = await view.hashes_of([each for some in ids.values() for each in some])
        for object_id, one in sorted(present.items()):
            older = [each for each in ids[object_id] if each in there and each != object_id]
            for each in older:
                recorder.removed(each, "hardDeleted")
            if one.liveness != "live":
                if object_id in there:
                    recorder.removed(object_id, "softDeleted" if one.liveness == "softDeleted" else "hardDeleted")
                continue
            recorder.object(object_id, dict(one.body))
            had, older_had = (
                {(link.link, link.target_id): link.target_type for each in some for link in known[each]}
                for some in ([object_id], older)
            )
            has = {
                pair: kind for pair, kind in {**older_had, **had}.items()
                if pair[0] in one.unread_links or not _is_read(row, pair[0])
            }
            has |= {(link, target): kind for link, targets in one.links.items() for target, kind in targets.items()}
            for (link, target), kind in sorted(has.items()):
                if (link, target) not in had:
                    recorder.link(object_id, link, target, kind)
            for (link, target), kind in sorted(had.items()):
                if (link, target) not in has:
                    recorder.unlink(object_id, link, target, kind)

    async def _store(self, name: str, drafts: Iterable[SegmentDraft]) -> None:
        for draft in drafts:
            with draft:
                segment = await store_segment(self.opened.vault, self.tenant_id, draft)
            layer = self.layers.get(name, Layer((), ()))
            self.layers[name] = (
                replace(layer, objects=(*layer.objects, segment)) if draft.holds == "objects"
                else replace(layer, links=(*layer.links, segment))
            )


def _without_tokens(entry: TypeEntry) -> TypeEntry:
    """A view that no backup goes on from."""
    return replace(entry, delta_tokens={}, requests=0, resource_units=0)
