"""Activities of backup, verification and expiry at their boundary: what goes in and out, once and again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared import operations
from shared.backup import capturing
from shared.backup.checkpoint import load_checkpoint
from shared.backup.run import load_run
from shared.catalog import OBJECT_TYPES
from shared.repository.names import segment_name
from shared.repository.verification import verify
from shared.starting import start
from tests.laws.changes import change_something
from tests.laws.conftest import Protected
from tests.laws.driver import ACTIVITIES, MESSAGE_BYTES

type Activity = Callable[[dict[str, Any]], Awaitable[Any]]
type Kept = dict[str, list[tuple[dict[str, Any], Any]]]


@pytest.fixture
async def made(protected: Protected) -> Kept:
    """Every message of a backup and its answer, by activity, in order."""
    kept: Kept = {}

    def keeping(name: str, activity: Activity) -> Activity:
        async def run(message: dict[str, Any]) -> Any:
            answer = await activity(message)
            kept.setdefault(name, []).append((message, answer))
            return answer

        return run

    protected.engine.activities = {name: keeping(name, activity) for name, activity in ACTIVITIES.items()}
    await protected.backed_up("full")
    kept.clear()
    change_something(protected.store, random.Random(1), 6)
    await protected.backed_up()
    return kept


async def everything(protected: Protected) -> tuple[Any, ...]:
    """All that is kept: restore points, tasks without their clocks, events."""
    points = [one.as_bytes() for one in await protected.restore_points()]
    tasks = [
        {name: value for name, value in task.items() if name not in ("modified", "progress")}
        async for _, task in protected.opened.records.tasks.stream(None)
    ]
    events = [event async for _, event in protected.opened.records.events.stream([protected.tenant_id])]
    rows = [point async for _, point in protected.opened.records.restore_points.stream(protected.tenant_id)]
    return points, tasks, events, rows


@pytest.mark.parametrize("name", ["begin_backup", "capture_slice", "seal_backup", "watch_backup", "close_task"])
@pytest.mark.parametrize("at_once", [False, True])
async def test_an_activity_that_comes_again_when_all_is_over_changes_nothing(
    protected: Protected, made: Kept, name: str, at_once: bool
) -> None:
    before = await everything(protected)
    blobs = set(protected.truth._inner.blobs)
    repeats = made[name][:4]
    calls = [ACTIVITIES[name](dict(message)) for message, _ in repeats]
    answers = await asyncio.gather(*calls) if at_once else [await call for call in calls]
    assert await everything(protected) == before
    assert protected.truth._inner.blobs.keys() >= blobs, "nothing went"
    if name == "seal_backup":
        assert answers == [answer for _, answer in repeats]
    if name == "close_task":
        assert answers == [{"closed": False}]
    for point in await protected.restore_points():
        assert not await verify(protected.truth, protected.tenant_id, point.backup_id)


async def test_a_task_that_was_closed_stays_as_it_was_closed(protected: Protected, made: Kept) -> None:
    ((message, _),) = made["close_task"]
    late = {**message, "status": "failed", "summary": "Too late.", "code": "backupFailed"}
    assert await ACTIVITIES["close_task"](late) == {"closed": False}
    task = await protected.opened.records.tasks.get(message["taskId"])
    assert task["status"].startswith("succeeded")
    assert "Too late." not in task["lastResultDescription"]


async def test_a_slice_that_is_read_twice_reads_the_same_and_either_answer_may_be_gone_on_from(
    protected: Protected, made: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "SLICE_SECONDS", 0.0)
    message = next(message for message, _ in made["capture_slice"] if message["lane"]["name"] == "group")
    first, second = [await ACTIVITIES["capture_slice"](dict(message)) for _ in range(2)]
    assert first["finished"] == second["finished"]
    read = [await load_checkpoint(protected.opened.workspace, one["checkpoint"]) for one in (first, second)]
    assert [one.layer for one in read[0].captures] == [one.layer for one in read[1].captures]


async def test_no_message_and_no_answer_is_over_sixteen_kilobytes(protected: Protected, made: Kept) -> None:
    for name, calls in made.items():
        for message, answer in calls:
            assert len(orjson.dumps(message)) < MESSAGE_BYTES / 2, name
            assert len(orjson.dumps(answer)) < MESSAGE_BYTES / 2, name


async def test_a_failure_stays_small_whatever_graph_says(protected: Protected) -> None:
    protected.faults({"kind": "status", "status": 403})
    task = await protected.back_up()
    assert task["status"] == "failed"
    assert len(task["lastResultDescription"]) < 2_000


async def test_messages_name_things_and_hold_none(protected: Protected, made: Kept) -> None:
    run = await load_run(protected.opened.workspace, made["begin_backup"][0][1]["run"])
    assert set(run.types) == set(OBJECT_TYPES)
    people = [record.read() for record in protected.store.all("user")]
    text = orjson.dumps(list(made.values())).decode()
    for person in people:
        for value in (person["id"], person["displayName"], person["userPrincipalName"]):
            assert value not in text


async def test_verifying_again_finds_the_same_and_tells_it_once(protected: Protected) -> None:
    first = await protected.backed_up("full")
    damaged = segment_name(protected.tenant_id, first.types["user"].layers[0].objects[0].sha256)
    protected.truth._inner.blobs[damaged].content = b"x"
    operation = operations.verification(
        protected.tenant_id, "verify", backup_id=first.backup_id, requested_by="test"
    )
    await start(protected.opened.records, protected.engine, operation)
    await protected.engine.ended("verify")
    before = await everything(protected)
    message = {"tenantId": protected.tenant_id, "taskId": "verify", "backupId": first.backup_id, "start": 0}
    answers = [await ACTIVITIES["verify_slice"](dict(message)) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["findings"] == 1
    assert damaged in answers[0]["first"]
    assert len(orjson.dumps(answers[0])) < MESSAGE_BYTES / 2
    assert await everything(protected) == before


@pytest.mark.parametrize("backup_id", ["../../x", "latest", "00000009", ""])
async def test_verifying_what_is_no_restore_point_is_an_answer_and_no_crash(
    protected: Protected, backup_id: str
) -> None:
    await protected.backed_up("full")
    operation = operations.verification(protected.tenant_id, "verify", backup_id=backup_id, requested_by="test")
    await start(protected.opened.records, protected.engine, operation)
    await protected.engine.ended("verify")
    task = await protected.opened.records.tasks.get("verify")
    assert task["status"] == "failed"
    assert task["lastResultDescription"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_expiring_twice_is_expiring_once_and_breaks_no_other_restore_point(
    protected: Protected, at_once: bool
) -> None:
    settings = (await protected.opened.records.tenants.settings(protected.tenant_id)).settings
    short = settings.model_copy(update={"retention_days": 2})
    await protected.opened.records.tenants.set_settings(protected.tenant_id, short, by="test")
    await protected.backed_up("full")
    await protected.opened.records.tenants.set_settings(protected.tenant_id, settings, by="test")
    change_something(protected.store, random.Random(2), 6)
    second = await protected.backed_up()  # builds on segments of the first
    held = await protected.view(second)
    protected.pass_time(timedelta(days=4))
    await start(
        protected.opened.records, protected.engine,
        operations.expiry(protected.tenant_id, "expiry", requested_by="test"),
    )
    await protected.engine.ended("expiry")
    message = {"tenantId": protected.tenant_id, "taskId": "expiry", "requestedBy": "test"}
    before = await everything(protected)
    calls = [ACTIVITIES["expire_tenant"](dict(message)) for _ in range(2)]
    answers = await asyncio.gather(*calls) if at_once else [await call for call in calls]
    assert all(answer["restorePoints"] == 0 and answer["finished"] for answer in answers)
    assert await everything(protected) == before
    assert [one.backup_id for one in await protected.restore_points()] == [second.backup_id]
    assert await protected.view(second) == held
    await protected.assert_sound()
    task = await protected.opened.records.tasks.get("expiry")
    assert task["lastResultDescription"] == "1 restore points expired."
