"""What agent identities inherit from their blueprint comes back, changed, lost, or with a blueprint made anew."""

from typing import Any

from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

ALL = {"@odata.type": "#microsoft.graph.allAllowedScopes", "kind": "allAllowed"}


def blueprint(restores: Restores) -> str:
    return next(
        one.key for one in restores.simulator.store.all("application")
        if one.read().get("@odata.type") == "#microsoft.graph.agentIdentityBlueprint"
    )


def inherited(restores: Restores, application: str) -> dict[str, Any]:
    store = restores.simulator.store
    return {
        body["resourceAppId"]: body["inheritableScopes"]
        for key in store.link_set("inheritablePermissions").targets(application)
        for body in [store.records[key].read()]
    }


async def test_what_agents_inherit_is_made_again_and_set_back_and_an_undo_takes_that_back(restores: Restores):
    store, application = restores.simulator.store, blueprint(restores)
    before = inherited(restores, application)
    assert len(before) == 2
    await restores.backups.run("full")
    lost, changed = sorted(store.link_set("inheritablePermissions").targets(application))
    store.delete(lost, soft=False)
    store.update(changed, store.records[changed].read() | {"inheritableScopes": ALL})
    done = await restores.run(types=["inheritablePermission"])
    assert (done["state"], done["verification"]["differing"]) == ("done", 0), await restores.operations(done)
    assert inherited(restores, application) == before
    permissions = {one.permission for one, _ in await restores.operations(done)}
    assert permissions == {"AgentIdentityBlueprint.ReadWrite.All"}
    undone = await restores.undo(done)
    assert undone["results"].get("failed", 0) == 0
    assert list(inherited(restores, application).values()) == [ALL]


async def test_a_blueprint_that_is_made_anew_has_what_its_agents_inherit(restores: Restores):
    store, application = restores.simulator.store, blueprint(restores)
    before = inherited(restores, application)
    principal = next(
        one.key for one in store.all("servicePrincipal")
        if one.read()["appId"] == store.records[application].read()["appId"]
    )
    await restores.backups.run("full")
    for key in list(store.link_set("inheritablePermissions").targets(application)):
        store.delete(key, soft=False)
    for key in (principal, application):
        store.delete(key, soft=False)
    done = await restores.run([application])
    assert done["results"].get("failed", 0) == 0, await restores.operations(done)
    assert inherited(restores, await restores.new_id(application)) == before
