"""Which directory role the restoring app lacks is in the plan, and is no refusal half-way."""

from shared.recovery.plan import Operation
from shared.recovery.requirements import Standing, unmet
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_users

PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"


def update(*attributes):
    return Operation("update", "user", "u", "Ada", "PATCH", "/users/u", attributes=attributes, chain="u")


def codes(operations, **standing):
    return [(one.code, one.blocks) for one in unmet(operations, Standing(**standing))]


def test_only_sensitive_properties_of_privileged_users_ask_for_a_role():
    privileged = frozenset({"u"})
    assert codes([update("mobilePhone")], privileged=privileged) == [("privilegedTargets", True)]
    assert codes([update("department")], privileged=privileged) == []
    assert codes([update("mobilePhone")], privileged=privileged,
                 own_roles=frozenset({PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})) == []


def test_licences_and_location_stay_open_in_a_restricted_unit():
    unit = {"unit": frozenset({"u"})}
    assert codes([update("usageLocation")], restricted=unit) == []
    assert codes([update("department")], restricted=unit) == [("restrictedUnit", True)]
    assert codes([update("department")], restricted=unit, own_scopes=frozenset({"unit"})) == []


def test_what_could_not_be_checked_is_told():
    assert codes([update("mobilePhone")], unread="no permission") == [("rolesUnchecked", False)]


def without_roles(restores: Restores):
    store = restores.simulator.store
    own = next(iter(store.find("servicePrincipal", "appId", restores.simulator.client_id))).key
    for record in list(store.find("unifiedRoleAssignment", "principalId", own)):
        store.delete(record.key, soft=False)
    for role in list(store.link_set("members").sources(own)):
        store.unlink(role, "members", own)
    return own


async def test_a_privileged_target_and_a_restricted_unit_hold_the_plan_back(restores: Restores):
    store = restores.simulator.store
    ada, ben = plain_users(store)
    store.create("unifiedRoleAssignment", {
        "id": "made-for-ada", "principalId": ada, "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/",
        "appScopeId": None,
    })
    unit = store.create("administrativeUnit", {
        "id": "5a1f6a7e-0000-4000-8000-0000000000aa", "displayName": "Board", "isMemberManagementRestricted": True,
        "deletedDateTime": None,
    }).key
    store.link(unit, "members", ben)
    own = without_roles(restores)
    await restores.backups.run("full")
    store.update(ada, {**store.get(ada).read(), "mobilePhone": "+1 555 0100"})
    store.update(ben, {**store.get(ben).read(), "department": "Elsewhere"})
    planned = await restores.plan([ada, ben])
    found = {one["code"]: one for one in planned["findings"] if one["blocks"]}
    assert set(found) == {"privilegedTargets", "restrictedUnit"}
    assert "Privileged Authentication Administrator" in found["privilegedTargets"]["message"]
    assert "Board" in found["restrictedUnit"]["message"]
    for number, (role, scope) in enumerate((
        (PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, "/"), (USER_ADMINISTRATOR, f"/administrativeUnits/{unit}"),
    )):
        store.create("unifiedRoleAssignment", {
            "id": f"made-for-cairn-{number}", "principalId": own, "roleDefinitionId": role, "directoryScopeId": scope,
            "appScopeId": None,
        })
    done = await restores.run([ada, ben])
    assert not [one for one in done["findings"] if one["blocks"]]
    assert set(done["results"]) == {"done"}
