"""Before images: all that a plan touches, sealed as a restore point of kind `beforeRestore` before the first write.

It is the newest full view overlaid with the images, so it is browsed and restored from like any other; it is never
`latest` and holds no delta tokens. Safe to repeat: a restore seals it once.

Invariant: it knows what it holds an image of by the id that the object had then, and by no other: where the view under
it is from before the object was made anew, the older ids are removed.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta

from shared.backup.recorder import Recorder
from shared.backup.summary import restore_point_of
from shared.catalog import CATALOG_VERSION, OBJECT_TYPES
from shared.catalog.row import PARENT, ObjectType
from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.errors import Missing, Unavailable
from shared.records.identity_map import KnownIdentities
from shared.recovery.plan import Operation
from shared.recovery.reading import PresentReader, reading_of
from shared.recovery.relink import Ids, placeholders_in
from shared.recovery.state import Present, Wanted
from shared.recovery.store import PlanIndex, RestoreStore
from shared.repository.manifest import Layer, Manifest, SegmentRef, TypeEntry
from shared.repository.restore_point import newest_manifest
from shared.repository.sealing import seal
from shared.repository.segments import store_segment
from shared.repository.view import TypeView
from shared.version import VERSION


async def seal_before(
    opened: Deployment, graph: Graph, tenant_id: str, restore_id: str, index: PlanIndex, store: RestoreStore
) -> str:
    """The id of the restore point that holds what the plan is about to change.

    Missing where there is none to overlay; Unavailable where an object cannot be read: what cannot be taken back is not
    begun.
    """
    newest = await newest_manifest(opened.vault, tenant_id)
    if newest is None:
        raise Missing("the tenant has no restore point to overlay", remedy="Run a backup first.")
    began = opened.records.clock()
    settings = (await opened.records.tenants.settings(tenant_id)).settings
    reading = await reading_of(graph, settings.options)
    known = await opened.records.identity_map.resolved(tenant_id)
    reader = PresentReader(graph, reading, Ids(known.objects, known.applications))
    touched = [one async for one in _touched(store, index)]
    states = await reader.read([_stub(one) for one in touched if not placeholders_in(one.parent)])
    states |= {
        (one.object_type, one.object_id): Present(one.object_type, known.now(one.object_id), "absent")
        for one in touched if placeholders_in(one.parent)  # there is nothing under what is still to be made
    }
    unread = [one for one in states.values() if one.liveness == "unread"]
    if unread:
        raise Unavailable(
            f"{len(unread)} objects that the plan changes could not be read: {unread[0].why_unread}",
            remedy="Apply it again: nothing was written yet.",
        )
    types = {name: _without_tokens(entry) for name, entry in newest.types.items()}
    by_type: dict[str, list[Present]] = {}
    for one in touched:
        by_type.setdefault(one.object_type, []).append(states[one.object_type, one.object_id])
    for name, some in sorted(by_type.items()):
        entry = types.get(name, TypeEntry("carried"))
        layer = await _layer(opened, tenant_id, name, entry, some, known)
        if layer.segments:
            types[name] = replace(entry, layers=(*entry.layers, layer))
    finished = opened.records.clock()
    draft = Manifest(
        tenant_id=tenant_id, run_id=f"{restore_id}:before", kind="beforeRestore", started=began, finished=finished,
        expires=finished + timedelta(days=settings.retention_days), catalog_version=CATALOG_VERSION, types=types,
        cairn_version=VERSION,
    )
    manifest = await seal(opened.vault, draft)
    await opened.records.restore_points.upsert(restore_point_of(manifest))
    return manifest.backup_id


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


async def _layer(
    opened: Deployment, tenant_id: str, name: str, entry: TypeEntry, states: Iterable[Present],
    identities: KnownIdentities,
) -> Layer:
    row = OBJECT_TYPES[name]
    recorder = Recorder(name, row.volatile)
    view = TypeView(opened.vault, tenant_id, name, entry.layers)
    present = {one.object_id: one for one in states}
    ids = {one: identities.all_of(one) for one in present}
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
    objects: list[SegmentRef] = []
    links: list[SegmentRef] = []
    for draft in recorder.finish():
        with draft:
            segment = await store_segment(opened.vault, tenant_id, draft)
        (objects if draft.holds == "objects" else links).append(segment)
    return Layer(tuple(objects), tuple(links))


def _without_tokens(entry: TypeEntry) -> TypeEntry:
    """A view that no backup goes on from."""
    return replace(entry, delta_tokens={}, requests=0, resource_units=0)
