"""Each object type comes back after damage, as far as Microsoft Graph allows: the loop over the whole catalog."""

import pytest

from local.simulator import model
from local.simulator.writes.objects import children_of
from shared.catalog import OBJECT_TYPES
from shared.catalog.options import OPTIONS
from shared.catalog.row import ObjectType
from shared.catalog.where import holds, why_left_alone
from tests.shared.recovery.conftest import Restores


def is_made(row: ObjectType) -> bool:
    """Whether the catalog says that a hard-deleted one can be made anew."""
    held_elsewhere = bool(row.restored_as) and row.restored_as_where is None
    return bool(row.create_request and row.write_permissions) and not held_elsewhere


NOT_SIMULATED = {"inheritablePermission"}
"""The simulator knows no permissions that agent identities inherit, so nothing shows that these come back."""
MADE = sorted(name for name, row in OBJECT_TYPES.items() if is_made(row) and name not in NOT_SIMULATED)
BY_HAND = sorted(
    name for name, row in OBJECT_TYPES.items() if row.create_request and not row.write_permissions
)


async def backed_up(restores: Restores):
    """The restore point's view, with everything that a tenant may turn on."""
    tenants = restores.opened.records.tenants
    settings = (await tenants.settings(restores.tenant_id)).settings
    settings = settings.model_copy(update={"options": dict.fromkeys(OPTIONS, True)})
    await tenants.set_settings(restores.tenant_id, settings, by="test")
    return await restores.backups.view(await restores.backups.run("full"))


def seed(restores: Restores, name: str) -> None:
    """Put in what the generated tenant has none of, or none that a restore may touch."""
    store = restores.simulator.store
    if name == "privilegedAccessGroupAssignmentSchedule":
        for record in store.all(name):
            body = record.read()
            end = {"type": "afterDateTime", "endDateTime": "2099-01-01T00:00:00Z", "duration": None}
            store.update(record.key, {**body, "scheduleInfo": {**body["scheduleInfo"], "expiration": end}})


def chosen_of(store, view, name: str) -> str:
    """One object of the type that a restore may touch."""
    row = OBJECT_TYPES[name]
    own = {one.read()["appId"] for one in store.all("application")}
    for object_id, body in sorted(view[name]["objects"].items()):
        if why_left_alone(row.left_alone, body) or (row.restored_as and holds(row.restored_as_where, body)):
            continue
        if name == "servicePrincipal" and body["appId"] not in own:
            continue
        if body.get("onPremisesSyncEnabled") or (name == "group" and not body["securityEnabled"]):
            continue  # the seed assigns applications to groups that are not security-enabled, which Graph refuses
        return object_id
    raise AssertionError(f"the seed has no {name} that can be restored: {view[name]['outcome']}")


def erase(store, key: str) -> None:
    """Delete for good, with all that hangs on it, as Entra does."""
    record = store.get(key)
    body = record.read()
    for navigation in children_of(record.table):
        for child in list(store.link_set(model.link_name(navigation)).targets(key)):
            if child in store.records:
                store.delete(child, soft=False)
    if record.table == "application":
        for one in list(store.find("servicePrincipal", "appId", body["appId"])):
            erase(store, one.key)
    for table in ("appRoleAssignment", "oAuth2PermissionGrant"):
        for each in list(store.all(table)):
            if each.key != key and key in each.read().values():
                store.delete(each.key, soft=False)
    store.delete(key, soft=False)


def key_of(store, object_id: str) -> str:
    parent, _, own = object_id.rpartition("/")
    if parent:
        return next(
            key for navigation in children_of(store.get(parent).table)
            for key in store.link_set(model.link_name(navigation)).targets(parent) if key.endswith(own)
        )
    keys = [key for key in store.records if key == object_id or key.endswith(f":{own}")]
    keys += [key for key in store.records if key.endswith(own) and key not in keys]
    assert keys, object_id
    return keys[0]


@pytest.mark.parametrize("name", MADE)
async def test_a_hard_deleted_object_comes_back(restores: Restores, name: str):
    store = restores.simulator.store
    seed(restores, name)
    view = await backed_up(restores)
    chosen = chosen_of(store, view, name)
    erase(store, key_of(store, chosen))
    done = await restores.run([chosen], conditionalAccessState="asBackedUp")
    ops = await restores.operations(done)
    bad = [(one.kind, one.path, one.body, receipt) for one, receipt in ops
           if receipt["state"] not in ("done", "unchanged", "manual")]
    assert not bad, "\n".join(map(str, bad))
    assert done["counts"]["create"] >= 1, (done["counts"], await restores.left(done))
    assert done["verification"]["differing"] == 0, done["verification"]
    again = await restores.plan([chosen], conditionalAccessState="asBackedUp")
    left = [(one.kind, one.path, one.body, one.expects) for one, _ in await restores.operations(again)]
    assert not left, "\n".join(map(str, left))
