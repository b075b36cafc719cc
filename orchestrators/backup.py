"""Back up one tenant.

1. `begin_backup` decides what is read, and how: full or by changes, in which lanes.
2. Every lane is read at once, slice by slice (`capture_lane`, a sub-orchestration), each leaving a checkpoint.
3. One closing lane replays what changed meanwhile, sources of links before their targets.
4. `seal_backup` writes the manifest. Until it returns there is no restore point.
5. `watch_backup` compares it with the one before, for the change history and its alarms.
6. `close_task` ends the task, whatever happened.

Where 2, 3 or 4 find that what they build on is damaged, they have noted it, and all begins once more from 1: what is
damaged is then read in full.

Invariant: nothing before `seal_backup` is visible to a reader, and everything before it may be repeated.
"""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, WATCH_RETRY, OperationFailed, all_answers, answer, first_line
from shared.messages import (
    BackupBegun,
    BackupSealed,
    BackUpTenant,
    CaptureLane,
    CloseTask,
    Lane,
    SealBackup,
    SliceCaptured,
    WatchBackup,
)

SLICES_PER_HISTORY = 50
"""A lane starts a new history after this many slices, so that replaying it stays cheap."""

CLOSING_LANE = "closing"

BASE_DAMAGED = "BaseDamaged"
"""The error's name in shared.errors: the restore point before is damaged, and the damage is noted."""

DAMAGED = "The restore point before is damaged, also after reading anew. Verify it, and run a full backup."


def back_up_tenant(ctx: OrchestrationContext, request: BackUpTenant) -> Generator[Any, Any, str]:
    """Return the id of the restore point, or an empty text if the backup failed; the task says why."""
    tenant_id, task_id = request["tenantId"], request["taskId"]
    try:
        sealed: BackupSealed
        try:
            sealed = yield from _read_and_sealed(ctx, request, task_id)
        except OperationFailed as failure:
            if failure.code != BASE_DAMAGED:
                raise
            sealed = yield from _read_and_sealed(ctx, request, f"{task_id}:again")
    except FAILURES as failure:
        yield ctx.call_activity(
            "close_task",
            input=CloseTask(
                tenantId=tenant_id, taskId=task_id, kind="backup", status="failed",
                summary=first_line(failure), code="backupFailed",
            ),
            retry_policy=CLOSE_RETRY,
        )
        return ""
    yield from _watched(ctx, WatchBackup(tenantId=tenant_id, taskId=task_id, backupId=sealed["backupId"]))
    yield ctx.call_activity(
        "close_task",
        input=CloseTask(
            tenantId=tenant_id, taskId=task_id, kind="backup",
            status="succeededWithWarnings" if sealed["warnings"] else "succeeded",
            summary=sealed["summary"], code="backupSealed", backupId=sealed["backupId"],
        ),
        retry_policy=CLOSE_RETRY,
    )
    return sealed["backupId"]


def _read_and_sealed(
    ctx: OrchestrationContext, request: BackUpTenant, lanes_id: str
) -> Generator[Any, Any, BackupSealed]:
    """Return the restore point; raises one of FAILURES. `lanes_id` is what the lanes' instance ids begin with."""
    tenant_id, task_id = request["tenantId"], request["taskId"]
    begun: BackupBegun = yield from answer(ctx, "begin_backup", request)
    captured: list[str] = yield from all_answers(
        ctx.call_sub_orchestrator(
            "capture_lane",
            input=CaptureLane(tenantId=tenant_id, taskId=task_id, run=begun["run"], lane=lane),
            instance_id=f"{lanes_id}:{lane['name']}",
        )
        for lane in begun["lanes"]
    )
    if not all(captured):
        raise OperationFailed(DAMAGED, BASE_DAMAGED)
    everything = Lane(name=CLOSING_LANE, types=[], share=1.0)
    closed: str = yield ctx.call_sub_orchestrator(
        "capture_lane",
        input=CaptureLane(
            tenantId=tenant_id, taskId=task_id, run=begun["run"], lane=everything, closing=True, after=captured
        ),
        instance_id=f"{lanes_id}:{CLOSING_LANE}",
    )
    if not closed:
        raise OperationFailed(DAMAGED, BASE_DAMAGED)
    sealed: BackupSealed = yield from answer(
        ctx,
        "seal_backup",
        SealBackup(tenantId=tenant_id, taskId=task_id, run=begun["run"], checkpoints=[*captured, closed]),
    )
    return sealed


def _watched(ctx: OrchestrationContext, message: WatchBackup) -> Generator[Any, Any]:
    """Have the change history written; a backup is no worse for one that could not be."""
    try:
        yield ctx.call_activity("watch_backup", input=message, retry_policy=WATCH_RETRY)
    except FAILURES:
        return


def capture_lane(ctx: OrchestrationContext, request: CaptureLane) -> Generator[Any, Any, str]:
    """Return the name of the lane's last checkpoint; one activity a slice, a new history every so many.

    An empty text says that what the lane builds on is damaged: a failure of a sub-orchestration loses its kind.
    """
    slices = request.get("slices", 0)
    for _ in range(SLICES_PER_HISTORY):
        try:
            captured: SliceCaptured = yield from answer(ctx, "capture_slice", {**request, "slices": slices})
        except OperationFailed as failure:
            if failure.code == BASE_DAMAGED:
                return ""
            raise
        if captured["finished"]:
            return captured["checkpoint"]
        slices += 1
        request = {**request, "checkpoint": captured["checkpoint"]}
    ctx.continue_as_new({**request, "slices": slices})
    return ""
