"""Links lead to where their targets are, of whatever kind a target is."""

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
