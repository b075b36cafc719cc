"""When a tenant's next backup is due: pure, from its settings, its history and the time.

A day has `timesPerDay` slots at equal distance from `startAt` (UTC), which defaults to the time of day of the first
backup. A slot is due once its time plus the tenant's own delay has come, if no backup has started since the slot's
time. Slots from before the schedule was last changed are not made up for; of several missed ones the last one is. The
delay spreads tenants over `spread_seconds`, is always the same for a tenant, and nearly nothing where there are few.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from shared.tenants.settings import Schedule

SECONDS_PER_TENANT = 4
"""The time that a region's tenants are kept apart on average."""

MOST_SPREAD_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class History:
    """What the schedule must know of the past; `since` is when the schedule was last changed."""

    since: datetime
    first_started: datetime | None = None
    last_started: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A backup that should start now; `time` identifies it within its tenant."""

    time: datetime


def due(
    schedule: Schedule, history: History, now: datetime, *, tenant_id: str, spread_seconds: float = 0.0
) -> Slot | None:
    """The slot that should start now, or None."""
    if not schedule.enabled:
        return None
    start_at = starts_at(schedule, history)
    if start_at is None:
        return Slot(now)  # never backed up and no time of day chosen: the first backup sets it
    slot = last_slot(start_at, schedule.times_per_day, now - delay(tenant_id, spread_seconds))
    if slot < history.since or (history.last_started is not None and history.last_started >= slot):
        return None
    return Slot(slot)


def starts_at(schedule: Schedule, history: History) -> time | None:
    """The time of day of the first slot, or None while neither the settings nor a first backup say."""
    if schedule.start_at is not None:
        return time.fromisoformat(schedule.start_at)
    first = history.first_started
    return None if first is None else first.astimezone(UTC).time().replace(second=0, microsecond=0)


def last_slot(start_at: time, times_per_day: int, now: datetime) -> datetime:
    """The newest slot that is not after `now`."""
    now = now.astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    apart = timedelta(days=1) / times_per_day
    first = midnight - timedelta(days=1) + timedelta(hours=start_at.hour, minutes=start_at.minute)
    return first + ((now - first) // apart) * apart


def next_slot(schedule: Schedule, history: History, now: datetime) -> datetime | None:
    """When the next scheduled backup should start, without the tenant's delay; None if none will."""
    if not schedule.enabled:
        return None
    start_at = starts_at(schedule, history)
    if start_at is None:
        return now
    return last_slot(start_at, schedule.times_per_day, now) + timedelta(days=1) / schedule.times_per_day


def next_due(
    schedule: Schedule, history: History, now: datetime, *, tenant_id: str, spread_seconds: float = 0.0
) -> datetime | None:
    """When, after the slot that `now` is in, the next one is due, with the tenant's delay; None if none will be."""
    own = delay(tenant_id, spread_seconds)
    slot = next_slot(schedule, history, now - own)
    return None if slot is None else slot + own


def spread(tenants: int) -> float:
    """Seconds over which that many tenants are spread."""
    return float(min((tenants - 1) * SECONDS_PER_TENANT, MOST_SPREAD_SECONDS)) if tenants > 1 else 0.0


def delay(tenant_id: str, spread_seconds: float) -> timedelta:
    """The tenant's own share of the spread, the same every time."""
    number = int.from_bytes(hashlib.sha256(tenant_id.lower().encode()).digest()[:8])
    return timedelta(seconds=spread_seconds * number / 2**64)
