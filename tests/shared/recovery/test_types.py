"""Each object type comes back after damage, as far as Microsoft Graph allows: the loop over the whole catalog."""

import pytest

from local.simulator import model
from local.simulator.writes.objects import children_of
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.catalog.where import holds, why_left_alone
from shared.recovery.writable import writable_names
from tests.shared.recovery.conftest import Restores
from tests.simulated import turn_on


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
    await turn_on(restores.opened, restores.tenant_id)
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
        if row.mastered_on_premises(body) or (name == "group" and not body["securityEnabled"]):
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
        for navigation in children_of(store.get(parent).table):
            for key in store.link_set(model.link_name(navigation)).targets(parent):
                if key.endswith(own):
                    return key
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


CHANGED = sorted(
    name for name, row in OBJECT_TYPES.items()
    if not row.create_request and not row.reference_only and row.write_permissions and (row.update_request or row.actions)
)
"""Types of which every tenant, user or application has one: changed, never made."""


def flipped(value):
    """Another value of the same form: the first switch or number in it turned, or None where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, dict):
        for name in sorted(value):
            other = flipped(value[name])
            if other is not None:
                return {**value, name: other}
    return None


def damage_of(row: ObjectType, body):
    """The property that is damaged, and its wrong value."""
    if row.name in DAMAGE:
        return DAMAGE[row.name](body)
    for name in writable_names(row, body):
        other = flipped(body[name])
        if other is not None:
            return name, other
    raise AssertionError(f"{row.name} has nothing to turn: say in DAMAGE what is damaged")


ONE_OF_USER = ("strongAuthenticationRequirements",)
"""What the simulator keeps only once it was changed."""

DAMAGE = {
    "strongAuthenticationRequirements": lambda _: ("perUserMfaState", "enforced"),
    "crossTenantAccessPolicy": lambda body: (
        "allowedCloudEndpoints", [] if body["allowedCloudEndpoints"] else ["microsoftonline.us"]
    ),
    "organization": lambda _: ("technicalNotificationMails", ["somebody@elsewhere.example"]),
    "organizationalBranding": lambda _: ("signInPageText", "Changed"),
}


def damage(store, row: ObjectType, object_id: str, body) -> str:
    """Change the object behind Graph's back, and say which property of it."""
    if row.name == "authenticationMethodsPolicy":
        record = next(one for one in store.all("authenticationMethodConfiguration") if one.read()["id"] == "Fido2")
        state = record.read()["state"]
        store.update(record.key, {**record.read(), "state": "disabled" if state == "enabled" else "enabled"})
        return "authenticationMethodConfigurations"
    if row.name == "unifiedRoleManagementPolicy":
        record = next(
            one for one in store.all("unifiedRoleManagementPolicyRule")
            if object_id in one.key and "maximumDuration" in one.read()
        )
        store.update(record.key, {**record.read(), "maximumDuration": "PT1H"})
        return "rules"
    if row.name == "groupRoleManagementPolicy":
        group, _, access = object_id.partition("/")
        policy = next(
            one["policyId"] for one in (each.read() for each in store.find(row.graph_type, "scopeId", group))
            if one["roleDefinitionId"] == access
        )
        record = next(
            one for one in store.all("unifiedRoleManagementPolicyRule")
            if policy in one.key and "enabledRules" in one.read()
        )
        store.update(record.key, {**record.read(), "enabledRules": ["Ticketing"]})
        return "policy"
    if row.name == "onPremisesPublishing":
        record = store.get(object_id)
        settings = {**record.read()["onPremisesPublishing"], "internalUrl": "https://elsewhere.example/"}
        store.update(record.key, {**record.read(), "onPremisesPublishing": settings})
        return "internalUrl"
    prop, wrong = damage_of(row, body)
    record = record_of(store, row.name, object_id)
    store.update(record.key, {**record.read(), prop: wrong})
    return prop


@pytest.mark.parametrize("name", CHANGED)
async def test_what_is_never_made_is_set_back(restores: Restores, name: str):
    row, store = OBJECT_TYPES[name], restores.simulator.store
    view = await backed_up(restores)
    chosen = chosen_of(store, view, name)
    prop = damage(store, row, chosen, view[name]["objects"][chosen])
    done = await restores.run([chosen])
    ops = [(one, receipt) for one, receipt in await restores.operations(done) if one.object_type == name]
    assert [prop in one.attributes for one, _ in ops] == [True], (prop, await restores.left(done))
    assert [receipt["state"] for _, receipt in ops] == ["done"], [receipt.get("error") for _, receipt in ops]
    again = await restores.plan([chosen])
    assert [one.path for one, _ in await restores.operations(again) if one.object_type == name] == []


def record_of(store, name: str, object_id: str):
    """The record behind an object, also of one that is known by its parent's id or is alone in its tenant."""
    own = object_id.rpartition("/")[2]
    graph_type = OBJECT_TYPES[name].graph_type
    if graph_type in ONE_OF_USER:
        link = next(one for one in children_of("user") if one.target == graph_type)
        return store.create(graph_type, {"id": "", "perUserMfaState": "enforced"}, object_id, model.link_name(link))
    for record in store.all(model.table_of(graph_type)):
        if record.key == object_id or record.key.rpartition(":")[2] == own or own in record.key:
            return record
    raise AssertionError(f"no record of {name} {object_id}")
