"""Timers keep their schedule, one run at a time; the clock is the test's."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from local.host.functions import Failure, Function, Outcome
from local.host.timers import Timers

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """Time passes only while somebody sleeps, and ends when `runs` runs have been seen."""

    def __init__(self) -> None:
        self.now = NOON

    def read(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Functions:
    """Records when each timer ran and whether it was late; each run takes `takes` of the clock's time."""

    def __init__(self, clock: Clock, enough: int, takes: timedelta = timedelta(0), **trigger: object) -> None:
        self.clock, self.enough, self.takes = clock, enough, takes
        self.function = Function("watch", "id", {"type": "timerTrigger", "name": "timer", **trigger}, (), True)
        self.runs: list[tuple[str, bool]] = []
        self.done = asyncio.Event()
        self.under_way = 0
        self.outcome = Outcome()

    def of_kind(self, kind: str) -> tuple[Function, ...]:
        return (self.function,)

    async def invoke(self, function: Function, value) -> Outcome:
        assert self.under_way == 0, "a timer overlapped itself"
        self.under_way += 1
        content = json.loads(value.value)
        self.runs.append((self.clock.now.strftime("%H:%M:%S"), content["IsPastDue"]))
        self.clock.now += self.takes
        await asyncio.sleep(0)
        self.under_way -= 1
        if len(self.runs) >= self.enough:
            self.done.set()
            await asyncio.Event().wait()  # time stands still for the rest of the test
        return self.outcome


async def run(functions: Functions, clock: Clock) -> list[tuple[str, bool]]:
    timers = Timers(functions, {}, now=clock.read, sleep=clock.sleep)
    timers.start()
    await asyncio.wait_for(functions.done.wait(), 10)
    await timers.stop()
    return functions.runs


async def test_a_timer_fires_at_each_occurrence():
    clock = Clock()
    functions = Functions(clock, 3, schedule="0 */5 * * * *")
    assert await run(functions, clock) == [("12:05:00", False), ("12:10:00", False), ("12:15:00", False)]


async def test_run_on_startup_fires_at_once_and_then_by_the_schedule():
    clock = Clock()
    functions = Functions(clock, 2, schedule="0 */5 * * * *", runOnStartup=True)
    assert await run(functions, clock) == [("12:00:00", False), ("12:05:00", False)]


async def test_occurrences_that_pass_during_a_run_are_skipped():
    clock = Clock()
    functions = Functions(clock, 2, takes=timedelta(minutes=12), schedule="0 */5 * * * *")
    assert await run(functions, clock) == [("12:05:00", False), ("12:20:00", False)]


async def test_a_machine_that_slept_makes_up_by_one_run_that_knows_it_is_late():
    clock = Clock()
    functions = Functions(clock, 2, schedule="0 */5 * * * *")
    wakes = [clock.sleep] * 2

    async def sleep(seconds: float) -> None:
        if wakes:
            wakes.pop()
            await clock.sleep(3600)  # the lid was closed
        else:
            await clock.sleep(seconds)

    timers = Timers(functions, {}, now=clock.read, sleep=sleep)
    timers.start()
    await asyncio.wait_for(functions.done.wait(), 10)
    await timers.stop()
    assert functions.runs == [("13:00:00", True), ("14:00:00", True)]


async def test_a_failing_run_does_not_end_the_timer():
    clock = Clock()
    functions = Functions(clock, 3, schedule="0 */5 * * * *")
    functions.outcome = Outcome(failure=Failure("ValueError", "text"))
    assert len(await run(functions, clock)) == 3


async def test_no_run_starts_beside_one_that_is_over_its_time():
    clock = Clock()
    functions = Functions(clock, 99, schedule="0 */5 * * * *")
    thread_still_busy = asyncio.get_running_loop().create_future()
    functions.outcome = Outcome(failure=Failure("FunctionTimeoutException", ""), lingering=thread_still_busy)
    timers = Timers(functions, {}, now=clock.read, sleep=clock.sleep)
    first = asyncio.create_task(timers.fire("watch"))
    second = asyncio.create_task(timers.fire("watch"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(functions.runs) == 1
    thread_still_busy.set_result(Outcome())
    await asyncio.gather(first, second)
    assert len(functions.runs) == 2


async def test_an_unknown_timer_cannot_be_fired():
    clock = Clock()
    with pytest.raises(LookupError, match="no timer is called other"):
        await Timers(Functions(clock, 1, schedule="0 0 0 * * *"), {}).fire("other")
