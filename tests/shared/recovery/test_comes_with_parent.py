"""What Entra makes with a user or group comes back as it was when that is made anew: PIM settings, per-user MFA state."""

from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.catalog.options import OPTIONS
from shared.recovery.difference import Change
from shared.recovery.restorability import judged
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up, erase

RULE = "Expiration_Admin_Eligibility"


def settings(store: Any, group: str) -> dict[str, dict[str, Any]]:
    """Access → its rules as the simulator has them, by id."""
    found = {}
    for each in store.find("unifiedRoleManagementPolicyAssignment", "scopeId", group):
        body = each.read()
        rules = store.link_set("rules").targets(store.key("unifiedRoleManagementPolicy", body["policyId"]))
        found[body["roleDefinitionId"]] = {one["id"]: one for one in (store.records[key].read() for key in rules)}
    return found


async def test_a_group_made_anew_gets_its_settings_before_its_schedules(restores: Restores):
    store = restores.simulator.store
    view = await backed_up(restores)
    eligible = view["privilegedAccessGroupEligibilitySchedule"]["objects"].values()
    group = next(one["groupId"] for one in eligible if one["scheduleInfo"]["expiration"]["type"] == "noExpiration")
    before = settings(store, group)
    for table in ("privilegedAccessGroupEligibilitySchedule", "privilegedAccessGroupAssignmentSchedule",
                  "unifiedRoleManagementPolicyAssignment"):
        for each in list(store.all(table)):
            if group in (each.read().get("groupId"), each.read().get("scopeId")):
                store.delete(each.key, soft=False)
    erase(store, group)
    done = await restores.run([group])
    ops = await restores.operations(done)
    bad = [(one.path, receipt) for one, receipt in ops if receipt["state"] not in ("done", "unchanged", "manual")]
    assert not bad, bad
    made = next(receipt["newObjectId"] for one, receipt in ops if (one.kind, one.object_type) == ("create", "group"))
    assert settings(store, made) == before
    orders = {kind: [one.order for one, _ in ops if one.object_type == kind] for kind in (
        "groupRoleManagementPolicy", "privilegedAccessGroupEligibilitySchedule",
    )}
    assert max(orders["groupRoleManagementPolicy"]) < min(orders["privilegedAccessGroupEligibilitySchedule"])
    assert all("{policyOf:{new:" in one.path for one, _ in ops if one.object_type == "groupRoleManagementPolicy")
    assert done["verification"]["differing"] == 0
    assert not [one.path for one, _ in await restores.operations(await restores.plan([group]))]


async def test_a_rule_that_was_tightened_is_put_back_and_only_that(restores: Restores):
    store = restores.simulator.store
    await backed_up(restores)
    group, access = next(
        (one["scopeId"], one["roleDefinitionId"])
        for one in (each.read() for each in store.all("unifiedRoleManagementPolicyAssignment"))
        if one["scopeType"] == "Group"
    )
    record = next(one for one in store.all("unifiedRoleManagementPolicyRule")
                  if one.read()["id"] == RULE and one.read() == settings(store, group)[access][RULE]
                  and one.key in store.link_set("rules").targets(store.key("unifiedRoleManagementPolicy", next(
                      each.read()["policyId"] for each in
                      store.find("unifiedRoleManagementPolicyAssignment", "scopeId", group)
                      if each.read()["roleDefinitionId"] == access))))
    before = record.read()
    store.update(record.key, {**before, "maximumDuration": "P1D"})
    done = await restores.run([f"{group}/{access}"])
    ops = [(one.method, one.body, receipt["state"]) for one, receipt in await restores.operations(done)]
    assert ops == [("PATCH", {"@odata.type": before["@odata.type"], "maximumDuration": "P365D"}, "done")]
    assert store.get(record.key).read() == before


def test_a_difference_says_that_it_comes_back_with_what_it_belongs_to():
    change = Change("hardDeleted", "groupRoleManagementPolicy", "g/member")
    told = judged(change, OBJECT_TYPES["groupRoleManagementPolicy"], {"roleDefinitionId": "member"})
    assert told.restorable
    assert "made anew" in told.operations[0]


async def test_a_user_made_anew_has_the_per_user_mfa_state_of_before(restores: Restores):
    store = restores.simulator.store
    user = next(each for each in store.all("user") if each.read().get("userType") == "Member"
                and not each.read().get("onPremisesSyncEnabled"))
    store.create("strongAuthenticationRequirements", {"id": "", "perUserMfaState": "enforced"}, user.key,
                 "authentication/requirements")
    assert "authenticationMethods" in OPTIONS
    await backed_up(restores)
    erase(store, user.key)
    done = await restores.run([user.key])
    ops = await restores.operations(done)
    made = next(receipt["newObjectId"] for one, receipt in ops if (one.kind, one.object_type) == ("create", "user"))
    states = [each.read()["perUserMfaState"] for each in store.all("strongAuthenticationRequirements")
              if each.key in store.link_set("authentication/requirements").targets(made)]
    assert states == ["enforced"], [(one.path, receipt) for one, receipt in ops if one.object_type != "user"]
    assert done["verification"]["differing"] == 0
