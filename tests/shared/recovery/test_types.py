"""Each object type comes back after damage, as far as Microsoft Graph allows: the loop over the whole catalog."""

import pytest

from tests.shared.recovery.conftest import Restores

HARD = [
    "application", "servicePrincipal", "administrativeUnit", "conditionalAccessPolicy", "ipNamedLocation",
    "countryNamedLocation", "authenticationStrengthPolicy", "unifiedRoleDefinition", "unifiedRoleAssignment",
    "oAuth2PermissionGrant", "appRoleAssignment", "federatedIdentityCredential",
    "claimsMappingPolicy", "homeRealmDiscoveryPolicy", "tokenLifetimePolicy", "tokenIssuancePolicy",
    "activityBasedTimeoutPolicy", "permissionGrantPolicy", "appManagementPolicy", "groupSetting",
    "groupLifecyclePolicy", "crossTenantAccessPolicyConfigurationPartner", "unifiedRoleEligibilitySchedule",
    "delegatedPermissionClassification",
]
TABLE = {"ipNamedLocation": "namedLocation", "countryNamedLocation": "namedLocation"}


async def damage_and_restore(restores: Restores, name: str, *, soft: bool):
    store = restores.simulator.store
    manifest = await restores.backups.run("full")
    view = await restores.backups.view(manifest)
    from shared.catalog import OBJECT_TYPES
    from shared.catalog.where import why_left_alone

    row = OBJECT_TYPES[name]
    ids = [one for one, body in sorted(view[name]["objects"].items()) if not why_left_alone(row.left_alone, body)]
    if name == "servicePrincipal":  # one of an application of this tenant
        own = {one.read()["appId"] for one in store.all("application")}
        ids = [one for one in ids if view[name]["objects"][one]["appId"] in own]
    if not ids:
        pytest.skip(f"the seed has no {name}")
    return store, view, ids


@pytest.mark.parametrize("name", HARD)
async def test_a_hard_deleted_object_comes_back(restores: Restores, name: str):
    store, view, ids = await damage_and_restore(restores, name, soft=False)
    chosen = ids[0]
    body = view[name]["objects"][chosen]
    keys = [key for key in store.records if key == chosen or key.endswith(f":{chosen.rpartition('/')[2]}")]
    assert keys, chosen
    from local.simulator.writes.objects import children_of

    key = keys[0]
    for navigation in children_of(store.get(key).table):
        from local.simulator import model
        for child in list(store.link_set(model.link_name(navigation)).targets(key)):
            if child in store.records:
                store.delete(child, soft=False)
    if name == "application":
        for one in list(store.find("servicePrincipal", "appId", body["appId"])):
            for table in ("appRoleAssignment", "oAuth2PermissionGrant"):
                for each in list(store.all(table)):
                    if one.key in each.read().values():
                        store.delete(each.key, soft=False)
            store.delete(one.key, soft=False)
    if name == "servicePrincipal":
        for table in ("appRoleAssignment", "oAuth2PermissionGrant"):
            for each in list(store.all(table)):
                if key in each.read().values():
                    store.delete(each.key, soft=False)
    store.delete(key, soft=False)
    done = await restores.run([chosen], conditionalAccessState="asBackedUp")
    ops = await restores.operations(done)
    bad = [(one.kind, one.path, one.body, receipt) for one, receipt in ops if receipt["state"] not in ("done", "unchanged")]
    assert not bad, "\n".join(map(str, bad))
    assert done["counts"]["create"] >= 1, (done["counts"], await restores.left(done))
    assert done["verification"]["differing"] == 0, done["verification"]
    again = await restores.plan([chosen], conditionalAccessState="asBackedUp")
    left = [(one.kind, one.path, one.body, one.expects) for one, _ in await restores.operations(again)]
    assert not left, "\n".join(map(str, left))
