"""A restore of everything leaves nothing for the same restore to do again, whatever had to be made anew."""

from typing import Any

import pytest

from shared.recovery import federation
from shared.recovery.fixups import merged_reference
from shared.recovery.planner import NOT_SECURITY
from tests.laws.restoring import EXACT
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


def first(store: Any, table: str, wanted: Any) -> str:
    return next(one.key for one in store.all(table) if wanted(one.read()))


async def again(restores: Restores) -> list[tuple[str, str, str]]:
    planned = await restores.plan(None, **EXACT)
    return [(one.kind, one.object_type, one.path) for one, _ in await restores.operations(planned) if one.kind != "manual"]


async def made_anew(restores: Restores, gone: list[str]) -> None:
    """The tenant without these, restored: every operation went well."""
    for one in gone:
        restores.simulator.store.delete(one, soft=False)
    done = await restores.run(None, **EXACT)
    bad = [
        (one.kind, one.path, receipt) for one, receipt in await restores.operations(done)
        if receipt["state"] not in ("done", "unchanged", "manual")
    ]
    assert not bad, bad


@pytest.mark.parametrize("held", ["aGVsZCBieSB0aGUgcG9pbnQ=", None])
async def test_a_user_of_a_federated_domain_is_made_with_an_immutable_id(restores: Restores, held: str | None) -> None:
    store = restores.simulator.store
    domain = first(store, "domain", lambda body: body["authenticationType"] == "Federated")
    user = first(store, "user", lambda body: body["userType"] == "Member" and not body.get("onPremisesSyncEnabled")
                 and len(body["identities"]) == 1 and "@odata.type" not in body)
    for role in [one.key for one in store.all("unifiedRoleAssignment") if one.read()["principalId"] == user]:
        store.delete(role, soft=False)
    for source, link, unit in [(one.key, "members", user) for one in store.all("administrativeUnit")]:
        store.unlink(source, link, unit)
    name = f"federated@{store.get(domain).read()['id']}"
    store.update(user, {**store.get(user).read(), "userPrincipalName": name, "onPremisesImmutableId": held})
    await restores.backups.run("full")
    await made_anew(restores, [user])
    made = store.get(await restores.new_id(user)).read()
    assert made["userPrincipalName"] == name
    assert made["onPremisesImmutableId"] == (held or federation.immutable_id({}, user))
    assert await again(restores) == []


async def test_guests_who_are_invited_anew_are_left_to_redeem(restores: Restores) -> None:
    store = restores.simulator.store
    guest = first(store, "user", lambda body: body["userType"] == "Guest" and not body.get("onPremisesSyncEnabled"))
    await restores.backups.run("full")
    await made_anew(restores, [guest])
    assert await again(restores) == []


@pytest.mark.parametrize("dynamic", [False, True])
async def test_what_exchange_keeps_of_a_group_is_set_once_it_stands(restores: Restores, dynamic: bool) -> None:
    store = restores.simulator.store
    group = first(store, "group", lambda body: body["groupTypes"] == ["Unified"] and not body.get("onPremisesSyncEnabled"))
    kept = {"accessType": "private", "hideFromOutlookClients": True}
    if dynamic:
        kept |= {"groupTypes": ["Unified", "DynamicMembership"], "membershipRule": 'user.department -eq "Nowhere"',
                 "membershipRuleProcessingState": "On"}
        for one in list(store.link_set("members").targets(group)):
            store.unlink(group, "members", one)
    store.update(group, {**store.get(group).read(), **kept})
    await restores.backups.run("full")
    await made_anew(restores, [group])
    made = store.get(await restores.new_id(group)).read()
    assert {name: made[name] for name in kept} == kept
    assert await again(restores) == []


async def test_a_group_that_methods_target_is_put_into_them_under_its_new_id(restores: Restores) -> None:
    store = restores.simulator.store
    group = first(store, "group", lambda body: not body["groupTypes"] and not body["mailEnabled"]
                  and not body.get("onPremisesSyncEnabled") and not body.get("isAssignableToRole"))
    method = first(store, "authenticationMethodConfiguration", lambda body: body["id"] == "Email")
    target = {"id": group, "targetType": "group", "isRegistrationRequired": False}
    store.update(method, {**store.get(method).read(), "includeTargets": [target], "excludeTargets": []})
    await restores.backups.run("full")
    await made_anew(restores, [group])
    targets = store.get(method).read()["includeTargets"]
    assert [one["id"] for one in targets] == [await restores.new_id(group)]
    assert await again(restores) == []


async def test_what_belongs_to_something_that_stays_away_is_left_with_the_reason(restores: Restores) -> None:
    store = restores.simulator.store
    synced = first(store, "user", lambda body: body.get("onPremisesSyncEnabled"))
    resource = first(store, "servicePrincipal", lambda body: not body.get("appRoles"))
    store.create("appRoleAssignment", {
        "id": "assigned", "principalId": synced, "principalType": "User", "resourceId": resource,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    })
    await restores.backups.run("full")
    store.delete("assigned", soft=False)
    store.delete(synced, soft=False)
    done = await restores.run([synced])
    assert not [one for one, _ in await restores.operations(done) if one.object_id == "assigned"]
    why = [one["reason"] for one in await restores.left(done) if one["objectId"] == "assigned"]
    assert len(why) == 1
    assert synced in why[0]


@pytest.mark.parametrize("chosen", ["the group", "everything"])
async def test_no_application_is_assigned_to_a_group_without_security(restores: Restores, chosen: str) -> None:
    store = restores.simulator.store
    group = first(store, "group", lambda body: body["groupTypes"] == ["Unified"] and not body.get("securityEnabled"))
    resource = first(store, "servicePrincipal", lambda body: not body.get("appRoles"))
    store.create("appRoleAssignment", {
        "id": "assigned", "principalId": group, "principalType": "Group", "resourceId": resource,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    })
    await restores.backups.run("full")
    store.delete("assigned", soft=False)
    if chosen == "the group":
        store.delete(group, soft=False)
    planned = await restores.plan([group] if chosen == "the group" else None)
    assert not [one for one, _ in await restores.operations(planned) if one.object_id == "assigned"]
    assert [one["reason"] for one in await restores.left(planned) if one["objectId"] == "assigned"] == [NOT_SECURITY]


def test_targets_changed_since_stay_as_they_are_but_for_the_new_id() -> None:
    old = [{"id": "Email", "state": "enabled", "includeTargets": [{"id": "a"}]}, {"id": "Sms", "state": "enabled"}]
    new = [{"id": "Email", "state": "enabled", "includeTargets": [{"id": "b"}]}, {"id": "Sms", "state": "enabled"}]
    now = [{"id": "Email", "state": "disabled", "includeTargets": [{"id": "a"}, {"id": "c"}]}, {"id": "Sms", "state": "x"}]
    assert merged_reference(now, old, new) == [
        {"id": "Email", "state": "disabled", "includeTargets": [{"id": "b"}, {"id": "c"}]}, {"id": "Sms", "state": "x"},
    ]
