"""Let expired restore points of one tenant go: manifests first, then what no living manifest names."""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, answer, first_line
from shared.messages import CloseTask, ExpireBackups, TenantExpired


def expire_backups(ctx: OrchestrationContext, request: ExpireBackups) -> Generator[Any, Any, int]:
    """Return how many restore points went. Safe to repeat: what is gone stays gone, what is left goes next time."""
    tenant_id, task_id = request["tenantId"], request["taskId"]
    gone = 0
    try:
        while True:
            expired: TenantExpired = yield from answer(ctx, "expire_tenant", request)
            gone += expired["restorePoints"]
            if expired["finished"]:
                break
    except FAILURES as failure:
        yield ctx.call_activity(
            "close_task",
            input=CloseTask(
                tenantId=tenant_id, taskId=task_id, kind="expiry", status="failed",
                summary=first_line(failure), code="expiryFailed",
            ),
            retry_policy=CLOSE_RETRY,
        )
        return gone
    yield ctx.call_activity(
        "close_task",
        input=CloseTask(
            tenantId=tenant_id, taskId=task_id, kind="expiry", status="succeeded",
            summary=f"{gone} restore points expired." if gone else "No restore point had expired.", code="expired",
        ),
        retry_policy=CLOSE_RETRY,
    )
    return gone
