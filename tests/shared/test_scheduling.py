"""What the timers start: each slot once, every tenant in its turn, and one tenant's trouble is nobody else's."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from durabletask.client import OrchestrationStatus

from shared import scheduling
from shared.deployment import Records, records_in_memory, records_over
from shared.errors import StoreUnavailable
from shared.records.memory_table import MemoryTable
from shared.records.restore_points import RestorePoint
from shared.records.times import as_text
from shared.scheduling import start_due, watch
from shared.settings import read_settings
from shared.tenants.settings import Schedule, TenantSettings
from tests.api.conftest import FakeDurable

T = "11111111-1111-4111-8111-111111111111"
SETTINGS = read_settings({})


class Clock:
    now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(clock: Clock) -> Records:
    return records_in_memory(clock=clock)


@pytest.fixture
def durable() -> FakeDurable:
    return FakeDurable()


async def protect(records: Records, tenant_id: str = T, *, cloud: str = "global", **schedule) -> None:
    await records.tenants.register(
        tenant_id=tenant_id, display_name="T", cloud=cloud, kind="workforce", created_by="test"
    )
    settings = TenantSettings(schedule=Schedule(enabled=True, **schedule))
    await records.tenants.set_settings(tenant_id, settings, by="test")


async def seal(
    records: Records, finished: datetime, *, expires: datetime | None = None, tenant_id: str = T, number: int = 1
) -> None:
    await records.restore_points.upsert(RestorePoint(
        backupId=f"{number:08d}", tenantId=tenant_id, kind="full", status="packed", outcome="complete",
        started=as_text(finished), finished=as_text(finished), durationSeconds=1.0, sizeBytes=1, counts={},
        coverage={}, expires=as_text(expires or finished + timedelta(days=30)), requests=1, resourceUnits=1,
    ))


def tenant_ids(count: int) -> list[str]:
    return [f"33333333-3333-4333-8333-{number:012d}" for number in range(count)]


def ended(durable: FakeDurable) -> None:
    durable.states.update(dict.fromkeys(durable.states, OrchestrationStatus.COMPLETED))


def started(durable: FakeDurable, name: str) -> list[str]:
    return [one[1]["tenantId"] for one in durable.scheduled if one[0] == name]


async def codes(records: Records) -> list[str]:
    return [event["code"] async for _, event in records.events.stream(None)]


async def test_a_tenant_that_is_due_is_backed_up_once_however_often_the_timer_fires(records, durable):
    await protect(records)
    assert await start_due(records, SETTINGS, durable) == 1
    assert await start_due(records, SETTINGS, durable) == 0
    assert started(durable, "back_up_tenant") == [T]


async def test_a_slot_that_meets_a_running_backup_stays_due(records, durable, clock):
    await protect(records, start_at="09:00")
    await records.run_locks.acquire(T, "backup", "by-hand")
    durable.states["by-hand"] = OrchestrationStatus.RUNNING
    clock.now += timedelta(hours=1, minutes=1)
    assert await start_due(records, SETTINGS, durable) == 0
    await records.run_locks.release(T, "backup", "by-hand")
    assert await start_due(records, SETTINGS, durable) == 1


async def test_five_hundred_tenants_are_spread_over_time_instead_of_starting_together(records, durable, clock):
    for number in range(500):
        await protect(records, str(uuid.UUID(int=(0x4000 << 64) | (0x8000 << 48) | number + 1)), start_at="09:00")
    clock.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    by_minute: Counter[int] = Counter()
    for minute in range(61):
        by_minute[minute] = await start_due(records, SETTINGS, durable)
        clock.now += timedelta(minutes=1)
    assert sum(by_minute.values()) == 500
    assert max(by_minute.values()) <= 50
    assert sum(1 for count in by_minute.values() if count) >= 25


async def test_of_five_hundred_tenants_one_that_never_answers_and_one_that_refuses_hold_up_none(
    records, durable, clock, monkeypatch
):
    tenants = tenant_ids(500)
    slow, refusing, *others = tenants
    for tenant_id in tenants:
        await protect(records, tenant_id, start_at="09:00")
    settings, acquire = type(records.tenants).settings, type(records.run_locks).acquire

    async def never(self, tenant_id: str):
        if tenant_id == slow:
            await asyncio.Event().wait()
        return await settings(self, tenant_id)

    async def refuse(self, tenant_id: str, kind: str, task_id: str):
        if tenant_id == refusing:
            raise StoreUnavailable("it does not answer")
        await acquire(self, tenant_id, kind, task_id)

    monkeypatch.setattr(type(records.tenants), "settings", never)
    monkeypatch.setattr(type(records.run_locks), "acquire", refuse)
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.5)
    clock.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    at_once = []
    for _ in range(5):
        at_once.append(await start_due(records, SETTINGS, durable))
        clock.now += timedelta(minutes=10)
    assert sorted(started(durable, "back_up_tenant")) == sorted(others)
    assert max(at_once) <= 200
    events = [event async for _, event in records.events.stream(None)]
    assert {(event["tenantId"], event["code"]) for event in events} == {
        (slow, "notScheduled"), (refusing, "notScheduled")
    }


async def test_a_minute_costs_what_is_due_in_it_however_many_tenants_and_restore_points_there_are(durable, clock):
    class Counted(MemoryTable):
        requests = rows = 0

        async def get(self, partition, key):
            Counted.requests += 1
            return await super().get(partition, key)

        async def query(self, partition, **arguments):
            found = await super().query(partition, **arguments)
            Counted.requests, Counted.rows = Counted.requests + 1, Counted.rows + len(found)
            return found

    records = records_over(lambda _: Counted(), clock=clock)
    for tenant_id in tenant_ids(500):
        await protect(records, tenant_id, start_at="23:00")
        for number in range(1, 5):
            await seal(records, clock.now - timedelta(hours=number), tenant_id=tenant_id, number=number)
    for _ in range(3):  # the upkeep of the week that each tenant is in
        await start_due(records, SETTINGS, durable)
        clock.now += timedelta(minutes=1)
    Counted.requests = Counted.rows = 0
    for _ in range(60):
        assert await start_due(records, SETTINGS, durable) <= 3
        clock.now += timedelta(minutes=1)
    assert Counted.requests / 60 < 200
    assert Counted.rows / 60 < 1200  # two short rows a tenant among them


async def test_a_schedule_that_is_changed_is_kept_from_that_minute_on(records, durable, clock):
    await protect(records, start_at="23:00")
    await start_due(records, SETTINGS, durable)
    clock.now += timedelta(minutes=1)
    schedule = Schedule(enabled=True, start_at="08:03")
    await records.tenants.set_settings(T, TenantSettings(schedule=schedule), by="test")
    counts = []
    for _ in range(4):
        counts.append(await start_due(records, SETTINGS, durable))
        clock.now += timedelta(minutes=1)
    assert counts == [0, 0, 1, 0]


async def test_a_tenant_that_never_answers_is_left_after_a_while(records, durable, monkeypatch):
    await protect(records)
    monkeypatch.setattr(type(records.tenants), "settings", lambda *_: asyncio.Event().wait())
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.0)
    assert await start_due(records, SETTINGS, durable) == 0
    [event] = [event async for _, event in records.events.stream([T])]
    assert event["code"] == "notScheduled"
    assert "longer than" in event["message"]


async def test_weekly_upkeep_of_many_tenants_is_spread_over_the_week(records, durable, clock):
    for tenant_id in tenant_ids(60):
        await records.tenants.register(
            tenant_id=tenant_id, display_name="T", cloud="global", kind="workforce", created_by="test"
        )
        await seal(records, clock.now, tenant_id=tenant_id, expires=clock.now + timedelta(days=300))
    await start_due(records, SETTINGS, durable)
    by_turn: Counter[int] = Counter()
    for turn in range(28):
        ended(durable)
        before = len(started(durable, "verify_backup"))
        clock.now += timedelta(hours=6)
        await start_due(records, SETTINGS, durable)
        by_turn[turn] = len(started(durable, "verify_backup")) - before
    assert sum(by_turn.values()) == 60
    assert max(by_turn.values()) <= 8


async def test_a_tenant_that_cannot_be_started_holds_up_no_other_and_its_event_says_why(records, durable, monkeypatch):
    other = "22222222-2222-4222-8222-222222222222"
    await protect(records)
    await protect(records, other)
    acquire = records.run_locks.acquire

    async def refuse(tenant_id: str, kind: str, task_id: str) -> None:
        if tenant_id == T:
            raise StoreUnavailable("the table does not answer")
        await acquire(tenant_id, kind, task_id)

    monkeypatch.setattr(type(records.run_locks), "acquire", lambda _, *arguments: refuse(*arguments))
    await start_due(records, SETTINGS, durable)
    assert started(durable, "back_up_tenant") == [other]
    assert "notScheduled" in await codes(records)


async def test_a_tenant_whose_storage_is_slow_holds_up_no_other(records, durable, monkeypatch):
    others = [f"22222222-2222-4222-8222-{number:012d}" for number in range(30)]
    for tenant_id in (T, *others):
        await protect(records, tenant_id)
    settings, waits = type(records.tenants).settings, asyncio.Event()

    async def slow(self, tenant_id: str):
        if tenant_id == T:
            await waits.wait()
        return await settings(self, tenant_id)

    monkeypatch.setattr(type(records.tenants), "settings", slow)
    looking = asyncio.create_task(start_due(records, SETTINGS, durable))
    while len(started(durable, "back_up_tenant")) < len(others):  # noqa: ASYNC110 - nothing to wait for but the count
        await asyncio.sleep(0)
    assert not looking.done()
    waits.set()
    assert await looking == len(others) + 1


async def test_settings_that_cannot_be_read_are_that_tenants_event_and_hold_up_no_other(records, durable, monkeypatch):
    other = "22222222-2222-4222-8222-222222222222"
    await protect(records)
    await protect(records, other)
    settings = type(records.tenants).settings

    async def unreadable(self, tenant_id: str):
        if tenant_id == T:
            raise ValueError("somebody@contoso.example is no number")
        return await settings(self, tenant_id)

    monkeypatch.setattr(type(records.tenants), "settings", unreadable)
    assert await start_due(records, SETTINGS, durable) == 1
    assert started(durable, "back_up_tenant") == [other]
    events = [event async for _, event in records.events.stream([T])]
    assert [event["code"] for event in events] == ["notScheduled"]
    assert "contoso" not in events[0]["message"]


async def test_a_deployment_takes_the_tenants_of_its_own_cloud_only(records, durable):
    await protect(records, cloud="china")
    assert await start_due(records, SETTINGS, durable) == 0


async def test_a_tenant_without_restore_point_for_two_turns_is_told_once_a_day(records, durable, clock):
    await protect(records, times_per_day=2, start_at="09:00")
    clock.now += timedelta(hours=20)
    await start_due(records, SETTINGS, durable)
    assert "tenantUnprotected" not in await codes(records)
    clock.now += timedelta(hours=6)
    await start_due(records, SETTINGS, durable)
    await start_due(records, SETTINGS, durable)
    assert (await codes(records)).count("tenantUnprotected") == 1


async def test_a_fresh_restore_point_keeps_a_tenant_protected(records, durable, clock):
    await protect(records, start_at="09:00")
    clock.now += timedelta(days=3)
    await seal(records, clock.now - timedelta(hours=5))
    await start_due(records, SETTINGS, durable)
    assert "tenantUnprotected" not in await codes(records)


async def test_the_newest_restore_point_is_verified_every_week_once(records, durable, clock):
    await protect(records, start_at="09:00")
    await seal(records, clock.now)
    for _ in range(14):
        await start_due(records, SETTINGS, durable)
        clock.now += timedelta(days=1)
    assert 2 <= len(started(durable, "verify_backup")) <= 3


async def test_expiry_runs_on_the_day_on_which_something_expires(records, durable, clock):
    await protect(records, start_at="09:00")
    await seal(records, clock.now, expires=clock.now + timedelta(days=1))
    await start_due(records, SETTINGS, durable)
    ended(durable)
    before = len(started(durable, "expire_backups"))
    clock.now += timedelta(days=1, minutes=1)
    await start_due(records, SETTINGS, durable)
    assert len(started(durable, "expire_backups")) == before + 1


async def test_what_has_expired_goes_in_the_next_minute_though_nothing_else_is_due(records, durable, clock):
    await protect(records, start_at="23:00")
    await seal(records, clock.now, expires=clock.now + timedelta(minutes=7))
    counts = []
    for _ in range(10):
        counts.append(await start_due(records, SETTINGS, durable))
        for name, message, task_id in durable.scheduled:
            await records.run_locks.release(message["tenantId"], "expiry", task_id)
            assert name in ("expire_backups", "verify_backup")
        ended(durable)
        clock.now += timedelta(minutes=1)
    assert counts == [2, 0, 0, 0, 0, 0, 0, 1, 0, 0]


async def test_restore_points_of_an_unregistered_tenant_expire_and_then_it_is_forgotten(records, durable, clock):
    await protect(records)
    await seal(records, clock.now, expires=clock.now + timedelta(hours=1))
    await records.tenants.unregister(T)
    assert await start_due(records, SETTINGS, durable) == 0
    clock.now += timedelta(hours=2)
    assert await start_due(records, SETTINGS, durable) == 1
    assert started(durable, "expire_backups") == [T]
    await records.restore_points.remove(T, "00000001")
    clock.now += timedelta(days=1)
    await start_due(records, SETTINGS, durable)
    assert [one async for one in records.tenants.former()] == []


async def test_the_watch_takes_up_what_a_restart_cut_off(records, durable):
    await protect(records)
    await start_due(records, SETTINGS, durable)
    [task] = await records.tasks.still_open()
    await records.tasks.start(task["taskId"])
    durable.states.clear()
    assert await watch(records, durable) == 1
    assert started(durable, "back_up_tenant") == [T, T]

