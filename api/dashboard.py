"""/dashboard: the state of protection at a glance, with the counts of every tile.

A tile shows what the caller may see: without `tasks.read`, `events.read` or `differences.read` its tile is null. What
is not known is said so, and is never shown as zero.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.guard import GuardedRoute, permit
from api.services import CalledBy, Kept
from api.tasks import tenants_asked
from shared.deployment import Records
from shared.records.restore_points import RestorePoint
from shared.records.tasks import OPEN, Task
from shared.records.times import as_text, as_time
from shared.security.callers import Caller
from shared.security.permissions import Permission
from shared.tenants.consents import KINDS, NOT_BUILT
from shared.tenants.schedule import next_slot
from shared.tenants.settings import TenantSettings

router = APIRouter(prefix="/dashboard", tags=["dashboard"], route_class=GuardedRoute)

EVENTS_COUNTED = 1000
TASKS_COUNTED = 1000
RECENT_TASKS = 10
TENANTS_AT_ONCE = 16

SHOWN_OF_BACKUP = ("backupId", "kind", "outcome", "started", "finished", "sizeBytes", "counts")
UNKNOWN_SCORE = {
    "known": False, "current": None, "max": None, "percent": None, "measuredAt": None, "checkedAt": None,
    "reason": "It has not been read yet.",
}  # fmt: skip
HYBRID = {"state": "notYetSupported", "reason": "Hybrid Active Directory is not built yet."}


@router.get("")
@permit("backups.read")
async def get_dashboard(
    caller: CalledBy, records: Kept, tenant: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Tenants with their protection, backups, unpacked objects, differences, consents and Secure Score; running and
    recent tasks, and the newest events by kind."""
    asked = tenants_asked(caller, tenant)
    ids = [one async for one, _ in records.tenants.stream() if asked is None or one in asked]
    places = asyncio.Semaphore(TENANTS_AT_ONCE)

    async def shown(tenant_id: str) -> dict[str, Any]:
        async with places:
            compares = "differences.read" in caller.permissions_in(tenant_id)
            return await _tenant(records, tenant_id, with_reports=compares)

    tenants = await asyncio.gather(*(shown(tenant_id) for tenant_id in ids))
    return {
        "tenants": {
            "total": len(tenants),
            "protected": sum(one["restorePoints"] > 0 for one in tenants),
            "value": tenants,
        },
        "backups": {"count": sum(one["backups"]["count"] for one in tenants)},
        "unpacked": {"count": sum(one["unpacked"]["count"] for one in tenants)},
        "tasks": await _tasks(records, _within(caller, "tasks.read", asked)),
        "events": await _events(records, _within(caller, "events.read", asked)),
        "hybrid": HYBRID,
    }


def _within(caller: Caller, permission: Permission, asked: Collection[str] | None) -> list[str] | None:
    """The tenants of this tile (None: all), or none where the caller may see it in no tenant."""
    where = caller.where(permission)
    if where is None:
        return None if asked is None else sorted(asked)
    return sorted(where if asked is None else where.intersection(asked))


async def _tenant(records: Records, tenant_id: str, *, with_reports: bool) -> dict[str, Any]:
    settings = (await records.tenants.settings(tenant_id)).settings
    points = [point async for _, point in records.restore_points.stream(tenant_id)]
    backups = [point for point in points if point["kind"] != "beforeRestore"]
    newest = backups[0] if backups else None
    return {
        "tenantId": tenant_id,
        "displayName": (await records.tenants.get(tenant_id))["displayName"],
        "scheduled": settings.schedule.enabled,
        "protection": await _protection(records, tenant_id, settings, newest),
        "restorePoints": len(points),
        "lastBackup": {name: newest[name] for name in SHOWN_OF_BACKUP} if newest else None,  # type: ignore[literal-required]
        "backups": {"count": len(points), "byDate": _by_date(points)},
        "unpacked": _unpacked(points),
        "differences": await _differences(records, tenant_id) if with_reports else None,
        "consents": await _consents(records, tenant_id),
        "secureScore": await records.consents.secure_score(tenant_id) or UNKNOWN_SCORE,
    }


async def _protection(
    records: Records, tenant_id: str, settings: TenantSettings, newest: RestorePoint | None
) -> dict[str, Any]:
    """`protected`: scheduled and in time; `late`: scheduled, and no backup for two turns; `notProtected`."""
    now, schedule = records.clock(), settings.schedule
    history = await records.tenants.history(tenant_id)
    state = "notProtected"
    if schedule.enabled:
        since = max(history.since, as_time(newest["finished"])) if newest else history.since
        allowed = 2 * timedelta(days=1) / schedule.times_per_day + timedelta(hours=1)
        state = "protected" if now - since <= allowed else "late"
    following = next_slot(schedule, history, now)
    return {
        "state": state, "timesPerDay": schedule.times_per_day, "startAt": schedule.start_at,
        "nextBackup": as_text(following) if following else None, "retentionDays": settings.retention_days,
        "options": sorted(name for name, on in settings.options.items() if on),
        "approvals": settings.approvals.required,
    }  # fmt: skip


def _by_date(points: list[RestorePoint]) -> list[dict[str, Any]]:
    days = Counter(point["finished"][:10] for point in points)
    return [{"date": day, "count": days[day]} for day in sorted(days, reverse=True)]


def _unpacked(points: list[RestorePoint]) -> dict[str, Any]:
    unpacked = [point for point in points if point["status"] == "unpacked"]
    counts = unpacked[0]["counts"] if unpacked else {}
    return {
        "restorePoints": len(unpacked), "backupId": unpacked[0]["backupId"] if unpacked else None,
        "count": sum(counts.values()), "byType": counts,
    }  # fmt: skip


async def _differences(records: Records, tenant_id: str) -> Mapping[str, Any]:
    """The newest report that has its counts."""
    async for _, report in records.reports.stream(tenant_id):
        counts = report.get("counts")
        if counts:
            return {
                "reportId": report["reportId"], "created": report["created"], "backupId": report["backupId"],
                "count": sum(counts.values()), "byChangeType": counts,
            }  # fmt: skip
    return {"reportId": None, "created": None, "backupId": None, "count": None, "byChangeType": {}}


async def _consents(records: Records, tenant_id: str) -> dict[str, Any]:
    known = await records.consents.read(tenant_id)
    return {
        **{
            kind: {
                "status": known[kind]["status"] if kind in known else "notChecked",
                "missing": len(known[kind]["missing"]) if kind in known else None,
                "checkedAt": known[kind]["checkedAt"] if kind in known else None,
            }
            for kind in KINDS
        },
        **{kind: {"status": "notYetSupported", "missing": None, "checkedAt": None} for kind in NOT_BUILT},
    }


async def _tasks(records: Records, tenants: list[str] | None) -> dict[str, Any] | None:
    if tenants == []:
        return None
    counted: Counter[str] = Counter()
    recent: list[Task] = []
    async for _, task in records.tasks.stream(tenants):
        counted[task["status"]] += 1
        if len(recent) < RECENT_TASKS:
            recent.append(task)
        if counted.total() == TASKS_COUNTED:
            break
    running = [task async for _, task in records.tasks.stream(tenants, only_open=True) if task["status"] in OPEN]
    return {"count": counted.total(), "running": running, "byStatus": dict(counted), "recent": recent}


async def _events(records: Records, tenants: list[str] | None) -> dict[str, Any] | None:
    if tenants == []:
        return None
    counted: Counter[str] = Counter()
    async for _, event in records.events.stream(tenants):
        counted[event["severity"]] += 1
        if counted.total() == EVENTS_COUNTED:
            break
    return {"count": counted.total(), "bySeverity": dict(counted)}
