"""Groups of each kind: made anew where Microsoft Graph makes them, and left with the reason where only Exchange does."""

import pytest

from shared.catalog.where import group_kind
from tests.shared.recovery.conftest import Restores


def of_kind(store, kind: str) -> str:
    found = next(
        one.key for one in store.all("group")
        if (body := one.read()) and group_kind(body) == kind and not body.get("onPremisesSyncEnabled")
    )
    for one in list(store.all("appRoleAssignment")):  # some stand on groups that Graph no longer assigns anything to
        if one.read()["principalId"] == found:
            store.delete(one.key, soft=False)
    return found


@pytest.mark.parametrize("kind", ["security", "microsoft365", "dynamic"])
async def test_a_group_is_made_anew_as_what_it_was(restores: Restores, kind: str):
    store = restores.simulator.store
    group = of_kind(store, kind)
    was = store.get(group).read()
    await restores.backups.run("full")
    store.delete(group, soft=True)
    store.purge(group)
    done = await restores.run([group])
    states = [(one.path, receipt) for one, receipt in await restores.operations(done)]
    bad = [one for one in states if one[1]["state"] not in ("done", "unchanged")]
    assert not bad, bad
    now = store.get(await restores.new_id(group)).read()
    for name in ("displayName", "groupTypes", "membershipRule", "membershipRuleProcessingState", "securityEnabled"):
        assert now.get(name) == was.get(name), name


async def test_a_group_made_anew_is_under_the_expiry_policy_that_it_was_under(restores: Restores):
    store = restores.simulator.store
    under = store.link_set("groupLifecyclePolicies")
    group, policy = next(iter(under.pairs()))
    await restores.backups.run("full")
    store.delete(group, soft=False)
    done = await restores.run([group])
    assert list(under.targets(await restores.new_id(group))) == [policy], await restores.left(done)
    assert done["verification"]["differing"] == 0


async def test_a_dynamic_group_is_made_paused_and_resumed_last(restores: Restores):
    store = restores.simulator.store
    group = of_kind(store, "dynamic")
    store.update(group, {**store.get(group).read(), "membershipRuleProcessingState": "On"})
    await restores.backups.run("full")
    store.delete(group, soft=True)
    store.purge(group)
    ops = [one for one, _ in await restores.operations(await restores.plan([group])) if one.object_type == "group"]
    assert ops[0].body["membershipRuleProcessingState"] == "Paused"
    assert ops[-1].body == {"membershipRuleProcessingState": "On"}
    assert ops[-1].wave == max(one.wave for one in ops)


@pytest.mark.parametrize("kind", ["distribution", "mailEnabledSecurity"])
async def test_groups_that_exchange_keeps_are_left_with_the_reason(restores: Restores, kind: str):
    store = restores.simulator.store
    body = store.get(of_kind(store, "security")).read()
    group = f"7c1d0000-0000-4000-8000-{'d' if kind == 'distribution' else 'e':0>12}"
    store.create("group", {**body, "id": group, "displayName": kind, "mailEnabled": True, "mailNickname": kind,
                           "securityEnabled": kind == "mailEnabledSecurity", "uniqueName": None})
    await restores.backups.run("full")
    store.delete(group, soft=False)
    planned = await restores.plan([group])
    assert await restores.operations(planned) == []
    assert any("Exchange" in one["reason"] for one in await restores.left(planned) if one["objectId"] == group)
