"""What the timers do: start what is due in each tenant, and look after tasks whose orchestration is gone.

Invariants: one slot starts one backup however often and on however many machines the timer fires, since the task's id
is made from tenant and slot; one tenant's trouble is that tenant's event and holds up no other. A minute costs what is
due in it: a tenant in which nothing is due before some moment is not looked at until then, and what has expired is
found by its time.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from shared import operations
from shared.deployment import Records
from shared.errors import Busy, CairnError
from shared.records.restore_points import RestorePoint
from shared.records.table import Row
from shared.records.times import as_time
from shared.repository.store import at_once
from shared.settings import CloudName, Settings
from shared.starting import DurableClient, Operation, start, take_up_or_close
from shared.telemetry import measure
from shared.tenants.quiet import is_over
from shared.tenants.schedule import History, delay, due, next_due, spread
from shared.tenants.settings import Schedule

_LOG = logging.getLogger("cairn.schedule")
_IDS = uuid.UUID("6f6c1f0e-6f0e-4d35-9e0c-7a2f0c1b4a5d")

VERIFY_EVERY = timedelta(days=7)
"""The newest restore point of a tenant is read again and hashed this often."""

EXPIRE_EVERY = timedelta(days=1)

LOOK_EVERY = timedelta(hours=1)
"""A tenant in which nothing is due is looked at this often all the same, for what nobody told the schedule."""

TENANTS_AT_ONCE = 16
"""A table that is slow to answer for one tenant holds up no other; hundreds are looked at within the minute."""

LOOK_SECONDS = 45.0
"""No tenant keeps a run of the timer from its end for longer, since the next run waits for it."""

REQUESTED_BY = "schedule"


async def start_due(records: Records, settings: Settings, client: DurableClient) -> int:
    """Return how many operations were started: backups and upkeep in tenants of this deployment's cloud, and expiry
    wherever something has expired, in tenants that are no longer registered too."""
    now, noted = records.clock(), await records.tenants.quiet.all()
    tenants = [tenant_id async for tenant_id in records.tenants.ids()]
    former = [tenant_id async for tenant_id in records.tenants.former()]
    look = partial(_look, records, client, settings.cloud, spread_seconds=spread(len(tenants)))
    forget = partial(_look_at_former, records)
    looks = [
        _or_told(records, tenant_id, partial(one, tenant_id, seen=noted.get(tenant_id)))
        for one, ids in ((look, tenants), (forget, former)) for tenant_id in ids
        if is_over(noted.get(tenant_id), now)
    ]  # fmt: skip
    expiring = [
        _or_told(records, tenant_id, partial(_expire, records, client, tenant_id, now))
        for tenant_id in await records.restore_points.expired(now)
    ]
    return sum(await at_once([*expiring, *looks], TENANTS_AT_ONCE))


async def _or_told(records: Records, tenant_id: str, look: Callable[[], Awaitable[int]]) -> int:
    """How many operations were started in one tenant; its trouble is its own event."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await look()
    except CairnError as error:
        why = f"{error} {error.remedy}"
    except TimeoutError:
        why = f"it took longer than {LOOK_SECONDS:.0f} seconds. Look at the health of storage and of the function app."
    except ValueError:  # settings that this version does not understand; their values are not for an event
        why = "its settings cannot be read. Set them again."
    _LOG.warning("what is due in a tenant could not be started")
    await records.events.record(
        f"notScheduled:{records.clock():%Y-%m-%dT%H}", tenant_id=tenant_id, severity="error",
        code="notScheduled", message=f"What is due could not be started: {why}",
    )  # fmt: skip
    return 0


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


async def _look(
    records: Records, client: DurableClient, cloud: CloudName, tenant_id: str, *, seen: Row | None,
    spread_seconds: float,
) -> int:  # fmt: skip
    """Start what is due in one tenant; where nothing is, note until when."""
    now, tenant = records.clock(), await records.tenants.find(tenant_id)
    until = now + LOOK_EVERY - delay(tenant_id, LOOK_EVERY.total_seconds() / 2)  # not all of them in one minute
    if tenant is None:
        return 0
    if tenant["cloud"] != cloud:
        await records.tenants.quiet.note(tenant_id, until, seen=seen)
        return 0
    schedule = (await records.tenants.settings(tenant_id)).settings.schedule
    history = await records.tenants.history(tenant_id)
    newest, latest = await records.restore_points.newest(tenant_id)
    alarm = await _tell_unprotected(records, tenant_id, schedule, history, latest, now)
    slot = due(schedule, history, now, tenant_id=tenant_id, spread_seconds=spread_seconds)
    wanted = [] if newest is None else _upkeep(tenant_id, newest, now)
    if slot is not None:
        wanted.insert(0, operations.backup(
            tenant_id, _task_id(tenant_id, "backup", slot.time), kind="incremental", types=None,
            requested_by=REQUESTED_BY, scheduled=True,
        ))  # fmt: skip
    started, busy = await _start_new(records, client, wanted)
    if not started and not busy:
        moments = (
            next_due(schedule, history, now, tenant_id=tenant_id, spread_seconds=spread_seconds), alarm,
            _period(tenant_id, now, VERIFY_EVERY) + VERIFY_EVERY,
        )  # fmt: skip
        until = min(until, *(moment for moment in moments if moment is not None))
        await records.tenants.quiet.note(tenant_id, until, seen=seen)
    return started


async def _look_at_former(records: Records, tenant_id: str, *, seen: Row | None) -> int:
    """A tenant that is no longer registered is forgotten once its last restore point has expired."""
    newest, _ = await records.restore_points.newest(tenant_id)
    if newest is None:
        await records.tenants.forget(tenant_id)
    else:
        await records.tenants.quiet.note(tenant_id, records.clock() + LOOK_EVERY, seen=seen)
    return 0


async def _expire(records: Records, client: DurableClient, tenant_id: str, now: datetime) -> int:
    started, _ = await _start_new(records, client, [_expiry(tenant_id, now, EXPIRE_EVERY)])
    return started


async def _start_new(records: Records, client: DurableClient, wanted: Sequence[Operation]) -> tuple[int, bool]:
    """How many of these were started, and whether some could not be since one like it runs: they stay due."""
    started, busy = 0, False
    for operation in wanted:
        if await records.tasks.find(operation.task_id) is not None:
            continue
        try:
            await start(records, client, operation)
        except Busy:
            busy = True
        else:
            started += 1
    return started, busy


async def _tell_unprotected(
    records: Records, tenant_id: str, schedule: Schedule, history: History, latest: RestorePoint | None, now: datetime
) -> datetime | None:
    """An event a day while the newest restore point is older than two turns of the schedule and an hour; returns when
    the next would be due."""
    if not schedule.enabled:
        return None
    allowed = 2 * timedelta(days=1) / schedule.times_per_day + timedelta(hours=1)
    newest = history.since if latest is None else max(history.since, as_time(latest["finished"]))
    measure.backup_age.set((now - newest).total_seconds(), {"cairn.tenant": tenant_id})
    if now - newest <= allowed:
        return newest + allowed
    await records.events.record(
        f"unprotected:{now:%Y-%m-%d}", tenant_id=tenant_id, severity="error", code="tenantUnprotected",
        message=f"There has been no restore point since {newest:%Y-%m-%d %H:%M} UTC, though the schedule asks for "
        f"{schedule.times_per_day} a day. Look at the failed backup tasks of this tenant.",
    )  # fmt: skip
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _upkeep(tenant_id: str, newest: RestorePoint, now: datetime) -> list[Operation]:
    """Verification every week, and expiry for what crashes left; what has expired goes on the day on which it does."""
    return [
        _expiry(tenant_id, now, VERIFY_EVERY),
        operations.verification(
            tenant_id, _task_id(tenant_id, "verify", _period(tenant_id, now, VERIFY_EVERY)),
            backup_id=newest["backupId"], requested_by=REQUESTED_BY,
        ),
    ]  # fmt: skip


def _expiry(tenant_id: str, now: datetime, every: timedelta) -> Operation:
    task_id = _task_id(tenant_id, "expiry", _period(tenant_id, now, every))
    return operations.expiry(tenant_id, task_id, requested_by=REQUESTED_BY)


def _period(tenant_id: str, now: datetime, every: timedelta) -> datetime:
    """The beginning of the period that `now` is in; a tenant's periods begin at its own moment, so that a region's
    tenants do not all begin at once."""
    seconds = every.total_seconds()
    own = delay(tenant_id, seconds)
    return datetime.fromtimestamp((now - own).timestamp() // seconds * seconds, now.tzinfo) + own


def _task_id(tenant_id: str, kind: str, moment: datetime) -> str:
    return str(uuid.uuid5(_IDS, f"{tenant_id}|{kind}|{moment.isoformat()}"))
