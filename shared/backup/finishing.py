"""The end of one type's reading: what was captured, seen against the restore point before.

- Read by changes: links that were read whole for one object become what was added and removed; an object that came back
  from the recycle bin gets its links read again, since its removal had hidden them.
- Read in full, in a full backup or where there is nothing before: it is a new base.
- Read in full because the type has no delta: only what differs is kept, so that storage follows the change; nothing
  at all where it is byte for byte what was there.
- What could not be read of an object is taken over from before, so that a failed request never looks like a removal.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from shared.backup.checkpoint import TypeCapture
from shared.backup.recorder import Recorder, drafts_of
from shared.backup.run import Run
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT, Cloud, ObjectType
from shared.deployment import Deployment
from shared.entra.single_reads import link_slices
from shared.entra.transport import Graph
from shared.entra.wanted import Reading, wanted
from shared.errors import Corrupt, TokenExpired
from shared.repository.compaction import needs_compaction
from shared.repository.comparison import compare
from shared.repository.manifest import Layer, SegmentRef, TypeEntry
from shared.repository.records import ObjectRecord
from shared.repository.segments import SegmentDraft, store_segment
from shared.repository.view import TypeView

REVIVED_AT_ONCE = 1_000

type LinkChange = tuple[str, str, str, str, bool]
"""(source, link, target, target's type, whether it is gone)."""


class Finishing:
    """What is done at the end of one type, with the restore point before at hand."""

    def __init__(self, opened: Deployment, run: Run, row: ObjectType, over: TypeCapture | None = None) -> None:
        self._opened, self._run, self._row = opened, run, row
        self._over = over  # what this run has of the type already, for the closing lane
        self._entry: TypeEntry | None = None

    async def before(self) -> TypeEntry | None:
        """The type in the restore point before, or None; also where that is damaged, so that nothing builds on it."""
        planned = self._run.types.get(self._row.name)
        if planned is not None and planned.anew:
            return None
        if self._entry is None and self._run.previous:
            manifest = await self._run.base.manifest(self._opened.vault, self._run.tenant_id, self._run.previous)
            self._entry = manifest.types.get(self._row.name)
        return self._entry

    async def token_before(self, collection: str) -> str:
        """The delta token that the restore point before holds; TokenExpired where it has none that can be read."""
        entry = await self.before()
        sealed = entry.delta_tokens.get(collection, "") if entry else ""
        if not sealed:
            raise TokenExpired(f"{self._row.title}: there is no delta token to go on from", code="noToken")
        try:
            return await self._opened.cipher.decrypt(
                sealed, tenant_id=self._run.tenant_id, purpose=f"{self._row.name}/{collection}"
            )
        except Corrupt:
            raise TokenExpired(f"{self._row.title}: the delta token cannot be decrypted", code="noToken") from None

    async def whole_links(
        self, at: TypeCapture, whole: Mapping[tuple[str, str], Mapping[str, str]]
    ) -> list[LinkChange]:
        """What separates the links that were read whole from those that were known, from before and in this run."""
        view = await self._view_with(at)
        known = await view.links_of({source for source, _ in whole})
        changes: list[LinkChange] = []
        for (source, link), targets in whole.items():
            had = {one.target_id: one.target_type for one in known[source] if one.link == link}
            changes += [(source, link, gone, had[gone], True) for gone in had if gone not in targets]
            changes += [(source, link, new, kind, False) for new, kind in targets.items() if new not in had]
        return changes

    async def same_as_before(self, at: TypeCapture, drafts: Iterable[SegmentDraft], cloud: Cloud) -> bool:
        """Whether what was read in full, none of it stored yet, is byte for byte what the restore point before has.

        Then there is nothing to store and nothing to compare. Most types of a tenant are so from one day to the next.
        """
        if at.mode != "full" or self._run.kind == "full" or at.not_read or at.layer.segments:
            return False
        entry = await self.before()
        if entry is None or len(entry.layers) != 1 or wanted(self._row, self._run.reading(), cloud).by_delta:
            return False
        return sorted(one.sha256 for one in drafts) == sorted(one.sha256 for one in entry.layers[0].segments)

    async def finished(self, at: TypeCapture, graph: Graph, reading: Reading, touched: frozenset[str]) -> TypeCapture:
        """The capture as it goes into the restore point; `touched` are the parents looked at, gone ones among them."""
        if at.mode == "parents":
            return replace(await self._without_lost_children(at, touched), stored_as="changes")
        if at.mode == "changes":
            at = await self._with_links_of_revived(at, graph, reading)
            return replace(at, stored_as="changes")
        entry = await self.before()
        if entry is None or not entry.layers:
            return at
        if at.not_read:
            at = await self._with_what_was_known(at, entry)
        by_delta = wanted(self._row, reading, graph.endpoints.cloud).by_delta
        if self._run.kind == "full" or by_delta or needs_compaction(entry.layers):
            return at
        return await self._only_differences(at, entry)

    async def _without_lost_children(self, at: TypeCapture, touched: frozenset[str]) -> TypeCapture:
        """Add removals of what lived under these parents before and does not now."""
        layers, _ = await self._layers_before()
        unread = {str(one["objectId"]) for one in at.not_read}
        now = self._view((at.layer,))
        with Recorder(self._row.name) as recorder:
            async for batch in self._view(layers).object_batches():
                under = [one for one in batch if one.body.get(PARENT) in touched and one.body.get(PARENT) not in unread]
                kept = await now.hashes_of([one.object_id for one in under]) if under else {}
                for one in under:
                    if one.object_id not in kept:
                        recorder.removed(one.object_id, "hardDeleted")
            return await self._added(at, recorder)

    async def _only_differences(self, at: TypeCapture, entry: TypeEntry) -> TypeCapture:
        old = self._view(entry.layers)
        found = await compare(old, self._view((at.layer,)))
        if found.is_empty:
            return replace(at, objects=(), links=(), stored_as="changes")
        if 2 * (len(found.added) + len(found.changed_after) + len(found.removed)) > await old.count("objects") + 1:
            return at  # most of it is new: a base reads better
        with Recorder(self._row.name) as recorder:
            reason = "unknown" if self._row.recycle_bin else "hardDeleted"
            async for one in found.objects():
                if one.after is None:
                    recorder.removed(one.object_id, reason)  # type: ignore[arg-type]
                else:
                    recorder.kept(one.after)
            async for link in found.links():
                record = link.link
                put = recorder.link if link.change == "added" else recorder.unlink
                put(record.source_id, record.link, record.target_id, record.target_type)
            return replace(await self._replaced(at, recorder), stored_as="changes")

    async def _with_what_was_known(self, at: TypeCapture, entry: TypeEntry) -> TypeCapture:
        """Add, from before, what could not be read this time."""
        unread: dict[str, set[str]] = {}
        for one in at.not_read:
            unread.setdefault(str(one["objectId"]), set()).update(str(one["what"]).split(","))
        old, new = self._view(entry.layers), self._view((at.layer,))
        links = await old.links_of(unread)
        objects = await old.objects_by_id(unread)
        now = await new.objects_by_id(unread)
        with Recorder(self._row.name) as recorder:
            for object_id, names in unread.items():
                for link in links[object_id]:
                    if link.link in names:
                        recorder.link(object_id, link.link, link.target_id, link.target_type)
                before, after = objects.get(object_id), now.get(object_id)
                lost = {name: before.body[name] for name in names if before and name in before.body}
                if lost and after is not None:
                    recorder.kept(replace(after, body={**after.body, **lost}))
            if self._row.parent:
                await self._keep_children(old, new, unread, recorder)
            await self._keep_shown(old, new, unread, recorder)
            return await self._added(at, recorder)

    async def _keep_shown(
        self, old: TypeView, new: TypeView, unread: Mapping[str, Collection[str]], recorder: Recorder
    ) -> None:
        """Record the links to targets that could not show theirs, where they were known and are not in what was read;
        the empty id stands for every target."""
        types: dict[str, set[str]] = {}
        for link in self._row.links:
            if link.shown_by:
                target = OBJECT_TYPES[link.shown_by.partition(".")[0]]
                types[link.name] = {target.graph_type, *(one.name for one in target.subtypes)}
        targets = {object_id for object_id, names in unread.items() if not types.keys().isdisjoint(names)}
        if not targets:
            return
        async for batch in old.link_batches():
            known = [
                one for one in batch
                if one.target_type in types.get(one.link, ()) and ("" in targets or one.target_id in targets)
            ]
            sources = await new.hashes_of({one.source_id for one in known}) if known else {}
            shown = await new.links_of(sources) if sources else {}
            there = {(one.source_id, one.link, one.target_id) for some in shown.values() for one in some}
            for one in known:
                if one.source_id in sources and (one.source_id, one.link, one.target_id) not in there:
                    recorder.link(one.source_id, one.link, one.target_id, one.target_type)

    async def _keep_children(self, old: TypeView, new: TypeView, parents: Collection[str], recorder: Recorder) -> None:
        """Record what was known under parents whose children could not all be read, and is not in what was read."""
        async for batch in old.object_batches():
            under = [one for one in batch if one.body.get(PARENT) in parents]
            there = await new.hashes_of([one.object_id for one in under]) if under else {}
            kept = {one.object_id: one for one in under if one.object_id not in there}
            links = await old.links_of(kept) if kept else {}
            for object_id, one in kept.items():
                recorder.kept(one)
                for link in links[object_id]:
                    recorder.link(object_id, link.link, link.target_id, link.target_type)

    async def _with_links_of_revived(self, at: TypeCapture, graph: Graph, reading: Reading) -> TypeCapture:
        """Objects older than the last read that were not in it came back: their links are read by themselves.

        That delta shows a revived object's links is not confirmed by any source, and their removal hid them.
        """
        links = wanted(self._row, reading, graph.endpoints.cloud).delta_links
        layers, read_at = await self._layers_before()
        if not links or not at.objects or not layers:
            return at
        old = self._view(layers)
        with Recorder(self._row.name) as recorder:
            async for batch in self._view((at.layer,)).object_batches():
                older = {one.object_id: one for one in batch if _created(one) and _created(one) < read_at}
                known = await old.hashes_of(older)
                revived = [one.body for object_id, one in older.items() if object_id not in known]
                if not revived:
                    continue
                async for slices, unread in link_slices(graph, self._row, links, revived):
                    for one in slices:
                        for target in one.added:
                            recorder.link(one.source, one.link, target.id, target.type)
                    if unread:
                        raise unread[0].error
            return await self._added(at, recorder)

    async def _layers_before(self) -> tuple[tuple[Layer, ...], str]:
        """What changes are read over, and when that was read."""
        entry = await self.before()
        old, read_at = (entry.layers, entry.read_at) if entry else ((), "")
        if self._over is None:
            return old, read_at
        return (*(old if self._over.stored_as == "changes" else ()), self._over.layer), self._over.started

    async def _view_with(self, at: TypeCapture) -> TypeView:
        layers, _ = await self._layers_before()
        return self._view((*(layers if at.mode == "changes" else ()), at.layer))

    def _view(self, layers: Iterable[Layer]) -> TypeView:
        return TypeView(self._opened.vault, self._run.tenant_id, self._row.name, tuple(layers))

    async def _added(self, at: TypeCapture, recorder: Recorder) -> TypeCapture:
        extra = await self._replaced(at, recorder)
        return replace(extra, objects=(*at.objects, *extra.objects), links=(*at.links, *extra.links))

    async def _replaced(self, at: TypeCapture, recorder: Recorder) -> TypeCapture:
        objects: list[SegmentRef] = []
        links: list[SegmentRef] = []
        with ExitStack() as closing:
            drafts = [closing.enter_context(draft) for draft in await drafts_of(recorder.finish)]
            for draft in drafts:
                segment = await store_segment(self._opened.vault, self._run.tenant_id, draft)
                (objects if draft.holds == "objects" else links).append(segment)
        return replace(at, objects=tuple(objects), links=tuple(links))


def _created(record: ObjectRecord) -> str:
    return str(record.body.get("createdDateTime") or "")
