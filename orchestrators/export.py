"""Export a long list, of objects or of a report's changes, as a CSV file."""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import ChangesExported, CloseTask, ExportChanges, ExportObjects, ObjectsExported


def export_objects(ctx: OrchestrationContext, request: ExportObjects) -> Generator[Any, Any, int]:
    """Return how many rows were written; the task's download is the file. Safe to repeat."""
    closing = CloseTask(
        tenantId=request["tenantId"], taskId=request["taskId"], kind="export", status="succeeded", summary="",
        code="exported", backupId=request["backupId"],
    )
    return (yield from _export(ctx, "write_export", request, "objects", closing))


def export_changes(ctx: OrchestrationContext, request: ExportChanges) -> Generator[Any, Any, int]:
    """Return how many changes were written as CSV; the task's download is the file. Safe to repeat."""
    closing = CloseTask(
        tenantId=request["tenantId"], taskId=request["taskId"], kind="export", status="succeeded", summary="",
        code="exported",
    )
    return (yield from _export(ctx, "write_changes", request, "changes", closing))


def _export(
    ctx: OrchestrationContext, activity: str, request: ExportObjects | ExportChanges, what: str, closing: CloseTask
) -> Generator[Any, Any, int]:
    rows = 0
    try:
        exported: ObjectsExported | ChangesExported = yield from answer(ctx, activity, request)
        rows = exported["rows"]
        closing = {**closing, "summary": f"{rows} {what}; download them with GET /tasks/{{taskId}}/download."}
    except FAILURES as failure:
        closing = {**closing, "status": "failed", "summary": first_line(failure), "code": "exportFailed"}
    yield ctx.call_activity("close_task", input=closing, retry_policy=CLOSE_RETRY)
    return rows
