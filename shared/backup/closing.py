"""The closing lane: what changed while the other lanes were read, and a second try of what failed by mischance.

In this order, so that links never point to objects that the restore point should hold and does not:
1. Types whose reading failed in a way that may pass are read in full once more.
2. Types with delta replay what changed since their own reading, sources of links before their targets.
"""

from dataclasses import replace

from shared.backup.capturing import DELTA, SLICE_SECONDS, TypeReader
from shared.backup.checkpoint import Checkpoint, TypeCapture, load_checkpoint, save_checkpoint
from shared.backup.run import Run
from shared.catalog import OBJECT_TYPES
from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.messages import CaptureLane, SliceCaptured


async def close_lane(opened: Deployment, graph: Graph, run: Run, message: CaptureLane) -> SliceCaptured:
    """Return the checkpoint after at most about SLICE_SECONDS; safe to repeat."""
    captured = await _captured(opened, message)
    again = [name for name in run.types if name in captured and captured[name].retryable]
    replayed = [
        name for name in run.closing
        if name in captured and captured[name].outcome in ("complete", "partial") and captured[name].tokens
    ]  # fmt: skip
    checkpoint = await load_checkpoint(opened.workspace, message.get("checkpoint", ""))
    stop_at = graph.now() + SLICE_SECONDS
    for name in (*again, *replayed):
        if name in checkpoint.done():
            continue
        if graph.now() >= stop_at:
            break
        if name in again:
            reader = TypeReader(opened, graph, run, OBJECT_TYPES[name], message["taskId"], mode="full")
        else:
            token = await opened.cipher.decrypt(
                captured[name].tokens[DELTA], tenant_id=run.tenant_id, purpose=f"{name}/{DELTA}"
            )
            reader = TypeReader(
                opened, graph, run, OBJECT_TYPES[name], message["taskId"], mode="changes", since=token,
                part=f"closing {name}", over=captured[name],
            )  # fmt: skip
        checkpoint = await reader.go_on(checkpoint, stop_at)
    saved = await save_checkpoint(opened.workspace, message["tenantId"], message["taskId"], _light(checkpoint))
    finished = checkpoint.done().issuperset((*again, *replayed))
    return SliceCaptured(checkpoint=saved, finished=finished)


async def _captured(opened: Deployment, message: CaptureLane) -> dict[str, TypeCapture]:
    """What the other lanes captured, by type."""
    found: dict[str, TypeCapture] = {}
    for name in message.get("after", []):
        checkpoint = await load_checkpoint(opened.workspace, name)
        found.update({capture.object_type: capture for capture in checkpoint.captures})
    return found


def _light(checkpoint: Checkpoint) -> Checkpoint:
    """A failed replay costs nothing but itself: what its type's own reading brought stands."""
    return Checkpoint(
        tuple(
            replace(one, retryable=False) if one.outcome in ("refused", "failed") else one
            for one in checkpoint.captures
        ),
        checkpoint.cursor,
    )
