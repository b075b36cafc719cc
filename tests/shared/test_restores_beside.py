"""Restores of one tenant hold places: those that do not meet run at once, and a dead one's place is free again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from durabletask.client import OrchestrationStatus

from shared import operations
from shared.deployment import Records, records_over
from shared.errors import Busy
from shared.records.memory_table import MemoryTable
from shared.recovery.beside import met
from shared.recovery.scope import Scope
from shared.starting import RESTORES_AT_ONCE, close, holders, places_of, start, stop, take_up_or_close
from tests.api.conftest import FakeDurable

T = "11111111-1111-4111-8111-111111111111"


def scope_of(*ids: str) -> Scope:
    return Scope(writes=sorted(ids), brings=[], names=[])


class Slow(MemoryTable):
    """Lets others go first at every call."""

    async def get(self, *args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return await super().get(*args, **more)

    async def insert(self, *args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return await super().insert(*args, **more)


@pytest.fixture
async def records() -> Records:
    made = records_over(lambda _: Slow())
    await made.tenants.register(
        tenant_id=T, display_name="Contoso", cloud="global", kind="workforce", created_by="test"
    )
    return made


@pytest.fixture
def durable() -> FakeDurable:
    return FakeDurable()


@pytest.fixture
def begin(records: Records, durable: FakeDurable) -> Callable[..., Awaitable[Any]]:
    async def begun(task_id: str, scope: Scope | None, *, undo: bool = False) -> Any:
        await records.restores.create({  # type: ignore[typeddict-item]
            "restoreId": task_id, "tenantId": T, "state": "planning", "scope": scope,
        })
        return await start(records, durable, operations.restore(
            T, task_id, restore_id=task_id, apply=True, requested_by="me", undo=undo,
            beside=None if undo else lambda: met(records, T, task_id, task_id),
        ))

    return begun


async def test_restores_of_other_objects_run_at_once_and_one_of_the_same_is_refused(
    records: Records, durable: FakeDurable, begin: Any
) -> None:
    await begin("one", scope_of("a"))
    await begin("two", scope_of("b", "c"))
    with pytest.raises(Busy) as refused:
        await begin("three", scope_of("x", "c"))
    assert refused.value.task_id == "two"
    assert await holders(records, durable, T, "restore") == ["one", "two"]
    assert await records.tasks.find("three") is None


async def test_one_that_must_run_alone_waits_for_all_and_lets_none_beside_it(
    records: Records, durable: FakeDurable, begin: Any
) -> None:
    first = await begin("one", scope_of("a"))
    for name, undo in (("all", False), ("undo", True)):
        with pytest.raises(Busy):
            await begin(name, None, undo=undo)
    await close(records, first, "succeeded", "done", code="x", lock="restore")
    await begin("undo", None, undo=True)
    with pytest.raises(Busy):
        await begin("two", scope_of("b"))


async def test_there_are_a_few_places_only(begin: Any) -> None:
    for number in range(RESTORES_AT_ONCE):
        await begin(str(number), scope_of(f"of {number}"))
    with pytest.raises(Busy):
        await begin("late", scope_of("of its own"))


async def test_the_end_of_a_restore_frees_its_place_wherever_it_is(records: Records, durable: FakeDurable, begin: Any) -> None:
    await begin("one", scope_of("a"))
    second = await begin("two", scope_of("b"))
    await close(records, second, "failed", "no", code="x", lock="restore")
    assert await holders(records, durable, T, "restore") == ["one"]
    await begin("three", scope_of("b"))


@pytest.mark.parametrize("place", [0, 1])
async def test_a_lost_restore_is_taken_up_in_its_place_and_one_that_failed_leaves_it(
    records: Records, durable: FakeDurable, begin: Any, place: int
) -> None:
    tasks = [await begin("one", scope_of("a")), await begin("two", scope_of("b"))]
    lost = tasks[place]
    await records.tasks.start(lost["taskId"])
    del durable.states[lost["taskId"]]
    assert await take_up_or_close(records, durable, await records.tasks.get(lost["taskId"]))
    held = [await records.run_locks.held(T, one) for one in places_of("restore")]
    assert [one.task_id for one in held if one] == ["one", "two"], "it goes on, and so nobody else begins there"
    with pytest.raises(Busy):
        await begin("again", scope_of("a", "b"))
    durable.states[lost["taskId"]] = OrchestrationStatus.FAILED
    assert await take_up_or_close(records, durable, await records.tasks.get(lost["taskId"]))
    assert await holders(records, durable, T, "restore") == [tasks[1 - place]["taskId"]]


@pytest.mark.parametrize("place", [0, 1])
async def test_a_dead_holder_stands_in_nobodys_way(
    records: Records, durable: FakeDurable, begin: Any, place: int
) -> None:
    tasks = [await begin("one", scope_of("a")), await begin("two", scope_of("b"))]
    dead, lives = tasks[place], tasks[1 - place]
    durable.states[dead["taskId"]] = OrchestrationStatus.TERMINATED
    await begin("three", scope_of("ab"[place]))
    assert sorted(await holders(records, durable, T, "restore")) == sorted([lives["taskId"], "three"])
    assert (await records.tasks.get(dead["taskId"]))["status"] == "failed"


async def test_of_many_that_come_at_once_none_run_that_meet(records: Records, durable: FakeDurable, begin: Any) -> None:
    for many in range(20):
        wanted = {f"{many}-{number}": scope_of(f"{many}-{number % 2}") for number in range(4)}
        wanted[f"{many}-all"] = None  # type: ignore[assignment]
        ended = await asyncio.gather(*(begin(name, scope) for name, scope in wanted.items()), return_exceptions=True)
        assert all(isinstance(one, Busy | dict) for one in ended), ended
        running = [one["taskId"] for one in ended if isinstance(one, dict)]
        assert sorted(await holders(records, durable, T, "restore")) == sorted(running)
        if f"{many}-all" in running:
            assert len(running) == 1
        else:
            assert len({wanted[one]["writes"][0] for one in running}) == len(running)
        for name in running:
            await close(records, await records.tasks.get(name), "succeeded", "done", code="x", lock="restore")
    await begin("last", None)


async def test_a_start_that_is_repeated_keeps_its_place(records: Records, durable: FakeDurable, begin: Any) -> None:
    await begin("one", scope_of("a"))
    await begin("two", scope_of("b"))
    await begin("two", scope_of("b"))
    held = [await records.run_locks.held(T, one) for one in places_of("restore")]
    assert [one.task_id for one in held if one] == ["one", "two"]
    assert len(durable.scheduled) == 2


async def test_an_undo_that_is_stopped_after_it_was_lost_frees_its_place(
    records: Records, durable: FakeDurable, begin: Any
) -> None:
    task = await begin("undo", None, undo=True)
    durable.states["undo"] = OrchestrationStatus.TERMINATED
    await stop(records, durable, task, by="me")
    assert await records.run_locks.held(T, "restore") is None
