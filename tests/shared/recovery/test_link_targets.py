"""Links lead to where their targets are, of whatever kind a target is."""

import random

from tests.laws.damages import administrator
from tests.shared.recovery.conftest import Restores


async def test_a_policy_is_assigned_again_to_the_principal_of_an_agent(restores: Restores):
    store = restores.simulator.store
    kind = "#microsoft.graph.agentIdentityBlueprintPrincipal"
    agent = next(one.key for one in store.all("servicePrincipal") if one.read().get("@odata.type") == kind)
    policy = next(iter(store.all("tokenIssuancePolicy"))).key
    assigned = store.link_set("tokenIssuancePolicies")
    store.link(agent, "tokenIssuancePolicies", policy)
    await restores.backups.run("full")
    store.unlink(agent, "tokenIssuancePolicies", policy)
    done = await restores.run([policy])
    assert policy in assigned.targets(agent), await restores.operations(done)
    undone = await restores.undo(done)
    assert policy not in assigned.targets(agent), await restores.operations(undone)


async def test_a_revived_service_principal_has_the_policies_that_the_bin_does_not_give_back(restores: Restores):
    store = restores.simulator.store
    policies = store.link_set("homeRealmDiscoveryPolicies")
    principal, policy = next(
        pair for pair in policies.pairs()
        if store.get(pair[0]).table == "servicePrincipal" and not store.get(pair[0]).read().get("@odata.type")
    )
    await restores.backups.run("full")
    await delete(restores, f"/v1.0/servicePrincipals/{principal}")
    done = await restores.run([principal])
    assert policy in policies.targets(principal), await restores.operations(done)
    assert done["verification"]["differing"] == 0
    undone = await restores.undo(done)
    again = await restores.undo(undone)
    assert policy in policies.targets(principal), await restores.operations(again)
    assert again["verification"]["differing"] == 0


async def test_a_redo_gives_back_what_others_hold_of_an_object_that_the_undo_deleted(restores: Restores):
    store = restores.simulator.store
    under = store.link_set("groupLifecyclePolicies")
    group, policy = next(iter(under.pairs()))
    await restores.backups.run("full")
    await delete(restores, f"/v1.0/groupLifecyclePolicies/{policy}")
    done = await restores.run([policy])
    assert list(under.targets(group)) == [await restores.new_id(policy)]
    undone = await restores.undo(done)
    assert list(under.targets(group)) == []
    assert await restores.left(undone) == []
    again = await restores.undo(undone)
    assert list(under.targets(group)) == [await restores.new_id(policy)], await restores.operations(again)
    assert again["verification"]["differing"] == 0


async def delete(restores: Restores, path: str) -> None:
    """Delete as Graph does, with all that goes with it."""
    async with administrator(restores.simulator, random.Random(0)) as tenant:
        assert await tenant.sent("DELETE", path)
