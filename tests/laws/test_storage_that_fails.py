"""Storage that fails, and a Cairn that is killed, at any operation: never half a restore point, and the next run works.

State changes by storage operations alone, so a crash before each of them is a crash at every await there is.
"""

import asyncio
import random

import pytest

from tests.laws.changes import change_something
from tests.laws.conftest import Protected, outcomes

STRIDE = 37
"""Every so many operations one is struck, from another beginning with each seed; `make soak` strikes the rest."""


async def prepared(protected: Protected) -> int:
    """A tenant with one restore point and changes since; the value is about how many operations a backup takes."""
    await protected.backed_up("full")
    change_something(protected.store, random.Random(5), 8)
    return protected.misfortune.count


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("at", range(25, 400, 3 * STRIDE))
async def test_one_operation_that_fails_is_made_again_and_leaves_no_trace(
    protected: Protected, at: int, lost: bool
) -> None:
    await prepared(protected)
    protected.misfortune.none()
    task_id = await protected.begin()
    protected.misfortune.lost = lost
    protected.misfortune.strikes = lambda number: number == at
    await protected.engine.ended(task_id)
    assert protected.misfortune.struck
    protected.misfortune.none()
    task = await protected.opened.records.tasks.get(task_id)
    assert task["status"] in ("succeeded", "succeededWithWarnings"), task["lastResultDescription"]
    assert not await protected.apart_now(await protected.manifest(task))
    await protected.assert_sound()


@pytest.mark.parametrize("at", range(12, 400, STRIDE))
async def test_storage_that_stays_away_leaves_no_restore_point_and_the_next_run_succeeds(
    protected: Protected, at: int
) -> None:
    await prepared(protected)
    protected.misfortune.none()
    task_id = await protected.begin()
    protected.misfortune.strikes = lambda number: number >= at
    await asyncio.gather(protected.engine.ended(task_id), return_exceptions=True)
    struck = protected.misfortune.struck
    protected.misfortune.none()
    points = await protected.restore_points()
    if struck and len(points) == 2:  # sealed; the answer that says so did not get through
        assert not await protected.apart_now(points[0])
    await protected.restarted()
    task = await protected.opened.records.tasks.get(task_id)
    assert struck == 0 or task["status"] == "failed"
    assert task["lastResultDescription"]
    assert not await protected.apart_now(await protected.backed_up())


# A process that is killed closes nothing, and here the tests' own process stands in for it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("at", range(5, 400, STRIDE))
async def test_a_backup_that_is_killed_at_any_operation_is_taken_up_again_and_ends_whole(
    protected: Protected, at: int
) -> None:
    await prepared(protected)
    protected.misfortune.none()
    protected.misfortune.strikes, protected.misfortune.stop = (lambda number: number == at), True
    starting = asyncio.create_task(protected.back_up())
    stopping = asyncio.create_task(protected.misfortune.stopped.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    stopping.cancel()
    await asyncio.gather(starting, stopping, return_exceptions=True)
    await protected.engine.crash()
    protected.misfortune.none()
    for point in await protected.restore_points():
        await protected.view(point)
    await protected.restarted()
    await protected.assert_sound()
    tasks = [task async for _, task in protected.opened.records.tasks.stream(None)]
    assert all(task["status"] != "cancelled" and task["lastResultDescription"] for task in tasks)
    points = await protected.restore_points()
    assert len({point.run_id for point in points}) == len(points)
    newest = await protected.backed_up()
    assert not await protected.apart_now(newest)
    assert outcomes(newest)
    await protected.assert_sound()
