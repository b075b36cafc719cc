"""The closing lane: what changed while the other lanes were read, and a second try of what failed by mischance.

In this order, so that links never point to objects that the restore point should hold and does not:
1. Types whose reading failed in a way that may pass are read in full once more.
2. Types with delta replay what changed since their own reading, sources of links before their targets.
3. Slow types that live under others are read under those parents that this run found changed: under all of them if the
   parents had to be read in full, and not at all if nobody could read the parents.
4. Types under others that were read by themselves are read again under the parents that the replay found changed, so
   that nothing stays that lived under a parent deleted meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.backup.capturing import DELTA, SLICE_SECONDS, TypeReader
from shared.backup.checkpoint import Checkpoint, TypeCapture, load_checkpoint, save_checkpoint
from shared.backup.progress import LaneProgress
from shared.backup.run import Run
from shared.catalog import OBJECT_TYPES
from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.messages import CaptureLane, SliceCaptured
from shared.records.times import as_text
from shared.repository.removals import removals_in
from shared.repository.view import TypeView


async def close_lane(opened: Deployment, graph: Graph, run: Run, message: CaptureLane) -> SliceCaptured:
    """Return the checkpoint after at most about SLICE_SECONDS; safe to repeat."""
    captured = await _captured(opened, message)
    again = [name for name in run.types if name in captured and captured[name].retryable]
    replayed = [
        name for name in run.closing
        if name in captured and captured[name].outcome in ("complete", "partial") and captured[name].tokens
    ]  # fmt: skip
    checkpoint = await load_checkpoint(opened.workspace, message.get("checkpoint", ""))
    progress = LaneProgress(opened.records.tasks, message["taskId"], message["lane"]["name"], checkpoint.captures)
    stop_at = graph.now() + SLICE_SECONDS
    under = [name for name, planned in run.types.items() if planned.mode == "parents"]
    beneath = [
        name for name, one in captured.items()
        if OBJECT_TYPES[name].parent in replayed and one.outcome in ("complete", "partial") and name not in again
    ]  # fmt: skip
    for some in (again, under, beneath):
        some.sort(key=lambda name: bool(OBJECT_TYPES[name].parent_named_by))  # after the types that name parents
    for name in (*again, *replayed, *under, *beneath):
        if name in checkpoint.done():
            continue
        if name in beneath:
            replay = checkpoint.of(OBJECT_TYPES[name].parent)
            replayed_in_full = replay is not None and replay.mode == "full"
            met = await _parents(opened, run, OBJECT_TYPES[name].parent, {}, checkpoint)
            if not replayed_in_full and not met.touched:
                now = as_text(opened.records.clock())
                nothing = TypeCapture(name, started=now, finished=now, mode="parents", stored_as="changes")
                checkpoint = checkpoint.with_capture(nothing)
                continue
            reader = TypeReader(
                opened, graph, run, OBJECT_TYPES[name], progress,
                mode="full" if replayed_in_full else "parents",
                parents=None if replayed_in_full else met.changed, touched=met.touched,
                over=None if replayed_in_full else captured[name], others=captured,
            )  # fmt: skip
        elif name in under:
            parent = OBJECT_TYPES[name].parent
            mode = _how_read(captured.get(parent), checkpoint.of(parent))
            if not mode:
                checkpoint = checkpoint.with_capture(_unread_with(OBJECT_TYPES[parent].title, name, opened))
                continue
            found = await _parents(opened, run, parent, captured, checkpoint) if mode == "changes" else None
            reader = TypeReader(
                opened, graph, run, OBJECT_TYPES[name], progress, mode="parents" if found else "full",
                parents=found.changed if found else None, touched=found.touched if found else frozenset(),
                others=captured,
            )  # fmt: skip
        elif name in again:
            reader = TypeReader(opened, graph, run, OBJECT_TYPES[name], progress, mode="full", others=captured)
        else:
            token = await opened.cipher.decrypt(
                captured[name].tokens[DELTA], tenant_id=run.tenant_id, purpose=f"{name}/{DELTA}"
            )
            reader = TypeReader(
                opened, graph, run, OBJECT_TYPES[name], progress, mode="changes", since=token, over=captured[name],
            )  # fmt: skip
        checkpoint = await reader.go_on(checkpoint, stop_at)
        if graph.now() >= stop_at:
            break
    await progress.tell()
    saved = await save_checkpoint(opened.workspace, message["tenantId"], message["taskId"], _light(checkpoint))
    finished = checkpoint.done().issuperset((*again, *replayed, *under, *beneath))
    return SliceCaptured(checkpoint=saved, finished=finished)


async def _captured(opened: Deployment, message: CaptureLane) -> dict[str, TypeCapture]:
    """What the other lanes captured, by type."""
    found: dict[str, TypeCapture] = {}
    for name in message.get("after", []):
        checkpoint = await load_checkpoint(opened.workspace, name)
        found.update({capture.object_type: capture for capture in checkpoint.captures})
    return found


def _how_read(first: TypeCapture | None, closing: TypeCapture | None) -> str:
    """How a type was read in this run, `full` or `changes`; empty where it was not read, so nobody knows what changed.

    One that was begun anew, since its token was gone, shows no removals: then nothing less than all is asked under it.
    """
    read = [one for one in (first, closing) if one is not None and one.outcome in ("complete", "partial")]
    if any(one.mode == "full" for one in read):
        return "full"
    return "changes" if first in read else ""


def _unread_with(parents: str, name: str, opened: Deployment) -> TypeCapture:
    now = as_text(opened.records.clock())
    return TypeCapture(name, started=now, mode="parents").failed(
        "failed", f"{parents}: they could not be read, and these live under them.",
        "See the outcome of those; the next backup reads these in full.", now,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Parents:
    changed: tuple[Mapping[str, Any], ...]
    touched: frozenset[str]


async def _parents(
    opened: Deployment, run: Run, name: str, captured: Mapping[str, TypeCapture], checkpoint: Checkpoint
) -> _Parents:
    """The objects of a parent type that this run recorded: as they are now, and which are gone."""
    readings = [one for one in (captured.get(name), checkpoint.of(name)) if one is not None]
    view = TypeView(opened.vault, run.tenant_id, name, [one.layer for one in readings])
    changed = tuple([record.body async for record in view.objects()])
    key = OBJECT_TYPES[name].key
    alive = frozenset(str(body[key]) for body in changed)
    gone: set[str] = set()
    for one in readings:
        gone.update([object_id async for object_id, _ in removals_in(opened.vault, run.tenant_id, one.layer)])
    return _Parents(changed, alive | gone)


def _light(checkpoint: Checkpoint) -> Checkpoint:
    """A failed replay costs nothing but itself: what its type's own reading brought stands."""
    return Checkpoint(
        tuple(
            replace(one, retryable=False) if one.outcome in ("refused", "failed") else one
            for one in checkpoint.captures
        ),
        checkpoint.cursors,
    )
