"""An application comes back with its service principal, and with what was given to that."""

import pytest

from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


@pytest.mark.parametrize("hard", [False, True])
async def test_an_application_that_is_asked_for_alone_has_its_service_principal_again(restores: Restores, hard: bool):
    store = restores.simulator.store
    granted = {one.read()["principalId"] for one in store.all("appRoleAssignment")}
    principals = {one.read()["appId"]: one.key for one in store.all("servicePrincipal")}
    application = next(
        one for one in store.all("application") if principals.get(one.read()["appId"]) in granted
        and one.read()["appId"] != restores.simulator.client_id and "@odata.type" not in one.read()
    )
    principal = principals[application.read()["appId"]]

    def given(key: str) -> set[str]:
        return {one.read()["appRoleId"] for one in store.all("appRoleAssignment") if one.read()["principalId"] == key}

    before = given(principal)
    await restores.backups.run("full")
    for one in list(store.all("appRoleAssignment")):
        if one.read()["principalId"] == principal:
            store.delete(one.key, soft=False)
    for key in (principal, application.key):
        store.delete(key, soft=not hard)
    done = await restores.run([application.key])
    assert done["results"].get("failed", 0) == 0, await restores.operations(done)
    known = (await restores.opened.records.identity_map.resolved(restores.tenant_id)).objects
    now = known.get(principal, principal)
    assert (now == principal) is not hard
    assert store.records[now].read()["appId"] == store.records[known.get(application.key, application.key)].read()["appId"]
    assert given(now) == before
