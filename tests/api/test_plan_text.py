"""Who approves a plan reads in it who gets what, and which value becomes which, without looking up an id."""

from typing import Any

from api.plan_text import PlanNames, plan_as_text
from shared.recovery.guarded import GLOBAL_ADMINISTRATOR
from shared.recovery.lifecycle import store_of
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


async def lines_of(restores: Restores, planned: Any) -> list[str]:
    store = store_of(restores.opened, restores.tenant_id, planned["restoreId"])
    index = await store.plan(planned["planHash"])
    names = await PlanNames.open(restores.opened.vault, restores.tenant_id, index.backup_id)
    return bytes((await plan_as_text(planned, index, store, names)).body).decode().splitlines()


async def test_a_role_assignment_goes_by_the_role_and_who_holds_it(restores: Restores) -> None:
    store = restores.simulator.store
    await restores.backups.run("full")
    gone = next(
        one for one in store.all("unifiedRoleAssignment")
        if one.read()["roleDefinitionId"] != GLOBAL_ADMINISTRATOR and one.read()["directoryScopeId"] == "/"
        and store.get(one.read()["principalId"]).table == "user"
    )
    role = next(
        one.read() for one in store.all("unifiedRoleDefinition") if one.read()["id"] == gone.read()["roleDefinitionId"]
    )
    holder = store.get(gone.read()["principalId"]).read()
    store.delete(gone.key, soft=False)
    lines = await lines_of(restores, await restores.plan(types=["unifiedRoleAssignment"]))
    told = next(line for line in lines if line.split()[1:2] == ["create"] and "Assign" in line)
    assert role["displayName"] in told
    assert holder["displayName"] in told
    assert gone.key in told


async def test_a_link_names_who_joins_and_who_leaves(restores: Restores) -> None:
    store = restores.simulator.store
    group = next(
        one.key for one in store.all("group")
        if not any(one.read().get(name) for name in ("groupTypes", "mailEnabled", "onPremisesSyncEnabled"))
        and any(store.get(each).table == "user" for each in store.link_set("members").targets(one.key))
    )
    members = set(store.link_set("members").targets(group))
    left = next(store.get(one) for one in members if store.get(one).table == "user")
    joined = next(one for one in store.all("user") if one.key not in members)
    await restores.backups.run("full")
    store.unlink(group, "members", left.key)
    store.link(group, "members", joined.key)
    lines = await lines_of(restores, await restores.plan([group], links="exact"))
    assert any(line.endswith(f"members → {left.read()['displayName']} ({left.key})") for line in lines)
    assert any(line.endswith(f"members no longer → {joined.read()['displayName']} ({joined.key})") for line in lines)


async def test_an_update_says_which_value_becomes_which(restores: Restores) -> None:
    store = restores.simulator.store
    user = next(one for one in store.all("user") if not one.read().get("onPremisesSyncEnabled"))
    store.update(user.key, {**user.read(), "department": "Sales"})
    await restores.backups.run("full")
    store.update(user.key, {**user.read(), "department": "x" * 500, "accountEnabled": True})
    lines = await lines_of(restores, await restores.plan([user.key], attributes={"user": ["department"]}))
    told = next(line.strip() for line in lines if line.strip().startswith("department:"))
    assert told.endswith('… → "Sales"')
    assert len(told) < 200
