"""The orchestrator of restores: what it calls, in which order, and how every failure ends restore and task."""

from typing import Any

import pytest

from orchestrators.restore import SLICES_PER_HISTORY
from shared.errors import StoreUnavailable
from tests.laws.driver import Engine, answering

REQUEST = {"tenantId": "t", "taskId": "task", "restoreId": "restore", "apply": True, "planHash": "hash"}
FAILED = {"failure": "It went wrong.", "remedy": "Mend it.", "code": "Wrong"}
PLANNED = {"state": "ready", "planHash": "hash", "summary": "Planned.", "mayApply": True, "why": "", "finished": True}
DONE = {"finished": True, "cancelled": False}


def engine(**answers: Any) -> Engine:
    """An engine whose activities answer from a table: two waves, the first of two lanes, one of two batches."""
    table: dict[str, Any] = {
        "plan_restore": PLANNED,
        "begin_apply": {"waves": [[[1, 2], [3, 3]], [[4, 4]]], "beforeBackupId": "7", "finished": True},
        "apply_batch": DONE,
        "verify_restore": {"finished": True, "next": 0}, "finish_restore": {"closed": True}, **answers,
    }

    return Engine(activities=answering(table))


def applied(made: Engine) -> list[int]:
    return [message["batch"] for name, message in made.calls if name == "apply_batch"]


def ended(made: Engine) -> dict[str, Any]:
    name, message = made.calls[-1]
    assert name == "finish_restore"
    return dict(message)


async def run(made: Engine, **changed: Any) -> Any:
    return await made.run("restore_tenant", {**REQUEST, **changed}, "task")


async def test_waves_go_one_after_the_other_and_batches_of_a_lane_too() -> None:
    made = engine()
    assert await run(made) == "restore"
    order = applied(made)
    assert sorted(order) == [1, 2, 3, 4]
    assert order[-1] == 4
    assert order.index(1) < order.index(2)
    names = [name for name, _ in made.calls]
    assert names[0] == "begin_apply"
    assert names[-2:] == ["verify_restore", "finish_restore"]
    assert ended(made)["outcome"] == "applied"


async def test_planning_goes_on_slice_by_slice_over_several_histories() -> None:
    slices = SLICES_PER_HISTORY * 2 + 3

    def sliced(message: dict[str, Any]) -> dict[str, Any]:
        return {**PLANNED, "finished": message.get("slice", 0) == slices}

    made = engine(plan_restore=sliced)
    assert await run(made, planHash="") == "restore"
    asked = [message.get("slice", 0) for name, message in made.calls if name == "plan_restore"]
    assert asked == list(range(slices + 1))
    assert sorted(applied(made)) == [1, 2, 3, 4]


async def test_nothing_is_applied_before_the_last_slice_of_the_before_images_is_sealed() -> None:
    begun = {"waves": [[[1, 1]]], "beforeBackupId": "7"}

    def sliced(message: dict[str, Any]) -> dict[str, Any]:
        return {**begun, "finished": True} if message.get("slice") == 3 else {"finished": False, "waves": []}

    made = engine(begin_apply=sliced)
    await run(made)
    assert [message.get("slice", 0) for name, message in made.calls if name == "begin_apply"] == [0, 1, 2, 3]
    assert "apply_batch" not in [name for name, _ in made.calls][:4]
    assert applied(made) == [1]


async def test_what_was_only_to_be_planned_changes_nothing() -> None:
    made = engine()
    await run(made, apply=False, planHash="")
    assert [name for name, _ in made.calls] == ["plan_restore", "finish_restore"]
    assert ended(made)["outcome"] == "planned"


async def test_a_plan_that_is_held_back_is_not_applied() -> None:
    made = engine(plan_restore={**PLANNED, "mayApply": False, "why": "Too much."})
    await run(made, planHash="")
    assert applied(made) == []
    assert ended(made)["outcome"] == "unsafe"
    assert "Too much." in ended(made)["summary"]


async def test_a_plan_that_is_cancelled_while_it_is_made_ends_the_restore_as_cancelled() -> None:
    made = engine(plan_restore={**PLANNED, "planHash": "", "mayApply": False, "cancelled": True, "summary": "Cancelled."})
    await run(made, planHash="")
    assert [name for name, _ in made.calls] == ["plan_restore", "finish_restore"]
    assert (ended(made)["outcome"], ended(made)["summary"]) == ("cancelled", "Cancelled.")


async def test_a_restore_that_is_cancelled_before_its_first_write_neither_writes_nor_verifies() -> None:
    made = engine(begin_apply={"waves": [], "beforeBackupId": "", "finished": True, "cancelled": True})
    await run(made)
    assert [name for name, _ in made.calls] == ["begin_apply", "finish_restore"]
    assert ended(made)["outcome"] == "cancelled"


async def test_a_cancelled_lane_lets_no_later_wave_begin_and_what_was_done_is_verified() -> None:
    made = engine(apply_batch={"finished": False, "cancelled": True})
    await run(made)
    assert 4 not in applied(made)
    assert "verify_restore" in [name for name, _ in made.calls]
    assert ended(made)["outcome"] == "cancelled"


async def test_a_batch_goes_on_until_it_is_finished() -> None:
    left = {1: 2, 2: 0, 3: 0, 4: 0}

    def sliced(message: dict[str, Any]) -> dict[str, Any]:
        left[message["batch"]] -= 1
        return {"finished": left[message["batch"]] < 0, "cancelled": False}

    made = engine(apply_batch=sliced)
    await run(made)
    assert applied(made).count(1) == 3


async def test_verifying_goes_on_from_where_each_slice_ended() -> None:
    made = engine(verify_restore=lambda message: {"finished": message["start"] >= 1000, "next": message["start"] + 500})
    await run(made)
    assert [message["start"] for name, message in made.calls if name == "verify_restore"] == [0, 500, 1000]


@pytest.mark.parametrize("activity", ["plan_restore", "begin_apply", "apply_batch", "verify_restore"])
@pytest.mark.parametrize("failure", [FAILED, StoreUnavailable("gone")])
async def test_whatever_fails_ends_the_restore(activity: str, failure: Any) -> None:
    made = engine(**{activity: failure})
    await run(made, planHash="" if activity == "plan_restore" else "hash")
    assert ended(made)["outcome"] == "failed"
    assert ended(made)["summary"]
