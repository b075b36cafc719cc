"""Tasks, events, restore points, locks and keys hold their laws, also when a step is cut off and repeated."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.deployment import Records, records_in_memory, records_over
from shared.errors import Busy, StoreUnavailable, UnknownRecord
from shared.records.idempotency import KEPT, KeyReused
from shared.records.memory_table import MemoryTable
from shared.records.restore_points import RestorePoints
from shared.records.table import Row
from shared.records.times import as_text
from tests.api.test_guard import point

T = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


class Clock:
    now = datetime(2026, 11, 21, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class CutOff(MemoryTable):
    """Fails at the write of that number, as a killed process or a lost connection would."""

    writes_left = -1

    def _store(self, row: Row) -> Row:
        if self.writes_left == 0:
            raise StoreUnavailable("cut off")
        self.writes_left -= 1
        return super()._store(row)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(clock: Clock) -> Records:
    return records_in_memory(clock=clock)


async def create(records: Records, task_id: str = "t", tenant_id: str = T) -> Any:
    return await records.tasks.create(
        task_id=task_id, tenant_id=tenant_id, type="backup", name="Backup", requested_by="me"
    )


async def listed(records: Records, tenants: list[str] | None = None, *, only_open: bool = False) -> list[str]:
    return [task["taskId"] async for _, task in records.tasks.stream(tenants, only_open=only_open)]


async def test_creating_a_task_twice_is_creating_it_once(records: Records, clock: Clock) -> None:
    first = await create(records)
    clock.now += timedelta(minutes=1)
    assert await create(records) == first
    assert await listed(records) == ["t"]


@pytest.mark.parametrize("cut", range(4))
async def test_a_task_whose_creation_was_cut_off_is_whole_after_the_repetition(cut: int) -> None:
    table = CutOff()
    records = records_over(lambda _: table)
    table.writes_left = cut
    with pytest.raises(StoreUnavailable):
        await create(records)
    table.writes_left = -1
    await create(records)
    assert await listed(records, [T]) == await listed(records) == await listed(records, only_open=True) == ["t"]


async def test_a_closed_task_stays_as_it_ended(records: Records) -> None:
    await create(records)
    await records.tasks.start("t")
    assert await records.tasks.close("t", "succeeded", "All is well.", result={"backupId": "1"})
    assert not await records.tasks.close("t", "failed", "Too late.")
    await records.tasks.start("t")
    await records.tasks.describe("t", "x")
    task = await records.tasks.get("t")
    assert (task["status"], task["lastResultDescription"]) == ("succeeded", "All is well.")
    assert task["result"] == {"backupId": "1"}
    assert task["finished"] is not None
    assert await listed(records, only_open=True) == []


async def test_progress_adds_up_over_parts_and_a_repetition_counts_once(records: Records, clock: Clock) -> None:
    await create(records)
    await records.tasks.start("t")
    clock.now += timedelta(seconds=10)
    for _ in range(3):
        await records.tasks.progress("t", "user", done=40, total=50)
    await records.tasks.progress("t", "group", done=10, total=50)
    progress = (await records.tasks.get("t"))["progress"]
    assert (progress["done"], progress["total"], progress["rate"]) == (50, 100, 5.0)
    assert progress["eta"] == "2026-11-21T08:00:20.000Z"
    await records.tasks.progress("t", "device", done=1)
    assert (await records.tasks.get("t"))["progress"]["total"] is None
    await records.tasks.close("t", "succeeded", "Done.")
    progress = (await records.tasks.get("t"))["progress"]
    assert (progress["done"], progress["rate"], progress["eta"]) == (51, None, None)


async def test_changes_of_a_task_at_the_same_time_are_all_kept(records: Records) -> None:
    await create(records)
    await asyncio.gather(records.tasks.start("t"), records.tasks.request_cancel("t"), records.tasks.describe("t", "x"))
    task = await records.tasks.get("t")
    assert (task["status"], task["cancelRequested"], task["lastResultDescription"]) == ("running", True, "x")


@pytest.mark.parametrize("task_id", ["", "no", "a/b", "é\ud800", "x" * 5000])
async def test_an_unknown_task_is_told_apart_from_an_empty_one(records: Records, task_id: str) -> None:
    assert await records.tasks.find(task_id) is None
    with pytest.raises(UnknownRecord):
        await records.tasks.get(task_id)


async def event(records: Records, key: str, **changed: Any) -> Any:
    given = {"tenant_id": T, "severity": "warning", "code": "c", "message": "m", **changed}
    return await records.events.record(key, **given)


async def events(records: Records, tenants: list[str] | None = None, **narrowed: Any) -> list[str]:
    return [found["message"] async for _, found in records.events.stream(tenants, **narrowed)]


async def test_an_event_of_one_key_is_written_once_as_it_first_was(records: Records, clock: Clock) -> None:
    first = await event(records, "k", message="first")
    clock.now += timedelta(hours=1)
    assert await event(records, "k", message="second") == first
    assert await events(records) == await events(records, [T]) == ["first"]
    assert await records.events.get(first["eventId"]) == first


async def test_one_key_means_another_event_in_another_tenant(records: Records) -> None:
    await event(records, "k")
    await event(records, "k", tenant_id=OTHER)
    assert len(await events(records)) == 2


@pytest.mark.parametrize("cut", range(5))
async def test_an_event_whose_writing_was_cut_off_is_whole_after_the_repetition(cut: int) -> None:
    table = CutOff()
    records = records_over(lambda _: table)
    table.writes_left = cut
    with pytest.raises(StoreUnavailable):
        await event(records, "k", message="one")
    table.writes_left = -1
    await event(records, "k", message="two")
    told = {"one"} if cut else {"two"}
    for found in (
        await events(records), await events(records, [T]), await events(records, severity="warning"),
        await events(records, [T], severity="warning"),
    ):
        assert set(found) == told
        assert len(found) == 1


async def test_events_are_found_by_tenant_severity_and_task_newest_first(records: Records, clock: Clock) -> None:
    task = {"taskId": "t", "name": "Backup"}
    for number, (tenant_id, severity, of) in enumerate(
        [(T, "error", task), (OTHER, "error", None), (T, "warning", None), (T, "information", task)]
    ):
        clock.now += timedelta(minutes=1)
        await event(records, f"{number}", tenant_id=tenant_id, severity=severity, task=of, message=f"{number}")
    assert await events(records) == ["3", "2", "1", "0"]
    assert await events(records, [T]) == ["3", "2", "0"]
    assert await events(records, severity="error") == ["1", "0"]
    assert await events(records, [T], severity="error") == ["0"]
    assert await events(records, task_id="t") == ["3", "0"]
    assert await events(records, task_id="t", severity="error") == ["0"]
    assert await events(records, [OTHER], task_id="t") == []
    assert await events(records, []) == []


async def test_a_restore_point_is_indexed_once_and_forgotten_when_it_expires(records: Records) -> None:
    for _ in range(2):
        await records.restore_points.upsert(point("00000007"))
    assert [place async for place, _ in records.restore_points.stream(T)] != []
    assert (await records.restore_points.get(T, "00000007"))["backupId"] == "00000007"
    for _ in range(2):
        await records.restore_points.remove(T, "00000007")
    with pytest.raises(UnknownRecord):
        await records.restore_points.get(T, "00000007")
    with pytest.raises(UnknownRecord):
        await records.restore_points.get(T, "latest")


async def test_what_has_expired_is_found_by_its_time_until_it_is_forgotten(records: Records, clock: Clock) -> None:
    for number, tenant_id in enumerate((T, T, OTHER), 1):
        expires = clock.now + timedelta(days=number)
        await records.restore_points.upsert(
            {**point(f"{number:08d}"), "tenantId": tenant_id, "expires": as_text(expires)}
        )
    assert await records.restore_points.expired(clock.now) == []
    assert await records.restore_points.expired(clock.now + timedelta(days=1)) == [T]
    assert await records.restore_points.expired(clock.now + timedelta(days=9)) == [T, OTHER]
    await records.restore_points.remove(T, "00000001")
    assert await records.restore_points.expired(clock.now + timedelta(days=1)) == []
    assert await records.restore_points.expired(clock.now + timedelta(days=2)) == [T]


@pytest.mark.parametrize("deletes", range(3))
async def test_forgetting_a_restore_point_that_was_cut_off_is_finished_by_the_repetition(deletes: int) -> None:
    class CutOffDelete(MemoryTable):
        left = deletes

        async def delete(self, partition: str, key: str, *, etag: str = "") -> bool:
            if self.left == 0:
                raise StoreUnavailable("cut off")
            self.left -= 1
            return await super().delete(partition, key, etag=etag)

    table = CutOffDelete()
    points = RestorePoints(table)
    await points.upsert(point("00000007"))
    with pytest.raises(StoreUnavailable):
        await points.remove(T, "00000007")
    table.left = -1
    for there in [there["backupId"] async for _, there in points.stream(T)]:  # as expiry goes through the list
        await points.remove(T, there)
    assert [one async for one in points.stream(T)] == []
    assert await points.expired(datetime(2100, 1, 1, tzinfo=UTC)) == []


async def test_a_restore_point_is_not_found_in_another_tenant(records: Records) -> None:
    await records.restore_points.upsert(point("00000007"))
    with pytest.raises(UnknownRecord):
        await records.restore_points.get(OTHER, "00000007")


async def test_a_lock_is_held_by_one_task_and_let_go_by_it_alone(records: Records) -> None:
    locks = records.run_locks
    await locks.acquire(T, "backup", "a")
    await locks.acquire(T, "backup", "a")
    await locks.acquire(T, "restore", "b")
    await locks.acquire(OTHER, "backup", "b")
    with pytest.raises(Busy) as caught:
        await locks.acquire(T, "backup", "b")
    assert caught.value.task_id == "a"
    assert not await locks.release(T, "backup", "b")
    assert await locks.release(T, "backup", "a")
    assert not await locks.release(T, "backup", "a")
    await locks.acquire(T, "backup", "b")


async def test_of_many_who_want_a_lock_one_gets_it(records: Records) -> None:
    tries = await asyncio.gather(
        *(records.run_locks.acquire(T, "backup", f"{number}") for number in range(20)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in tries) == 1


async def test_a_dead_holders_lock_is_taken_over_by_one(records: Records) -> None:
    await records.run_locks.acquire(T, "backup", "dead")
    tries = await asyncio.gather(
        *(records.run_locks.take_over(T, "backup", dead="dead", task_id=f"{number}") for number in range(9)),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in tries) == 1
    held = await records.run_locks.held(T, "backup")
    assert held is not None
    assert held.task_id != "dead"


async def test_an_idempotency_key_stands_for_one_task_for_a_day(records: Records, clock: Clock) -> None:
    keys = records.idempotency_keys
    assert (await keys.claim("s", "k", fingerprint="f", task_id="1")).first
    again = await keys.claim("s", "k", fingerprint="f", task_id="2")
    assert (again.task_id, again.first) == ("1", False)
    with pytest.raises(KeyReused):
        await keys.claim("s", "k", fingerprint="g", task_id="3")
    assert (await keys.claim("other", "k", fingerprint="g", task_id="4")).first
    clock.now += KEPT + timedelta(seconds=1)
    assert not await keys.knows("s", "k")
    assert (await keys.claim("s", "k", fingerprint="g", task_id="5")).first
    await keys.forget("s", "k")
    assert (await keys.claim("s", "k", fingerprint="h", task_id="6")).first
