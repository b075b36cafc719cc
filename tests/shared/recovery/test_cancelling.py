"""A restore that is cancelled stops between requests, and what it did not send leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.recovery import apply, lifecycle, listening
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

SLOW = {"kind": "slow", "method": "POST", "path": "/users$", "seconds": 1.5}


def people(store: Any, count: int) -> list[str]:
    found = [
        one.key for one in store.all("user")
        if one.read()["userType"] == "Member" and not one.read().get("onPremisesSyncEnabled")
        and "@odata.type" not in one.read() and len(one.read()["identities"]) == 1
    ]
    return found[:count]


async def test_cancelling_stops_within_a_group_and_keeps_no_password_of_those_not_made(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = restores.simulator.store
    monkeypatch.setattr(apply, "TOLD_EVERY", 0.05)
    monkeypatch.setattr(apply, "IN_FLIGHT", 4)
    gone = people(store, 12)
    await restores.backups.run("full")
    for one in gone:
        store.delete(one, soft=False)
    planned = await restores.plan(gone)
    living = len(list(store.all("user")))
    restores.simulator.tenant.faults.rules.append(parse(SLOW))
    applying = asyncio.create_task(restores.apply(planned))
    while len(list(store.all("user"))) == living:  # noqa: ASYNC110 - the simulator tells nobody of a new user
        await asyncio.sleep(0.05)
    await restores.opened.records.tasks.request_cancel(planned["restoreId"])
    done = await applying
    states = [receipt["state"] for one, receipt in await restores.operations(done) if one.kind == "create"]
    made = len(list(store.all("user"))) - living
    assert states.count("done") == made < len(gone)
    assert states.count("skipped") == len(gone) - made
    kept = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    assert len([name async for name, _ in kept.secrets()]) == made


async def test_cancelling_is_heard_while_a_plan_is_made_and_leaves_nothing_of_it(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await restores.backups.run("full")
    monkeypatch.setattr(listening, "TOLD_EVERY", 0.01)
    restores.simulator.tenant.faults.rules.append(parse({"kind": "slow", "path": ".*", "seconds": 0.05}))
    told: list[str] = []
    tasks = restores.opened.records.tasks
    describe = tasks.describe

    async def described(task_id: str, text: str) -> Any:
        told.append(text)
        if len(told) == 3:
            await tasks.request_cancel(task_id)
        return await describe(task_id, text)

    monkeypatch.setattr(tasks, "describe", described)
    restore = await restores.plan()
    assert told[0].startswith("Comparing with the tenant: 1 of ")
    assert restore["planHash"] is None
    task_id, tenant_id = restore["taskId"], restores.tenant_id
    await lifecycle.finish(restores.opened, {
        "tenantId": tenant_id, "taskId": task_id, "restoreId": task_id, "outcome": "cancelled",
        "summary": lifecycle.CANCELLED_EARLY,
    })
    assert (await restores.restore(task_id))["state"] == "cancelled"
    ended = await tasks.get(task_id)
    assert (ended["status"], ended["lastResultDescription"]) == ("cancelled", lifecycle.CANCELLED_EARLY)
    prefix = f"{lifecycle.store_of(restores.opened, tenant_id, task_id).prefix}draft/"
    assert [one async for one in restores.opened.workspace.list(prefix)] == []


async def test_cancelling_while_before_images_are_sealed_sends_nothing(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await restores.backups.run("full")
    gone = people(restores.simulator.store, 3)
    for one in gone:
        restores.simulator.store.delete(one, soft=True)
    planned = await restores.plan(gone)
    monkeypatch.setattr(listening, "TOLD_EVERY", 0.01)
    restores.simulator.tenant.faults.rules.append(parse({"kind": "slow", "path": ".*", "seconds": 0.2}))
    task_id, written = planned["taskId"], restores.simulator.store.seq
    await restores.opened.records.tasks.request_cancel(task_id)
    step: Any = {
        "tenantId": restores.tenant_id, "taskId": task_id, "restoreId": task_id, "planHash": planned["planHash"],
    }
    async with restores.sessions.restoring(restores.opened.settings, restores.tenant_id) as graph:
        begun = await lifecycle.begin(restores.opened, graph, step)
    assert begun.get("cancelled")
    assert begun["waves"] == []
    ending: Any = {**step, "outcome": "cancelled", "summary": ""}
    await lifecycle.finish(restores.opened, ending)
    done = await restores.restore(task_id)
    assert (done["state"], done["beforeBackupId"]) == ("cancelled", None)
    assert set(done["results"]) == {"skipped"}
    assert restores.simulator.store.seq == written
