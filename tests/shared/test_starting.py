"""A task that lost its orchestration is taken up again where that is safe, a bounded number of times, else closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from durabletask.client import OrchestrationStatus

from shared import operations
from shared.deployment import Records, records_in_memory
from shared.starting import GRACE, MOST_TAKE_UPS, start, stop, take_up_or_close
from tests.api.conftest import FakeDurable

T = "11111111-1111-4111-8111-111111111111"


class Clock:
    now = datetime(2026, 11, 21, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def records(clock: Clock) -> Records:
    made = records_in_memory(clock=clock)
    await made.tenants.register(
        tenant_id=T, display_name="Contoso", cloud="global", kind="workforce", created_by="test"
    )
    return made


@pytest.fixture
def durable() -> FakeDurable:
    return FakeDurable()


async def begun(records: Records, durable: FakeDurable) -> None:
    operation = operations.backup(T, "t", kind="full", types=["user"], requested_by="me")
    await start(records, durable, operation)
    await records.tasks.start("t")


async def watched(records: Records, durable: FakeDurable) -> bool:
    return await take_up_or_close(records, durable, await records.tasks.get("t"))


async def codes(records: Records) -> list[str]:
    return [event["code"] async for _, event in records.events.stream(None)]


async def test_a_task_whose_orchestration_lives_is_left_alone(records: Records, durable: FakeDurable) -> None:
    await begun(records, durable)
    assert not await watched(records, durable)
    assert len(durable.scheduled) == 1


async def test_a_lost_backup_is_taken_up_with_the_same_message_and_keeps_its_lock(
    records: Records, durable: FakeDurable
) -> None:
    await begun(records, durable)
    durable.states.clear()
    assert await watched(records, durable)
    assert durable.scheduled[1] == durable.scheduled[0]
    assert not await watched(records, durable)
    held = await records.run_locks.held(T, "backup")
    assert held is not None
    assert held.task_id == "t"
    assert await codes(records) == ["taskTakenUp"]


async def test_a_task_that_is_lost_again_and_again_is_failed(
    records: Records, durable: FakeDurable, clock: Clock
) -> None:
    await begun(records, durable)
    for _ in range(MOST_TAKE_UPS + 1):
        clock.now += timedelta(minutes=1)
        durable.states.clear()
        assert await watched(records, durable)
    assert len(durable.scheduled) == 1 + MOST_TAKE_UPS
    assert (await records.tasks.get("t"))["status"] == "failed"
    assert await records.run_locks.held(T, "backup") is None
    assert (await codes(records))[0] == "taskLost"


async def test_a_task_whose_orchestration_ended_without_closing_it_is_failed(
    records: Records, durable: FakeDurable
) -> None:
    await begun(records, durable)
    durable.states["t"] = OrchestrationStatus.FAILED
    assert await watched(records, durable)
    assert (await records.tasks.get("t"))["status"] == "failed"


async def test_a_task_that_was_written_but_never_scheduled_is_closed_after_a_while(
    records: Records, durable: FakeDurable, clock: Clock
) -> None:
    await records.tasks.create(task_id="t", tenant_id=T, type="backup", name="Backup", requested_by="me")
    assert not await watched(records, durable)
    clock.now += GRACE + timedelta(seconds=1)
    assert await watched(records, durable)
    assert (await records.tasks.get("t"))["status"] == "failed"


async def test_a_cancelled_task_is_not_taken_up(records: Records, durable: FakeDurable) -> None:
    await begun(records, durable)
    cancelled = await stop(records, durable, await records.tasks.get("t"), by="me")
    assert cancelled["status"] == "cancelled"
    assert durable.states["t"] == OrchestrationStatus.TERMINATED
    durable.states.clear()
    await watched(records, durable)
    assert len(durable.scheduled) == 1
    assert await codes(records) == ["taskCancelled"]


@pytest.mark.parametrize(("state", "advice"), [("applying", "Apply it again"), ("planning", "plan it again")])
async def test_a_restore_that_is_lost_again_and_again_ends_and_says_what_to_do(
    records: Records, durable: FakeDurable, state: Any, advice: str
) -> None:
    operation = operations.restore("t", "lost", restore_id="lost", apply=True, requested_by="test")
    await start(records, durable, operation)
    await records.tasks.start("lost")
    await records.restores.create({"restoreId": "lost", "tenantId": "t", "state": state})  # type: ignore[typeddict-item]
    for _ in range(MOST_TAKE_UPS + 1):
        durable.states.clear()
        task = await records.tasks.get("lost")
        assert await take_up_or_close(records, durable, task)
    assert (await records.tasks.get("lost"))["status"] == "failed"
    restore = await records.restores.get("t", "lost")
    assert restore["state"] == "failed"
    assert advice in restore["message"]
    assert await records.run_locks.held("t", "restore") is None
