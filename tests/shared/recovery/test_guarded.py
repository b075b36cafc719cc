"""Roles, consents and credentials of those whom a restore must not touch stay, whatever the plan is asked for."""

from shared.recovery.guarded import (
    GLOBAL_ADMINISTRATOR,
    Administrators,
    from_the_last_administrator,
    why_kept,
    why_member_kept,
)
from shared.recovery.plan import Operation
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_users

ADA, BEN = "ada", "ben"


def removal(assignment):
    path = f"/roleManagement/directory/roleAssignments/{assignment}"
    return Operation("delete", "unifiedRoleAssignment", assignment, "", "DELETE", path)


def administrators(**through):
    return Administrators(
        frozenset(user for users in through.values() for user in users),
        {name: frozenset(users) for name, users in through.items()},
    )


def test_the_rights_of_protected_ones_are_kept():
    protected = {ADA: "it is a break-glass account"}
    for name in ("principalId", "clientId", "@cairn.parent"):
        assert "break-glass" in why_kept({name: ADA}, protected)
    assert why_kept({"principalId": BEN}, protected) == ""
    assert why_member_kept({"isAssignableToRole": True}, "members", ADA, protected)
    assert why_member_kept({}, "members", ADA, protected) == ""


def test_one_administrator_is_always_left():
    both = administrators(one={ADA}, two={BEN})
    spared, left = from_the_last_administrator([removal("one"), removal("two")], both)
    assert [one.object_id for one in spared] == ["one"]
    assert [one.object_id for one in left] == ["one"]
    assert from_the_last_administrator([removal("one")], both) == ([], [])


def test_disabling_deleting_and_leaving_a_group_count_alike():
    both = administrators(one={ADA}, group={BEN})
    disabled = Operation("update", "user", ADA, "", "PATCH", f"/users/{ADA}", {"accountEnabled": False})
    out = Operation(
        "unlink", "group", "group", "", "DELETE", f"/groups/group/members/{BEN}/$ref", link="members", targets=(BEN,),
        chain="group",
    )
    spared, left = from_the_last_administrator([disabled, out], both)
    assert len(spared) == len(left) == 1


def test_who_holds_the_role_twice_keeps_it_when_one_goes():
    twice = administrators(one={ADA}, two={ADA})
    assert from_the_last_administrator([removal("one")], twice) == ([], [])


async def test_assignments_made_since_to_break_glass_accounts_and_to_cairn_stay(restores: Restores):
    store = restores.simulator.store
    records, tenant = restores.opened.records, restores.tenant_id
    glass, other = plain_users(store)
    settings = (await records.tenants.settings(tenant)).settings.model_copy(update={"break_glass_ids": [glass]})
    await records.tenants.set_settings(tenant, settings, by="test")
    own = next(iter(store.find("servicePrincipal", "appId", restores.simulator.client_id))).key
    await restores.backups.run("full")
    made = {}
    for principal in (glass, other, own):
        record = store.create("unifiedRoleAssignment", {
            "id": f"assignment-{principal}", "principalId": principal, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
            "directoryScopeId": "/", "appScopeId": None,
        })
        made[principal] = record.key
    planned = await restores.plan(types=["unifiedRoleAssignment"], newObjects="softDelete")
    ops = await restores.operations(planned)
    assert [(one.kind, one.object_id) for one, _ in ops] == [("delete", made[other])]
    left = {one["objectId"]: one["reason"] for one in await restores.left(planned)}
    assert "break-glass" in left[made[glass]]
    assert "Cairn's own" in left[made[own]]
