"""Roles and scopes: disabled before they are removed, there before anybody is authorized for them."""

from shared.catalog import OBJECT_TYPES
from shared.recovery import entitlements
from tests.shared.recovery.conftest import Restores

APPLICATION = OBJECT_TYPES["application"]
ROLE = {
    "id": "6a0c3a0e-0000-4000-8000-000000000001", "displayName": "Reader", "description": "Reads", "value": "Read",
    "isEnabled": True, "allowedMemberTypes": ["User"],
}
SCOPE = {
    "id": "6a0c3a0e-0000-4000-8000-000000000002", "adminConsentDisplayName": "Use", "adminConsentDescription": "Use",
    "value": "use", "isEnabled": True, "type": "User",
}


def test_nothing_comes_first_where_nothing_enabled_goes():
    assert entitlements.value_before(APPLICATION, "appRoles", [ROLE], []) is None
    assert entitlements.value_before(APPLICATION, "appRoles", [], [{**ROLE, "isEnabled": False}]) is None


def test_what_goes_or_is_renamed_is_disabled_first():
    disabled = [{**ROLE, "isEnabled": False}]
    assert entitlements.value_before(APPLICATION, "appRoles", [], [ROLE]) == disabled
    assert entitlements.value_before(APPLICATION, "appRoles", [{**ROLE, "value": "Other"}], [ROLE]) == disabled


def test_a_scope_is_there_before_an_application_is_authorized_for_it():
    authorized = {"oauth2PermissionScopes": [SCOPE],
                  "preAuthorizedApplications": [{"appId": "a", "delegatedPermissionIds": [SCOPE["id"]]}]}
    before = entitlements.value_before(APPLICATION, "api", authorized, {"preAuthorizedApplications": []})
    assert before == {"oauth2PermissionScopes": [SCOPE], "preAuthorizedApplications": []}
    made, later = entitlements.apart_at_creation(APPLICATION, {"displayName": "A", "api": authorized})
    assert made["api"] == {"oauth2PermissionScopes": [SCOPE]}
    assert later == ("api",)


async def test_a_role_and_a_scope_that_were_added_are_removed_by_two_requests(restores: Restores):
    store = restores.simulator.store
    application = next(one.key for one in store.all("application"))
    await restores.backups.run("full")
    was = store.get(application).read()
    api = was["api"] | {"oauth2PermissionScopes": [*was["api"]["oauth2PermissionScopes"], SCOPE]}
    store.update(application, {**was, "appRoles": [*was["appRoles"], ROLE], "api": api})
    done = await restores.run([application])
    ops = [(one, receipt) for one, receipt in await restores.operations(done) if one.kind == "update"]
    assert [receipt["state"] for _, receipt in ops] == ["done", "done"]
    assert ops[0][0].wave < ops[1][0].wave
    now = store.get(application).read()
    assert now["appRoles"] == was["appRoles"]
    assert now["api"]["oauth2PermissionScopes"] == was["api"]["oauth2PermissionScopes"]
    assert done["verification"]["differing"] == 0


async def test_an_application_made_anew_authorizes_whom_it_did(restores: Restores):
    store = restores.simulator.store
    application, other = [one.key for one in store.all("application")][:2]
    client = store.get(other).read()["appId"]
    was = store.get(application).read()
    store.update(application, {**was, "api": was["api"] | {
        "oauth2PermissionScopes": [SCOPE],
        "preAuthorizedApplications": [{"appId": client, "delegatedPermissionIds": [SCOPE["id"]]}],
    }})
    await restores.backups.run("full")
    store.delete(application, soft=True)
    store.purge(application)
    done = await restores.run([application])
    bad = [(one.path, receipt) for one, receipt in await restores.operations(done)
           if receipt["state"] not in ("done", "unchanged")]
    assert not bad
    new = store.get(await restores.new_id(application)).read()
    assert new["api"]["preAuthorizedApplications"] == [{"appId": client, "delegatedPermissionIds": [SCOPE["id"]]}]
