"""The backup's orchestrators: what they call, in which order, and how every failure ends in one closed task."""

import ast
import asyncio
from pathlib import Path
from typing import Any

import pytest

import function_app
from orchestrators import backup
from shared.errors import BaseDamaged, StoreUnavailable
from tests.laws.driver import Engine, answering

REQUEST = {
    "tenantId": "t", "taskId": "task", "kind": "full", "types": None, "requestedBy": "me", "scheduled": False,
}
LANES = [{"name": "user", "types": ["user"], "share": 0.5}, {"name": "small", "types": ["group"], "share": 0.5}]
FAILED = {"failure": "It went wrong.", "remedy": "Mend it.", "code": "Wrong"}


def engine(slices: int = 1, **answers: Any) -> Engine:
    """An engine whose activities answer from a table; a lane takes so many slices."""

    async def capture(message: dict[str, Any]) -> Any:
        done = message.get("slices", 0) + 1
        name = message["lane"]["name"]
        return {"checkpoint": f"{name}/{done}", "finished": done >= slices}

    table: dict[str, Any] = {
        "begin_backup": {"run": "run", "kind": "full", "lanes": LANES}, "capture_slice": capture,
        "seal_backup": {"backupId": "00000001", "warnings": 0, "summary": "Done."}, "close_task": {"closed": True},
        "watch_backup": {"alarms": 0},
        **answers,
    }

    return Engine(activities=answering(table))


def named(made: Engine) -> list[str]:
    return [name for name, _ in made.calls if name != "capture_lane"]


async def run(made: Engine) -> Any:
    return await made.run("back_up_tenant", REQUEST, "task")


async def test_everything_is_read_before_the_closing_lane_and_the_task_is_closed_last() -> None:
    made = engine()
    assert await run(made) == "00000001"
    assert named(made) == [
        "begin_backup", "capture_slice", "capture_slice", "capture_slice", "seal_backup", "watch_backup",
        "close_task",
    ]
    lanes = [message["lane"]["name"] for name, message in made.calls if name == "capture_slice"]
    assert sorted(lanes[:2]) == ["small", "user"]
    assert lanes[2] == "closing"
    closing = [message for name, message in made.calls if name == "capture_slice"][2]
    assert closing["after"] == ["user/1", "small/1"]
    assert dict(made.calls)["seal_backup"]["checkpoints"] == ["user/1", "small/1", "closing/1"]


async def test_a_backup_of_nothing_that_has_a_lane_ends_all_the_same() -> None:
    made = engine(begin_backup={"run": "run", "kind": "incremental", "lanes": []})
    assert await asyncio.wait_for(run(made), 10) == "00000001"
    assert dict(made.calls)["seal_backup"]["checkpoints"] == ["closing/1"]


@pytest.mark.parametrize("warnings", [0, 3])
async def test_the_task_says_whether_everything_was_whole(warnings: int) -> None:
    made = engine(seal_backup={"backupId": "00000001", "warnings": warnings, "summary": "Done."})
    await run(made)
    assert made.calls[-1][1]["status"] == ("succeededWithWarnings" if warnings else "succeeded")
    assert made.calls[-1][1]["backupId"] == "00000001"


@pytest.mark.parametrize("failing", ["begin_backup", "capture_slice", "seal_backup"])
async def test_an_answer_that_says_so_ends_the_backup_at_once_with_reason_and_remedy(failing: str) -> None:
    made = engine(**{failing: FAILED})
    assert await run(made) == ""
    assert named(made).count("close_task") == 1
    assert made.calls[-1][0] == "close_task"
    close = made.calls[-1][1]
    assert (close["status"], close["code"]) == ("failed", "backupFailed")
    assert close["summary"] == "It went wrong. Mend it."
    assert "backupId" not in close
    after = named(made)[: -1]
    assert "seal_backup" not in after or failing == "seal_backup"


@pytest.mark.parametrize("failing", ["begin_backup", "capture_slice", "seal_backup"])
async def test_an_exception_is_tried_again_and_then_ends_the_backup_with_its_cause(failing: str) -> None:
    made = engine(**{failing: StoreUnavailable("the storage account did not answer")})
    assert await run(made) == ""
    assert made.calls[-1][0] == "close_task"
    assert made.calls[-1][1]["summary"] == "the storage account did not answer"
    assert named(made).count(failing) >= 5


DAMAGED = {"failure": "Restore point 1 is damaged.", "remedy": "Run it again.", "code": "BaseDamaged"}


@pytest.mark.parametrize("failing", ["user", "closing", "seal_backup"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_backup_whose_base_is_damaged_begins_once_more_and_not_for_ever(failing: str, times: int) -> None:
    left = times

    def damaged(name: str, answer: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= name == failing
        return DAMAGED if name == failing and left >= 0 else answer

    async def capture(message: dict[str, Any]) -> Any:
        name = message["lane"]["name"]
        return damaged(name, {"checkpoint": f"{name}/1", "finished": True})

    async def seal(_: dict[str, Any]) -> Any:
        return damaged("seal_backup", {"backupId": "00000001", "warnings": 0, "summary": "Done."})

    made = engine(capture_slice=capture, seal_backup=seal)
    assert await run(made) == ("00000001" if times == 1 else "")
    assert named(made).count("begin_backup") == 2
    close = made.calls[-1][1]
    assert close["status"] == ("succeeded" if times == 1 else "failed")
    assert "damaged" in close["summary"] or times == 1


def test_the_code_that_begins_anew_is_the_name_of_an_error() -> None:
    assert BaseDamaged.__name__ == backup.BASE_DAMAGED


async def test_closing_is_tried_until_it_succeeds() -> None:
    left = 7

    async def close(_: dict[str, Any]) -> Any:
        nonlocal left
        left -= 1
        if left:
            raise StoreUnavailable("not yet")
        return {"closed": True}

    made = engine(close_task=close)
    assert await run(made) == "00000001"
    assert named(made).count("close_task") == 7


async def test_a_long_lane_starts_a_new_history_and_goes_on_from_its_checkpoint() -> None:
    slices = backup.SLICES_PER_HISTORY * 2 + 3
    made = engine(slices=slices)
    assert await run(made) == "00000001"
    of_user = [
        message for name, message in made.calls if name == "capture_slice" and message["lane"]["name"] == "user"
    ]
    assert [one.get("checkpoint", "") for one in of_user] == ["", *(f"user/{number}" for number in range(1, slices))]


async def test_the_same_answers_make_the_same_calls() -> None:
    first, second = engine(slices=3), engine(slices=3)
    await run(first)
    await run(second)
    assert first.calls == second.calls


def names_called(path: Path) -> set[str]:
    """Names that an orchestrator gives to `call_activity`, `call_sub_orchestrator` and `answer`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = {"call_activity": 0, "call_sub_orchestrator": 0, "answer": 1}.get(called)
        if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
            found.add(str(node.args[place].value))
    return found


def test_every_name_that_an_orchestrator_calls_is_registered() -> None:
    registered = {one.__name__ for one in (*function_app.ORCHESTRATORS, *function_app.ACTIVITIES)}
    folder = Path(backup.__file__).parent
    called = {name for path in folder.glob("*.py") for name in names_called(path)}
    assert {"begin_backup", "capture_slice", "capture_lane", "close_task"} <= called
    assert called <= registered
