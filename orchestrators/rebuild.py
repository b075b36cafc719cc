"""Make the tables anew from the vault alone, a slice at a time."""

from collections import Counter
from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import CloseTask, RebuildRecords, RebuildSlice, SliceRebuilt

NO_TENANT = "deployment"
"""What the task belongs to, as in the audit trail."""


def rebuild_records(ctx: OrchestrationContext, request: RebuildRecords) -> Generator[Any, Any, dict[str, int]]:
    """Return how many of each kind came back. Safe to repeat: what is there already is written over by the same."""
    task_id = request["taskId"]
    counts: Counter[str] = Counter()
    start: int | None = 0
    try:
        while start is not None:
            rebuilt: SliceRebuilt = yield from answer(
                ctx, "rebuild_slice", RebuildSlice(taskId=task_id, tenantIds=request["tenantIds"], start=start)
            )
            counts.update(rebuilt["counts"])
            start = rebuilt["next"]
    except FAILURES as failure:
        yield ctx.call_activity(
            "close_task",
            input=CloseTask(
                tenantId=NO_TENANT, taskId=task_id, kind="rebuild", status="failed", summary=first_line(failure),
                code="rebuildFailed",
            ),
            retry_policy=CLOSE_RETRY,
        )
        return dict(counts)
    yield ctx.call_activity(
        "close_task",
        input=CloseTask(
            tenantId=NO_TENANT, taskId=task_id, kind="rebuild", status="succeeded",
            summary=f"{counts['tenants']} tenants with {counts['restorePoints']} restore points, "
            f"{counts['tasks']} tasks, {counts['events']} events and {counts['auditEntries']} audit entries.",
            code="rebuilt",
        ),
        retry_policy=CLOSE_RETRY,
    )
    return dict(counts)
