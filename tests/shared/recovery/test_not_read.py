"""What the restore point does not hold and what the tenant does not show now is in the plan, with the reason."""

from dataclasses import replace

from local.simulator.faults.rules import parse
from shared.catalog import OBJECT_TYPES
from shared.recovery.not_read import types_not_held
from shared.repository.restore_point import RestorePoint
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_users


async def test_types_that_were_not_read_are_told_for_a_whole_restore(restores: Restores):
    await restores.backups.run("full")
    planned = await restores.plan()
    told = {one["objectType"]: one["reason"] for one in await restores.left(planned) if not one["objectId"]}
    assert "not backed up" in told["emailAuthenticationMethod"]
    assert "user" not in told


async def test_what_hangs_on_a_user_made_anew_and_was_not_read_is_told(restores: Restores):
    store = restores.simulator.store
    user, other = plain_users(store)
    await restores.backups.run("full")
    store.delete(user, soft=True)
    store.purge(user)
    gone = {one["objectType"] for one in await restores.left(await restores.plan([user])) if not one["objectId"]}
    assert "phoneAuthenticationMethod" in gone
    assert [one for one in await restores.left(await restores.plan([other])) if not one["objectId"]] == []


async def test_a_type_that_the_tenant_does_not_show_now_is_told(restores: Restores):
    await restores.backups.run("full")
    restores.simulator.tenant.faults.rules.append(parse({
        "kind": "status", "method": "GET", "path": ".*/homeRealmDiscoveryPolicies.*", "status": 403,
    }))
    planned = await restores.plan(types=["homeRealmDiscoveryPolicy"])
    [left] = await restores.left(planned)
    assert left["objectType"] == "homeRealmDiscoveryPolicy"
    assert "present state could not be read" in left["reason"]


async def test_a_type_that_no_restore_writes_is_told_with_the_reason(restores: Restores):
    await restores.backups.run("full")
    left = await restores.left(await restores.plan(types=["subscribedSku", "contract", "domain"]))
    told = {one["objectType"]: one["reason"] for one in left if not one["objectId"]}
    assert told == {name: OBJECT_TYPES[name].not_restored for name in ("subscribedSku", "contract")}


async def test_a_type_that_is_partial_refused_or_carried_is_told_with_its_reason(restores: Restores):
    manifest = await restores.backups.run("full")
    types = dict(manifest.types)
    types["group"] = replace(types["group"], outcome="partial", reason="2 parts of objects could not be read.")
    types["domain"] = replace(types["domain"], outcome="refused", reason="No permission.", remedy="Grant it.")
    types["device"] = replace(types["device"], outcome="carried", reason="Microsoft Graph did not answer.")
    types["unifiedRoleAssignment"] = replace(types["unifiedRoleAssignment"], outcome="refused", reason="No permission.")
    point = RestorePoint(restores.opened.vault, replace(manifest, types=types))
    left, told = types_not_held(point, ["user", "group", "domain", "device"], ("user",))
    reasons = {one.object_type: one.reason for one in left}
    assert "only a part" in reasons["group"]
    assert "Grant it." in reasons["domain"]
    assert "unifiedRoleAssignment" in reasons
    assert "user" not in reasons
    assert [(one.code, one.count) for one in told] == [("readEarlier", 1)]
