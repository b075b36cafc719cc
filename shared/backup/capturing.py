"""Capture one lane for a bounded time: its types, some at once, from the checkpoint on, into segments and the next one.

Algorithm, for each type of the lane that is not finished, parents before what lives under them:
1. Read its pages (`shared.entra.capture`); a worker thread parses, records, hashes and compresses while the next page
   is on its way. Full segments are stored at once.
2. At the time limit: store what is open, keep the cursor, hand back. The next slice goes on there.
3. At the end of the type: `finishing` makes what was read into a base or into what differs from before.

Invariant: a type's failure is that type's outcome and holds up no other; only storage and sign-in end the slice with an
exception, and then the slice runs again from its checkpoint.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import orjson

from shared.backup.checkpoint import (
    COVERAGE_LIMIT,
    Checkpoint,
    TypeCapture,
    TypeOutcome,
    load_checkpoint,
    save_checkpoint,
)
from shared.backup.finishing import Finishing
from shared.backup.known import known_ids, named_parents, with_unnamed_parents
from shared.backup.progress import LaneProgress
from shared.backup.recorder import Recorder, drafts_of
from shared.backup.run import Run
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.deployment import Deployment
from shared.entra.capture import Captured, capture
from shared.entra.pages import LinkSlice, Parsed
from shared.entra.shared_lists import SharedLists
from shared.entra.transport import Graph
from shared.entra.wanted import Reading
from shared.errors import EntraError, NotPermitted, SignInFailed, TokenExpired
from shared.messages import CaptureLane, SliceCaptured
from shared.records.times import as_text
from shared.repository.segments import SegmentDraft, store_segment
from shared.repository.store import at_once

SLICE_SECONDS = 240.0
"""A slice stops asking for pages after this; what is under way then ends well within five minutes."""

TYPES_AT_ONCE = 6
"""Types of a lane that are read at the same time: most are a page, and wait for Graph and for storage."""

CURSOR = "cursor"
DELTA = "delta"


async def capture_slice(opened: Deployment, graph: Graph, run: Run, message: CaptureLane) -> SliceCaptured:
    """Return the checkpoint after at most about SLICE_SECONDS of reading. Safe to repeat, also at the same time."""
    checkpoint = await load_checkpoint(opened.workspace, message.get("checkpoint", ""))
    types = message["lane"]["types"]
    waiting = [name for name in types if name not in checkpoint.done()]
    progress = LaneProgress(opened.records.tasks, message["taskId"], message["lane"]["name"], checkpoint.captures)
    stop_at = graph.now() + SLICE_SECONDS
    ended = {name: asyncio.Event() for name in waiting}
    lists = SharedLists()

    async def read(name: str) -> None:
        nonlocal checkpoint
        row = OBJECT_TYPES[name]
        try:
            before = row.waits_for & ended.keys()
            for one in before:
                await ended[one].wait()
            late = graph.now() >= stop_at and name != waiting[0]  # so that every slice gets on by a page at least
            if late or not before <= checkpoint.done():
                return
            reader = TypeReader(opened, graph.apart(), run, row, progress, lists=lists)
            read_now = await reader.go_on(checkpoint, stop_at)
            checkpoint = checkpoint.with_type_of(read_now, name)
        finally:
            ended[name].set()

    await at_once((read(name) for name in waiting), TYPES_AT_ONCE)
    await progress.tell()
    saved = await save_checkpoint(opened.workspace, message["tenantId"], message["taskId"], checkpoint)
    return SliceCaptured(checkpoint=saved, finished=checkpoint.done().issuperset(types))


@dataclass(slots=True)
class TypeReader:
    """Reads one type in one slice."""

    opened: Deployment
    graph: Graph
    run: Run
    row: ObjectType
    progress: LaneProgress
    mode: str = ""
    """How to read it; empty means as the run's plan says."""
    since: str = ""
    parents: tuple[Mapping[str, Any], ...] | None = None
    """For a type read under parents that changed: those parents."""
    touched: frozenset[str] = frozenset()
    """Their ids, and those of parents that are gone."""
    over: TypeCapture | None = None
    """For the closing lane: what this run has captured of the type already."""
    others: Mapping[str, TypeCapture] = field(default_factory=dict)
    """For the closing lane: what the other lanes captured, by type."""
    lists: SharedLists = field(default_factory=SharedLists)
    """What types of the same slice read together."""

    async def go_on(self, checkpoint: Checkpoint, stop_at: float) -> Checkpoint:
        """The checkpoint with this type read to its end, or as far as the time allowed."""
        before = checkpoint.of(self.row.name)
        mode = self.mode or self.run.types[self.row.name].mode
        at = before or TypeCapture(self.row.name, started=self._now(), mode=mode)
        sealed = checkpoint.cursors.get(self.row.name, "")
        cursor = await self._opened_cursor(sealed) if before and sealed else None
        finishing = Finishing(self.opened, self.run, self.row, self.over)
        since = self.since
        if at.mode == "changes" and not since and cursor is None:
            try:
                since = await finishing.token_before(DELTA)
            except TokenExpired as why:
                at = replace(at, mode="full", reason=str(why))
        if at.mode == "full":
            self.progress.expect(self.row.name, self.run.types[self.row.name].expected_objects or 0)
        others = (*self.others.values(), *checkpoint.captures)
        taking = _Taking(self.opened, self.run, self.row, at, self.progress)
        spent = usage_since(self.graph)
        try:
            named = await named_parents(self.opened, self.run, self.row, others)
            reading = replace(self._reading(), known=await self._known(at, checkpoint), named=named)
            cursor, finished, token = await self._read(taking, reading, cursor, since, stop_at)
            await taking.resolve(finishing)
            at = await taking.stored(finishing if finished else None)
        except SignInFailed:
            taking.discard()
            raise
        except EntraError as error:
            taking.discard()
            # A 401 with a fresh token says nothing of permissions: it may pass, and the closing lane tries once more.
            signed_out = error.status == 401
            outcome: TypeOutcome = "refused" if isinstance(error, NotPermitted) and not signed_out else "failed"
            at = spent(taking.at).failed(outcome, str(error), error.remedy, self._now())
            return checkpoint.with_capture(replace(at, retryable=error.retryable or signed_out))
        except BaseException:
            taking.discard()
            raise
        at = spent(at)
        if not finished:
            sealed = await self._sealed(orjson.dumps(cursor).decode(), CURSOR)
            return checkpoint.with_capture(at, sealed)
        tokens = {DELTA: await self._sealed(token, DELTA)} if token else {}
        if taking.same_as_before:
            self.progress.expect(self.row.name, 0)
            at = replace(at, tokens=tokens, stored_as="changes", finished=self._now())
            return checkpoint.with_capture(with_unnamed_parents(at, self.row, others))
        try:
            at = await finishing.finished(replace(at, tokens=tokens), self.graph, self._reading(), self.touched)
        except EntraError as error:
            at = at.failed("failed", str(error), error.remedy, self._now())
            return checkpoint.with_capture(replace(at, retryable=error.retryable))
        self.progress.expect(self.row.name, 0)
        return checkpoint.with_capture(with_unnamed_parents(replace(at, finished=self._now()), self.row, others))

    async def _read(
        self, taking: "_Taking", reading: Reading, cursor: dict[str, Any] | None, since: str, stop_at: float
    ) -> tuple[dict[str, Any] | None, bool, str]:
        mode: Literal["full", "changes"] = "changes" if taking.at.mode == "changes" else "full"
        pieces = capture(
            self.graph, self.row, cursor, mode=mode, since=since, reading=reading, stop_at=stop_at, lists=self.lists,
        )
        last = cursor
        async with aclosing(pieces):
            async for piece in pieces:
                await taking.take(piece)
                last = piece.cursor
                if piece.finished:
                    return last, True, piece.delta_link
        return last, False, ""

    def _reading(self) -> Reading:
        return replace(self.run.reading(self.row.name), sweeps=self.over is None, parents=self.parents)

    async def _known(self, at: TypeCapture, checkpoint: Checkpoint) -> tuple[str, ...] | None:
        """Ids by which a sweep may ask, instead of listing; only in a lane that reads as the run's plan says."""
        if self.mode:
            return None
        if at.mode == "changes" and any(link.reading == "expand" and not link.slow for link in self.row.links):
            return await known_ids(self.opened, self.run, self.row)
        parent = checkpoint.of(self.row.parent)
        if self.row.parent_expand and parent is not None and parent.outcome in ("complete", "partial"):
            return await known_ids(self.opened, self.run, OBJECT_TYPES[self.row.parent], parent)
        return None

    async def _opened_cursor(self, sealed: str) -> dict[str, Any]:
        text = await self.opened.cipher.decrypt(
            sealed, tenant_id=self.run.tenant_id, purpose=f"{self.row.name}/{CURSOR}"
        )
        value: dict[str, Any] = orjson.loads(text)
        return value

    async def _sealed(self, text: str, what: str) -> str:
        return await self.opened.cipher.encrypt(
            text, tenant_id=self.run.tenant_id, purpose=f"{self.row.name}/{what}"
        )

    def _now(self) -> str:
        return as_text(self.opened.records.clock())


def usage_since(graph: Graph) -> Callable[[TypeCapture], TypeCapture]:
    """A function that adds to a capture what the session spent since now."""
    requests, units, throttled = graph.usage.requests, graph.usage.resource_units, graph.usage.throttled

    def spent(at: TypeCapture) -> TypeCapture:
        return replace(
            at,
            requests=at.requests + graph.usage.requests - requests,
            resource_units=at.resource_units + graph.usage.resource_units - units,
            throttled=at.throttled + graph.usage.throttled - throttled,
        )

    return spent


class _Taking:
    """Takes the pieces of one type into segments."""

    def __init__(
        self, opened: Deployment, run: Run, row: ObjectType, at: TypeCapture, progress: LaneProgress
    ) -> None:
        self.at = at
        self._opened, self._run, self._row, self._progress = opened, run, row, progress
        self._recorder = Recorder(row.name, row.volatile)
        self._whole: dict[tuple[str, str], dict[str, str]] = {}
        self._replaying = at.mode == "changes"
        self.same_as_before = False

    async def take(self, piece: Captured) -> None:
        """Record one piece; when the type was begun anew, forget what came before."""
        if piece.restarted:
            self._recorder.discard()
            self._recorder = Recorder(self._row.name, self._row.volatile)
            self._whole = {}
            self.at = TypeCapture(
                self._row.name, started=self.at.started, mode="full",
                reason="What changed could not be read as asked for, so the type was read in full.",
            )  # fmt: skip
        self._replaying = self.at.mode == "changes" or piece.replay
        drafts = await drafts_of(partial(self._record, piece.parse))
        await self._store(drafts)
        if piece.unread:
            entries = tuple(
                {"objectId": one.object_id, "what": one.what, "reason": str(one.error), "remedy": one.error.remedy}
                for one in piece.unread
            )
            room = max(0, COVERAGE_LIMIT - len(self.at.not_read))
            self.at = replace(
                self.at, outcome="partial", not_read=(*self.at.not_read, *entries[:room]),
                not_read_count=self.at.not_read_count + len(entries),
                reason=f"{self.at.not_read_count + len(entries)} parts of objects could not be read.",
                remedy=piece.unread[0].error.remedy,
            )  # fmt: skip
        await self._progress.count(self._row.name, self.at.object_records + self._recorder.object_records)

    async def resolve(self, finishing: Finishing) -> None:
        """Write the links that were read whole as what differs from what was known of them."""
        if not self._whole:
            return
        so_far = await self.stored()
        changes = await finishing.whole_links(so_far, self._whole)
        self._whole = {}
        for source, link, target, target_type, gone in changes:
            (self._recorder.unlink if gone else self._recorder.link)(source, link, target, target_type)

    async def stored(self, finishing: Finishing | None = None) -> TypeCapture:
        """The capture with everything that was recorded stored; `finishing` is given at the type's end, and says
        whether any of it needs to be."""
        drafts = await drafts_of(self._recorder.finish)
        with ExitStack() as closing:
            for draft in drafts:
                closing.enter_context(draft)
            if finishing is not None:
                self.same_as_before = await finishing.same_as_before(self.at, drafts, self._opened.settings.cloud)
            if not self.same_as_before:
                await self._store(drafts)
        self.at = replace(
            self.at,
            object_records=self.at.object_records + self._recorder.object_records,
            link_records=self.at.link_records + self._recorder.link_records,
            tallied={
                name: self.at.tallied.get(name, 0) + count for name, count in self._recorder.tallied.items()
            },
        )
        self._recorder = Recorder(self._row.name, self._row.volatile)
        await self._progress.count(self._row.name, self.at.object_records)
        return self.at

    def discard(self) -> None:
        """Drop what is not stored."""
        self._recorder.discard()

    def _record(self, parse: Callable[[], Parsed]) -> list[SegmentDraft]:
        parsed = parse()
        recorder = self._recorder
        for object_id, body in parsed.objects:
            recorder.object(object_id, body)
        for one in parsed.links:
            self._record_links(one)
        for removal in parsed.removals:
            recorder.removed(removal.id, "softDeleted" if removal.reason == "changed" else "hardDeleted")
        return recorder.full()

    def _record_links(self, one: LinkSlice) -> None:
        key = (one.source, one.link)
        if self._replaying and (one.whole or key in self._whole):
            if one.whole:
                self._whole[key] = {}
            self._whole[key].update({target.id: target.type for target in one.added})
            return
        for target in one.added:
            self._recorder.link(one.source, one.link, target.id, target.type)
        for target_id in one.removed:
            self._recorder.unlink(one.source, one.link, target_id)

    async def _store(self, drafts: list[SegmentDraft]) -> None:
        with ExitStack() as closing:
            for draft in drafts:
                closing.enter_context(draft)
            for draft in drafts:
                segment = await store_segment(self._opened.vault, self._run.tenant_id, draft)
                if draft.holds == "objects":
                    self.at = replace(self.at, objects=(*self.at.objects, segment))
                else:
                    self.at = replace(self.at, links=(*self.at.links, segment))


