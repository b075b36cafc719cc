"""Unpack one restore point: its browsable index is made a slice at a time, and then shown as there."""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import BackupUnpacked, CloseTask, SliceUnpacked, UnpackBackup, UnpackSlice

SLICES_PER_HISTORY = 50
"""A new history begins after this many slices, so that replaying it stays cheap."""


def unpack_backup(ctx: OrchestrationContext, request: UnpackBackup) -> Generator[Any, Any, bool]:
    """Return whether the restore point is unpacked; the task says why if it is not. Safe to repeat."""
    tenant_id, task_id, backup_id = request["tenantId"], request["taskId"], request["backupId"]
    checkpoint = request.get("checkpoint", "")
    try:
        for _ in range(SLICES_PER_HISTORY):
            unpacked: SliceUnpacked = yield from answer(
                ctx, "unpack_slice",
                UnpackSlice(tenantId=tenant_id, taskId=task_id, backupId=backup_id, checkpoint=checkpoint),
            )
            if unpacked["finished"]:
                break
            checkpoint = unpacked["checkpoint"]
        else:
            ctx.continue_as_new({**request, "checkpoint": checkpoint})
            return False
        finished: BackupUnpacked = yield from answer(ctx, "finish_unpack", request)
    except FAILURES as failure:
        yield ctx.call_activity(
            "close_task",
            input=CloseTask(
                tenantId=tenant_id, taskId=task_id, kind="unpack", status="failed", summary=first_line(failure),
                code="unpackFailed", backupId=backup_id,
            ),
            retry_policy=CLOSE_RETRY,
        )
        return False
    yield ctx.call_activity(
        "close_task",
        input=CloseTask(
            tenantId=tenant_id, taskId=task_id, kind="unpack", status="succeeded", summary=finished["summary"],
            code="unpacked", backupId=backup_id,
        ),
        retry_policy=CLOSE_RETRY,
    )
    return True
