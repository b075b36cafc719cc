"""Whoever a policy leaves out by a group is locked out as well by being taken out of the group."""

import uuid
from typing import Any

from shared.backup.sessions import GraphSessions
from shared.recovery.covered import Memberships, groups_of, roles_of
from shared.recovery.guarded import GLOBAL_ADMINISTRATOR
from shared.recovery.plan import Operation
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


def made(store: Any, name: str) -> str:
    body = {"id": str(uuid.uuid4()), "displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True,
            "groupTypes": []}
    return str(store.create("group", body).key)


def administrators(store: Any) -> list[str]:
    return [
        one.read()["principalId"] for one in store.all("unifiedRoleAssignment")
        if one.read()["roleDefinitionId"] == GLOBAL_ADMINISTRATOR and one.read()["directoryScopeId"] == "/"
    ]


def block_all_but(store: Any, group: str) -> None:
    store.create("conditionalAccessPolicy", {
        "id": str(uuid.uuid4()), "displayName": "Block all", "state": "enabled",
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]},
                       "users": {"includeUsers": ["All"], "excludeGroups": [group]}},
    })


async def codes(restores: Restores, group: str, **options: Any) -> dict[str, bool]:
    planned = await restores.plan([group], **options)
    return {one["code"]: one["blocks"] for one in planned["findings"]}


async def test_a_plan_that_empties_the_group_of_exceptions_is_held_back(restores: Restores) -> None:
    store = restores.simulator.store
    group = made(store, "exceptions")
    await restores.backups.run("full")
    block_all_but(store, group)
    for one in administrators(store):
        store.link(group, "members", one)
    assert await codes(restores, group, links="exact") == {"lockout": True}
    assert await codes(restores, group) == {}


async def test_a_nested_group_of_exceptions_counts_with_those_above_it(restores: Restores) -> None:
    store = restores.simulator.store
    outer, inner = made(store, "outer"), made(store, "inner")
    await restores.backups.run("full")
    block_all_but(store, outer)
    store.link(outer, "members", inner)
    for one in administrators(store):
        store.link(inner, "members", one)
    assert await codes(restores, inner, links="exact") == {"lockout": True}
    assert await codes(restores, outer, links="exact") == {"lockout": True}


async def test_whom_a_plan_puts_into_a_group_and_takes_out_of_it_is_followed_upwards(restores: Restores) -> None:
    store = restores.simulator.store
    outer, inner, other = (made(store, name) for name in ("outer", "inner", "other"))
    one = administrators(store)[0]
    store.link(outer, "members", inner)
    plan = [
        Operation("link", "group", inner, "", chain=inner, link="members", targets=(one,)),
        Operation("link", "group", other, "", chain="{new:other}", link="members", targets=(inner,)),
    ]
    async with GraphSessions().restoring(restores.opened.settings, restores.tenant_id) as graph:
        now, then = await groups_of(graph, [one], Memberships.of(plan))
        assert then[one] - now[one] == {inner, outer, "{new:other}"}
        gone = [Operation("delete", "group", outer, "", chain=outer)]
        now, then = await groups_of(graph, [one], Memberships.of([*plan, *gone]))
        assert then[one] - now[one] == {inner, "{new:other}"}


async def test_a_role_that_a_plan_takes_is_no_exception_any_more(restores: Restores) -> None:
    store = restores.simulator.store
    assignment = next(
        one for one in store.all("unifiedRoleAssignment") if one.read()["roleDefinitionId"] != GLOBAL_ADMINISTRATOR
    )
    person, role = assignment.read()["principalId"], assignment.read()["roleDefinitionId"]
    path = f"/roleManagement/directory/roleAssignments/{assignment.key}"
    taken = Operation("delete", "unifiedRoleAssignment", "x", "", path=path)
    given = Operation("create", "unifiedRoleAssignment", "y", "", body={"principalId": person, "roleDefinitionId": "r"})
    async with GraphSessions().restoring(restores.opened.settings, restores.tenant_id) as graph:
        now, then = await roles_of(graph, [person], {}, [taken, given])
    assert role in now[person]
    assert now[person] - then[person] == {role}
    assert then[person] - now[person] == {"r"}
