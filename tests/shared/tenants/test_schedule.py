"""A slot is due once, at its time, spread over the tenants, and missed slots are not piled up."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tenants.schedule import History, Slot, delay, due, last_slot, next_slot, spread, starts_at
from shared.tenants.settings import Schedule

T = "11111111-1111-4111-8111-111111111111"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def schedule(times: int = 1, start: str | None = "02:00", *, enabled: bool = True) -> Schedule:
    return Schedule(enabled=enabled, times_per_day=times, start_at=start)


def test_a_schedule_that_is_off_is_never_due() -> None:
    assert due(schedule(enabled=False), History(LONG_AGO), at(5, 2), tenant_id=T) is None


@pytest.mark.parametrize(
    ("now", "last", "slot"),
    [
        (at(5, 2), at(4, 2), at(5, 2)),
        (at(5, 1, 59), at(4, 2), None),
        (at(5, 14), at(5, 2), None),
        (at(5, 2, 30), at(5, 1, 55), at(5, 2)),
        (at(9, 12), at(5, 2), at(9, 2)),
        (at(5, 3), at(5, 2, 1), None),
    ],
)
def test_a_slot_is_due_from_its_time_on_until_a_backup_started(
    now: datetime, last: datetime, slot: datetime | None
) -> None:
    found = due(schedule(), History(LONG_AGO, last, last), now, tenant_id=T)
    assert found == (None if slot is None else Slot(slot))


def test_slots_before_the_schedule_was_set_are_not_made_up_for() -> None:
    set_at = at(5, 15)
    assert due(schedule(), History(set_at), at(5, 16), tenant_id=T) is None
    assert due(schedule(), History(set_at), at(6, 2), tenant_id=T) == Slot(at(6, 2))


def test_without_a_time_the_first_backup_is_due_at_once_and_sets_it() -> None:
    assert due(schedule(start=None), History(at(5, 15)), at(5, 15), tenant_id=T) == Slot(at(5, 15))
    started = at(5, 15, 7)
    history = History(at(5, 15), started, started)
    assert starts_at(schedule(start=None), history) == started.time()
    assert due(schedule(start=None), history, at(6, 15, 6), tenant_id=T) is None
    assert due(schedule(start=None), history, at(6, 15, 7), tenant_id=T) == Slot(at(6, 15, 7))


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_a_day_has_as_many_slots_as_set_at_equal_distance(times: int) -> None:
    history, started = History(LONG_AGO, LONG_AGO, at(4, 2)), []
    for minute in range(0, 24 * 60, 5):
        now = at(5, 2) + timedelta(minutes=minute)
        slot = due(schedule(times), history, now, tenant_id=T)
        if slot is not None:
            started.append(slot.time)
            history = History(LONG_AGO, LONG_AGO, now)
    assert started == [at(5, 2) + number * timedelta(days=1) / times for number in range(times)]


def test_five_hundred_tenants_are_spread_and_one_is_not_kept_waiting() -> None:
    seconds = spread(500)
    delays = sorted(delay(str(uuid.UUID(int=number)), seconds).total_seconds() for number in range(500))
    assert delays[0] >= 0
    assert delays[-1] < seconds <= 3600
    busiest = max(sum(start <= one < start + 60 for one in delays) for start in range(0, 3600, 60))
    assert busiest < 50, "no minute has a tenth of them"
    assert spread(1) == 0


def test_a_tenant_keeps_its_place_in_the_spread() -> None:
    waits = delay(T, 3600)
    history = History(LONG_AGO, LONG_AGO, at(4, 3))
    assert due(schedule(), history, at(5, 2) + waits - timedelta(seconds=1), tenant_id=T, spread_seconds=3600) is None
    assert due(schedule(), history, at(5, 2) + waits, tenant_id=T.upper(), spread_seconds=3600) == Slot(at(5, 2))


@given(
    minutes=st.integers(0, 2_000_000), times=st.integers(1, 4),
    hour=st.integers(0, 23), minute=st.integers(0, 59),
)
def test_the_last_slot_is_the_newest_that_is_not_in_the_future(
    minutes: int, times: int, hour: int, minute: int
) -> None:
    now = LONG_AGO + timedelta(minutes=minutes)
    start = time(hour, minute)
    slot = last_slot(start, times, now)
    assert slot <= now < slot + timedelta(days=1) / times
    first = (slot - now.replace(hour=hour, minute=minute, second=0, microsecond=0)) / (timedelta(days=1) / times)
    assert first == int(first)


def test_the_next_slot_is_the_one_after_the_last() -> None:
    assert next_slot(schedule(2), History(LONG_AGO), at(5, 3)) == at(5, 14)
    assert next_slot(schedule(enabled=False), History(LONG_AGO), at(5, 3)) is None
