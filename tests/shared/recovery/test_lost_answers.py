"""Answers that are lost after the write make nothing twice, whatever kind of write it was."""

import pytest

from local.simulator.faults.rules import parse
from shared.recovery import apply as applying
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture
from tests.shared.recovery.test_users_and_groups import plain_group

LOST = {"kind": "timeoutAfterWrite", "method": "POST|PATCH|PUT|DELETE", "path": "^(?!.*batch).*$", "count": 6}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long is waited between two looks is no matter here."""
    monkeypatch.setattr(applying, "LOST_WAITS", (0.02,) * len(applying.LOST_WAITS))
    monkeypatch.setattr(applying, "UNCLEAR_SECONDS", 0.2)


@pytest.mark.parametrize("after", range(3))
async def test_an_application_with_its_service_principal_is_made_once(restores: Restores, after: int) -> None:
    store = restores.simulator.store
    principals = {one.read()["appId"]: one.key for one in store.all("servicePrincipal")}
    application = next(
        one for one in store.all("application") if one.read()["appId"] in principals and "@odata.type" not in one.read()
        and one.read()["appId"] != restores.simulator.client_id
    )
    principal = principals[application.read()["appId"]]
    await restores.backups.run("full")
    counts = {name: len(list(store.all(name))) for name in ("application", "servicePrincipal")}
    for one in (principal, application.key):
        store.delete(one, soft=False)
    planned = await restores.plan([application.key, principal])
    restores.simulator.tenant.faults.rules.append(parse({**LOST, "after": after}))
    done = await restores.apply(planned)
    made = [one for one, receipt in await restores.operations(done) if one.object_type in counts and one.kind == "create"
            and receipt["state"] in ("done", "unchanged")]
    assert len(made) == 2
    assert {name: len(list(store.all(name))) for name in counts} == counts


async def test_members_that_are_added_one_by_one_are_all_added(restores: Restores) -> None:
    store = restores.simulator.store
    group = plain_group(store)
    members = set(store.link_set("members").targets(group))
    await restores.backups.run("full")
    for one in members:
        store.unlink(group, "members", one)
    planned = await restores.plan([group])
    restores.simulator.tenant.faults.rules.append(parse({**LOST, "path": "/groups/"}))
    done = await restores.apply(planned)
    assert done["results"].get("failed", 0) == 0, await restores.operations(done)
    assert set(store.link_set("members").targets(group)) == members
