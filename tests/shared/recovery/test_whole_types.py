"""Whole types compared with the tenant: no link goes unseen because it is told more than once."""

from typing import Any

from local.simulator.faults.rules import parse
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


def assigned_group(store: Any) -> str:
    return next(
        one.key for one in store.all("group")
        if not any(one.read().get(name) for name in ("groupTypes", "mailEnabled", "onPremisesSyncEnabled"))
    )


async def test_a_service_principal_that_joined_a_group_is_seen(restores: Restores) -> None:
    # Both the group and the service principal itself tell of it.
    store = restores.simulator.store
    group = assigned_group(store)
    joined = next(one.key for one in store.all("servicePrincipal") if not store.link_set("members").has(group, one.key))
    await restores.backups.run("full")
    store.link(group, "members", joined)
    planned = await restores.plan(types=["group"], links="exact")
    found = [(one.kind, one.object_id, one.targets) for one, _ in await restores.operations(planned)]
    assert found == [("unlink", group, (joined,))]


async def test_a_member_is_seen_though_every_page_names_an_object_twice(restores: Restores) -> None:
    store = restores.simulator.store
    group = assigned_group(store)
    joined = next(one.key for one in store.all("user") if not store.link_set("members").has(group, one.key))
    await restores.backups.run("full")
    store.link(group, "members", joined)
    repeated = parse({"kind": "repeat", "path": "/groups", "probability": 1.0, "seed": 3})
    restores.simulator.tenant.faults.rules.append(repeated)
    planned = await restores.plan(types=["group"], links="exact")
    found = [(one.kind, one.object_id, one.targets) for one, _ in await restores.operations(planned)]
    assert found == [("unlink", group, (joined,))]
