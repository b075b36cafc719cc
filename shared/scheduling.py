"""What the timers do: start what is due in each tenant, and look after tasks whose orchestration is gone.

Invariants: one slot starts one backup however often and on however many machines the timer fires, since the task's id
is made from tenant and slot; one tenant's trouble is that tenant's event and holds up no other.
"""

import logging
import uuid
from datetime import datetime, timedelta

from shared import operations
from shared.deployment import Records
from shared.errors import Busy, CairnError
from shared.records.times import as_time
from shared.repository.store import at_once
from shared.settings import Settings
from shared.starting import DurableClient, Operation, start, take_up_or_close
from shared.telemetry import measure
from shared.tenants.registry import Tenant
from shared.tenants.schedule import due, spread
from shared.tenants.settings import Schedule

_LOG = logging.getLogger("cairn.schedule")
_IDS = uuid.UUID("6f6c1f0e-6f0e-4d35-9e0c-7a2f0c1b4a5d")

VERIFY_EVERY = timedelta(days=7)
"""The newest restore point of a tenant is read again and hashed this often."""

EXPIRE_EVERY = timedelta(days=1)

TENANTS_AT_ONCE = 16
"""A table that is slow to answer for one tenant holds up no other; hundreds are looked at within the minute."""

REQUESTED_BY = "schedule"


async def start_due(records: Records, settings: Settings, client: DurableClient) -> int:
    """Return how many operations were started in tenants of this deployment's cloud."""
    tenants = [tenant async for _, tenant in records.tenants.stream() if tenant["cloud"] == settings.cloud]
    looked_at = (_start_due_or_tell(records, client, tenant, len(tenants)) for tenant in tenants)
    return sum(await at_once(looked_at, TENANTS_AT_ONCE)) + await _expire_former(records, client)


async def _start_due_or_tell(records: Records, client: DurableClient, tenant: Tenant, tenants: int) -> int:
    """How many operations were started in one tenant; its trouble is its own event."""
    try:
        return await _start_due_in(records, client, tenant, tenants)
    except CairnError as error:
        why = f"{error} {error.remedy}"
    except ValueError:  # settings that this version does not understand; their values are not for an event
        why = "its settings cannot be read. Set them again."
    _LOG.warning("what is due in a tenant could not be started")
    await records.events.record(
        f"notScheduled:{records.clock():%Y-%m-%dT%H}", tenant_id=tenant["tenantId"], severity="error",
        code="notScheduled", message=f"What is due could not be started: {why}",
    )  # fmt: skip
    return 0


async def _expire_former(records: Records, client: DurableClient) -> int:
    """Restore points of tenants that are no longer registered expire all the same."""
    started = 0
    async for tenant_id in records.tenants.former():
        now = records.clock()
        expires = [as_time(point["expires"]) async for _, point in records.restore_points.stream(tenant_id)]
        if not expires:
            await records.tenants.forget(tenant_id)
        elif min(expires) <= now:
            task_id = _task_id(tenant_id, "expiry", _period(now, EXPIRE_EVERY))
            if await records.tasks.find(task_id) is None:
                await start(records, client, operations.expiry(tenant_id, task_id, requested_by=REQUESTED_BY))
                started += 1
    return started


async def watch(records: Records, client: DurableClient) -> int:
    """Return how many open tasks had lost their orchestration; each was taken up again or closed."""
    found, tasks = 0, await records.tasks.still_open()
    now = records.clock()
    waits = [(now - as_time(task["created"])).total_seconds() for task in tasks if task["status"] == "queued"]
    measure.queue_age.set(max(waits, default=0.0))  # said each time: silence is an alert of its own
    for task in tasks:
        try:
            found += await take_up_or_close(records, client, task)
        except CairnError as error:
            _LOG.warning("watching task %s: %s", task["taskId"], type(error).__name__)
    return found


async def _start_due_in(records: Records, client: DurableClient, tenant: Tenant, tenants: int) -> int:
    tenant_id, now = tenant["tenantId"], records.clock()
    settings = (await records.tenants.settings(tenant_id)).settings
    await _tell_unprotected(records, tenant_id, settings.schedule, now)
    history = await records.tenants.history(tenant_id)
    slot = due(settings.schedule, history, now, tenant_id=tenant_id, spread_seconds=spread(tenants))
    wanted: list[Operation] = []
    if slot is not None:
        wanted.append(
            operations.backup(
                tenant_id, _task_id(tenant_id, "backup", slot.time), kind="incremental", types=None,
                requested_by=REQUESTED_BY, scheduled=True,
            )
        )
    wanted += await _upkeep(records, tenant_id, now)
    started = 0
    for operation in wanted:
        if await records.tasks.find(operation.task_id) is not None:
            continue
        try:
            await start(records, client, operation)
        except Busy:
            continue  # the slot stays due, and is looked at again when the running one has ended
        started += 1
    return started


async def _tell_unprotected(records: Records, tenant_id: str, schedule: Schedule, now: datetime) -> None:
    """An event a day while the newest restore point is older than two turns of the schedule and an hour."""
    if not schedule.enabled:
        return
    allowed = 2 * timedelta(days=1) / schedule.times_per_day + timedelta(hours=1)
    newest = (await records.tenants.history(tenant_id)).since
    async for _, point in records.restore_points.stream(tenant_id):
        if point["kind"] != "beforeRestore":
            newest = max(newest, as_time(point["finished"]))
            break
    measure.backup_age.set((now - newest).total_seconds(), {"cairn.tenant": tenant_id})
    if now - newest <= allowed:
        return
    await records.events.record(
        f"unprotected:{now:%Y-%m-%d}", tenant_id=tenant_id, severity="error", code="tenantUnprotected",
        message=f"There has been no restore point since {newest:%Y-%m-%d %H:%M} UTC, though the schedule asks for "
        f"{schedule.times_per_day} a day. Look at the failed backup tasks of this tenant.",
    )  # fmt: skip


async def _upkeep(records: Records, tenant_id: str, now: datetime) -> list[Operation]:
    """Verification every week; expiry every day on which something expires, and every week for what crashes left."""
    newest, expired = "", False
    async for _, point in records.restore_points.stream(tenant_id):
        newest = newest or point["backupId"]
        expired = expired or as_time(point["expires"]) <= now
    if not newest:
        return []
    week = _period(now, VERIFY_EVERY)
    expires = _period(now, EXPIRE_EVERY) if expired else week
    return [
        operations.expiry(tenant_id, _task_id(tenant_id, "expiry", expires), requested_by=REQUESTED_BY),
        operations.verification(
            tenant_id, _task_id(tenant_id, "verify", week), backup_id=newest, requested_by=REQUESTED_BY
        ),
    ]


def _period(now: datetime, every: timedelta) -> datetime:
    """The beginning of the period that `now` is in, periods counted from the epoch."""
    seconds = every.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)


def _task_id(tenant_id: str, kind: str, moment: datetime) -> str:
    return str(uuid.uuid5(_IDS, f"{tenant_id}|{kind}|{moment.isoformat()}"))
