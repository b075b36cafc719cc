"""Verify one restore point: re-read and re-hash all that its manifest names, a slice at a time."""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import CloseTask, SliceVerified, VerifyBackup, VerifySlice


def verify_backup(ctx: OrchestrationContext, request: VerifyBackup) -> Generator[Any, Any, int]:
    """Return how many findings there are; each is an event of the task."""
    tenant_id, task_id, backup_id = request["tenantId"], request["taskId"], request["backupId"]
    start: int | None = 0
    findings, checked, first = 0, 0, ""
    try:
        while start is not None:
            verified: SliceVerified = yield from answer(
                ctx, "verify_slice", VerifySlice(tenantId=tenant_id, taskId=task_id, backupId=backup_id, start=start)
            )
            start = verified["next"]
            findings += verified["findings"]
            checked += verified["checked"]
            first = first or verified["first"]
    except FAILURES as failure:
        yield ctx.call_activity(
            "close_task",
            input=CloseTask(
                tenantId=tenant_id, taskId=task_id, kind="verify", status="failed",
                summary=first_line(failure), code="verifyFailed", backupId=backup_id,
            ),
            retry_policy=CLOSE_RETRY,
        )
        return findings
    summary = (
        f"Verified {checked} blobs: all are whole." if not findings
        else f"{findings} of {checked} checks failed. {first}"
    )
    yield ctx.call_activity(
        "close_task",
        input=CloseTask(
            tenantId=tenant_id, taskId=task_id, kind="verify", status="failed" if findings else "succeeded",
            summary=summary, code="verifyFoundDamage" if findings else "verified", backupId=backup_id,
        ),
        retry_policy=CLOSE_RETRY,
    )
    return findings
