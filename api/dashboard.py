"""/dashboard: the state of protection at a glance, counted."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.guard import GuardedRoute, permit
from api.services import CalledBy, Kept
from api.tasks import tenants_asked
from shared.errors import UnknownRecord
from shared.records.tasks import OPEN

router = APIRouter(prefix="/dashboard", tags=["dashboard"], route_class=GuardedRoute)

EVENTS_COUNTED = 1000
TASKS_COUNTED = 1000


@router.get("")
@permit("backups.read")
async def get_dashboard(
    caller: CalledBy, records: Kept, tenant: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Tenants with their newest restore point, running tasks, and the newest tasks and events by kind."""
    asked = tenants_asked(caller, tenant)
    tenants: list[dict[str, Any]] = []
    async for tenant_id, registered in records.tenants.stream():
        if asked is not None and tenant_id not in asked:
            continue
        tenants.append({
            "tenantId": tenant_id,
            "displayName": registered["displayName"],
            "scheduled": (await records.tenants.settings(tenant_id)).settings.schedule.enabled,
            **await _backups(records, tenant_id),
        })
    tasks: Counter[str] = Counter()
    running = [task async for _, task in records.tasks.stream(asked, only_open=True) if task["status"] in OPEN]
    async for _, task in records.tasks.stream(asked):
        tasks[task["status"]] += 1
        if tasks.total() == TASKS_COUNTED:
            break
    events: Counter[str] = Counter()
    async for _, event in records.events.stream(asked):
        events[event["severity"]] += 1
        if events.total() == EVENTS_COUNTED:
            break
    return {
        "tenants": {
            "total": len(tenants),
            "protected": sum(one["restorePoints"] > 0 for one in tenants),
            "value": tenants,
        },
        "tasks": {"running": running, "byStatus": dict(tasks)},
        "events": {"bySeverity": dict(events)},
    }


async def _backups(records: Kept, tenant_id: str) -> dict[str, Any]:
    try:
        newest = await records.restore_points.get(tenant_id, "latest")
    except UnknownRecord:
        return {"restorePoints": 0, "lastBackup": None}
    count = 0
    async for _ in records.restore_points.stream(tenant_id):
        count += 1
    return {
        "restorePoints": count,
        "lastBackup": {
            name: newest[name]
            for name in ("backupId", "kind", "outcome", "started", "finished", "sizeBytes", "counts")
        },
    }
