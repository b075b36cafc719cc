"""Export a long list of objects as a CSV file."""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import CloseTask, ExportObjects, ObjectsExported


def export_objects(ctx: OrchestrationContext, request: ExportObjects) -> Generator[Any, Any, int]:
    """Return how many rows were written; the task's download is the file. Safe to repeat."""
    closing = CloseTask(
        tenantId=request["tenantId"], taskId=request["taskId"], kind="export", status="succeeded", summary="",
        code="exported", backupId=request["backupId"],
    )
    rows = 0
    try:
        exported: ObjectsExported = yield from answer(ctx, "write_export", request)
        rows = exported["rows"]
        closing = {**closing, "summary": f"{rows} objects; download them with GET /tasks/{{taskId}}/download."}
    except FAILURES as failure:
        closing = {**closing, "status": "failed", "summary": first_line(failure), "code": "exportFailed"}
    yield ctx.call_activity("close_task", input=closing, retry_policy=CLOSE_RETRY)
    return rows
