"""Types that are read under other objects' say: PIM settings of groups, credentials of managed identities."""

import pytest

from local.simulator.faults import rules
from shared.backup.summary import not_whole
from tests.shared.backup.conftest import Backups

ELIGIBLE = "privilegedAccessGroupEligibilitySchedule"
ACTIVE = "privilegedAccessGroupAssignmentSchedule"
SETTINGS = "groupRoleManagementPolicy"


def under_pim(store) -> set[str]:
    scheduled = {each.read()["groupId"] for table in (ELIGIBLE, ACTIVE) for each in store.all(table)}
    return scheduled | {each.key for each in store.all("group") if each.read().get("isAssignableToRole")}


def asked(backups: Backups) -> list[str]:
    return [one.target for one in backups.simulator.tenant.requests.entries if "roleManagementPolicyAssign" in one.target]


async def test_settings_are_read_of_groups_that_show_a_sign_of_pim_and_of_no_others(backups: Backups):
    store = backups.simulator.store
    group = next(each for each in store.all("group") if each.key in under_pim(store))
    store.update(group.key, {**group.read(), "isAssignableToRole": None})
    seen = (await backups.view(await backups.run("full")))[SETTINGS]
    assert seen["outcome"] == "complete"
    expected = {f"{group}/{access}" for group in under_pim(store) for access in ("member", "owner")}
    assert set(seen["objects"]) == expected
    assert f"{group.key}/member" in expected
    assert len(expected) < 2 * len(list(store.all("group")))
    for identity, body in seen["objects"].items():
        assert body["policy"]["rules"], identity
        assert "policyId" not in body  # it changes when PIM takes the group on


async def test_settings_stay_when_the_last_schedule_of_a_group_goes(backups: Backups):
    store = backups.simulator.store
    before = await backups.view(await backups.run("full"))
    for table in (ELIGIBLE, ACTIVE):
        for each in list(store.all(table)):
            store.delete(each.key, soft=False)
    for each in store.all("group"):
        if each.key in {one.partition("/")[0] for one in before[SETTINGS]["objects"]}:
            store.update(each.key, {**each.read(), "description": "changed", "isAssignableToRole": None})
    for kind in ("incremental", "full"):
        after = await backups.view(await backups.run(kind))
        assert after[ELIGIBLE]["objects"] == {}
        assert after[SETTINGS] == before[SETTINGS], kind


async def test_a_group_that_comes_under_pim_gets_its_settings_read_by_the_next_incremental(backups: Backups):
    store = backups.simulator.store
    before = await backups.view(await backups.run("full"))
    group = next(
        each for each in store.all("group")
        if each.key not in under_pim(store) and each.read().get("securityEnabled") and not each.read().get("groupTypes")
        and not each.read().get("onPremisesSyncEnabled") and not each.read().get("mailEnabled")
    )
    assert f"{group.key}/member" not in before[SETTINGS]["objects"]
    some = next(iter(store.all(ELIGIBLE))).read()
    store.create(ELIGIBLE, {**some, "id": "new", "groupId": group.key})
    store.update(group.key, {**group.read(), "description": "under PIM now"})
    after = await backups.view(await backups.run())
    assert "new" in after[ELIGIBLE]["objects"]
    assert {f"{group.key}/member", f"{group.key}/owner"} <= set(after[SETTINGS]["objects"])


async def test_settings_are_not_called_whole_while_what_shows_the_groups_under_pim_is_not(backups: Backups):
    faults = backups.simulator.tenant.faults.rules
    faults[:] = [rules.parse({"kind": "status", "status": 403, "path": "/identityGovernance/privilegedAccess/.*"})]
    manifest = await backups.run("full")
    entry = manifest.types[SETTINGS]
    assert entry.outcome == "partial"
    assert "Eligible members and owners of groups under PIM" in entry.reason
    faults.clear()
    after = (await backups.view(await backups.run()))[SETTINGS]
    assert after["outcome"] == "complete"
    assert {one.partition("/")[0] for one in after["objects"]} == under_pim(backups.simulator.store)


async def test_settings_that_were_known_stay_while_what_shows_the_groups_is_refused(backups: Backups):
    before = (await backups.view(await backups.run("full")))[SETTINGS]
    fault = {"kind": "status", "status": 403, "path": "/identityGovernance/privilegedAccess/.*"}
    for kind in ("incremental", "full"):
        store = backups.simulator.store
        group = next(each for each in store.all("group") if each.key in under_pim(store))
        store.update(group.key, {**group.read(), "description": kind})
        backups.simulator.tenant.faults.rules[:] = [rules.parse(fault)]
        after = (await backups.view(await backups.run(kind)))[SETTINGS]
        assert after["outcome"] == "partial", kind
        assert after["objects"] == before["objects"], kind


async def test_a_tenant_without_the_licence_for_pim_is_not_warned_of_it_by_every_backup(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(rules.CODES, 403, "AadPremiumLicenseRequired")
    pim = "/(identityGovernance/privilegedAccess|policies/roleManagement|roleManagement/directory/.*Schedules).*"
    fault = rules.parse({"kind": "status", "status": 403, "path": pim})
    unlicensed = {ELIGIBLE, ACTIVE, SETTINGS, "unifiedRoleEligibilitySchedule", "unifiedRoleManagementPolicy"}
    backups.simulator.tenant.faults.rules[:] = [fault]
    for kind in ("full", "incremental"):
        manifest = await backups.run(kind)
        assert {manifest.types[name].outcome for name in unlicensed} == {"refused"}, kind
        assert "licence" in manifest.types[SETTINGS].remedy
        assert not_whole(manifest) == [], kind


async def test_a_licence_that_ends_is_told_since_what_was_read_under_it_is_old(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
):
    before = (await backups.view(await backups.run("full")))[ELIGIBLE]
    monkeypatch.setitem(rules.CODES, 403, "AadPremiumLicenseRequired")
    fault = rules.parse({"kind": "status", "status": 403, "path": "/identityGovernance/privilegedAccess/.*"})
    backups.simulator.tenant.faults.rules[:] = [fault]
    manifest = await backups.run("full")
    assert ELIGIBLE in not_whole(manifest)
    assert (await backups.view(manifest))[ELIGIBLE]["objects"] == before["objects"]


async def test_federated_credentials_of_managed_identities_are_kept_with_the_reason_why_no_restore_writes_them(
    backups: Backups,
):
    store = backups.simulator.store
    seen = await backups.view(await backups.run("full"))
    kinds = {each.key: each.read().get("servicePrincipalType") for each in store.all("servicePrincipal")}
    expected = {
        store.records[key].read()["id"]
        for identity, kind in kinds.items() if kind == "ManagedIdentity"
        for key in store.link_set("federatedIdentityCredentials").targets(identity)
    }
    assert expected
    assert set(seen["managedIdentityFederatedCredential"]["objects"]) == expected
    assert seen["managedIdentityFederatedCredential"]["outcome"] == "complete"
    assert not expected & set(seen["federatedIdentityCredential"]["objects"])
