"""What cannot be read before the first write is not written; it holds up nothing else."""

from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.errors import Unavailable
from shared.recovery import lifecycle
from tests.shared.recovery.conftest import Restores


async def changed(restores: Restores, count: int) -> list[str]:
    """Users whose city somebody changed since the backup."""
    store = restores.simulator.store
    await restores.backups.run("full")
    users = [one for one in store.all("user") if not one.read().get("onPremisesSyncEnabled")][:count]
    for one in users:
        store.update(one.key, {**one.read(), "city": "Elsewhere"})
    return [one.key for one in users]


def city(restores: Restores, user: str) -> Any:
    return restores.simulator.store.get(user).read()["city"]


def unreadable(restores: Restores, path: str) -> None:
    # What is read for a restore, and not a PATCH.
    restores.simulator.tenant.faults.rules.append(parse({"kind": "status", "status": 403, "method": "GET", "path": path}))


async def test_one_object_that_cannot_be_read_is_not_written_and_the_others_are(restores: Restores):
    users = await changed(restores, 3)
    planned = await restores.plan(users)
    unreadable(restores, f"users/{users[0]}")
    done = await restores.apply(planned)
    restores.simulator.tenant.faults.rules.clear()
    assert [city(restores, one) == "Elsewhere" for one in users] == [True, False, False]
    receipts = {one.object_id: receipt for one, receipt in await restores.operations(done)}
    assert [receipts[one]["state"] for one in users] == ["failed", "done", "done"]
    assert "could not be read" in receipts[users[0]]["error"]
    assert receipts[users[0]]["remedy"]
    undone = await restores.undo(done)
    assert sorted(one.object_id for one, _ in await restores.operations(undone)) == sorted(users[1:])
    again = await restores.run(users)
    assert [city(restores, one) == "Elsewhere" for one in users] == [False] * 3
    assert again["verification"]["differing"] == 0


async def test_a_plan_leaves_out_what_cannot_be_read(restores: Restores):
    users = await changed(restores, 2)
    unreadable(restores, f"users/{users[0]}")
    planned = await restores.plan(users)
    assert [one.object_id for one, _ in await restores.operations(planned)] == users[1:]
    assert [one["objectId"] for one in await restores.left(planned)] == users[:1]


async def test_where_nothing_can_be_read_nothing_is_written_and_it_may_be_applied_again(restores: Restores):
    users = await changed(restores, 2)
    planned = await restores.plan(users)
    unreadable(restores, "users/")
    with pytest.raises(Unavailable, match="Nothing was written"):
        await restores.apply(planned)
    assert not [one for one, receipt in await restores.operations(planned) if receipt]
    restores.simulator.tenant.faults.rules.clear()
    assert (await restores.apply(planned))["results"] == {"done": 2}


async def test_a_restore_that_failed_before_its_first_write_says_what_to_do_next(restores: Restores):
    planned = await restores.plan(await changed(restores, 1))
    step = {"tenantId": restores.tenant_id, "taskId": planned["restoreId"], "restoreId": planned["restoreId"]}
    await lifecycle.finish(restores.opened, {**step, "outcome": "failed", "summary": "Nothing was written."})  # type: ignore[typeddict-item]
    failed = await restores.restore(planned["restoreId"])
    assert (failed["state"], failed["applied"], failed["beforeBackupId"]) == ("failed", None, None)
    assert "Apply it again" in failed["message"]
    assert "plan again" in failed["message"]
