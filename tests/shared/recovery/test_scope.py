"""Which restores may run at once: those of chosen objects that write, bring back and name nothing of each other's."""

from typing import Any

import pytest

from shared.records.restores import Restore
from shared.recovery import lifecycle, scope
from shared.recovery.options import RestoreOptions, Selection
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_group, plain_users


async def planned(restores: Restores, object_ids: list[str], **options: Any) -> Restore:
    """A plan of a restore that began with the scope of what was asked for."""
    asked = scope.asked_for(
        Selection.model_validate({"objectIds": object_ids}), RestoreOptions.model_validate(options)
    )
    return await restores.plan(object_ids, scope=asked, **options)


def meet(one: Restore, other: Restore) -> bool:
    first, second = scope.of_row(one), scope.of_row(other)
    assert scope.meet(first, second) == scope.meet(second, first), "it does not matter who asks"
    return scope.meet(first, second)


@pytest.mark.parametrize(("selection", "options"), [
    ({"all": True}, {}), ({"types": ["user"]}, {}), ({"changeIds": ["c"]}, {}),
    ({"objectIds": ["a"]}, {"links": "exact"}), ({"objectIds": ["a"]}, {"newObjects": "softDelete"}),
    ({"objectIds": ["a"]}, {"newObjects": "unlink"}), ({"objectIds": ["a"]}, {"deleteExistingCloudUser": True}),
    ({"objectIds": [str(number) for number in range(101)]}, {}),
])
def test_a_restore_of_much_or_one_that_takes_away_runs_alone(selection: dict[str, Any], options: dict[str, Any]) -> None:
    asked = scope.asked_for(Selection.model_validate(selection), RestoreOptions.model_validate(options))
    assert asked is None
    assert scope.meet(asked, scope.Scope(writes=[], brings=[], names=[]))


async def test_restores_of_different_objects_do_not_meet_and_of_one_object_do(restores: Restores):
    store = restores.simulator.store
    one, other = plain_users(store, 1000)[-2:]
    await restores.backups.run("full")
    for key in (one, other):
        store.delete(key, soft=True)
    first, second = await planned(restores, [one]), await planned(restores, [other])
    assert not meet(first, second)
    assert meet(first, await planned(restores, [one, other]))


async def test_an_object_that_comes_back_and_one_that_names_it_meet(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    member = next(one for one in store.link_set("members").targets(group) if one in plain_users(store, 1000))
    stranger = next(one for one in plain_users(store, 1000) if not store.link_set("members").has(group, one))
    await restores.backups.run("full")
    for key in (group, member, stranger):
        store.delete(key, soft=True)
    store.purge(member)
    of_group, of_member, of_stranger = [await planned(restores, [one]) for one in (group, member, stranger)]
    assert None not in map(scope.of_row, (of_group, of_member, of_stranger))
    assert meet(of_group, of_member), "neither plan would write the membership"
    assert not meet(of_group, of_stranger)


async def test_a_group_that_conditional_access_names_is_made_anew_alone(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    await restores.backups.run("full")
    store.delete(group, soft=True)
    store.purge(group)
    of_group = await planned(restores, [group])
    assert any(one.bucket == "conditionalAccess" for one, _ in await restores.operations(of_group))
    assert scope.of_row(of_group) is None


async def test_plans_that_write_the_same_object_meet_though_other_objects_were_asked_for(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    users = [one for one in store.link_set("members").targets(group) if one in plain_users(store, 1000)][:2]
    await restores.backups.run("full")
    for key in users:
        store.delete(key, soft=True)
        store.purge(key)
    first, second = [await planned(restores, [one]) for one in users]
    assert meet(first, second), "both add a member to the group"


async def test_a_plan_that_disables_somebody_runs_alone(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store, 1000)[-1]
    store.update(user, {**store.get(user).read(), "accountEnabled": False})
    await restores.backups.run("full")
    store.update(user, {**store.get(user).read(), "accountEnabled": True})
    assert scope.of_row(await planned(restores, [user])) is None


async def test_a_plan_that_meets_another_that_runs_is_not_applied_and_stays_ready(restores: Restores):
    store, records = restores.simulator.store, restores.opened.records
    user = plain_users(store, 1000)[-1]
    await restores.backups.run("full")
    store.delete(user, soft=True)
    first = await planned(restores, [user])
    await records.run_locks.acquire(restores.tenant_id, "restore", first["taskId"])
    second = await planned(restores, [user])
    await records.run_locks.acquire(restores.tenant_id, "restore.2", second["taskId"])

    async def may_apply(restore: Restore) -> tuple[bool, str]:
        async with restores.sessions.restoring(restores.opened.settings, restores.tenant_id) as graph:
            answer = await lifecycle.plan(restores.opened, graph, {
                "tenantId": restores.tenant_id, "taskId": restore["taskId"], "restoreId": restore["restoreId"],
                "apply": True,
            })
        return answer["mayApply"], answer["why"]

    may, why = await may_apply(second)
    assert not may
    assert "Another restore runs" in why
    assert (await restores.restore(second["restoreId"]))["state"] == "ready"
    await records.tasks.close(first["taskId"], "succeeded", "done")
    assert await may_apply(second) == (True, "")
