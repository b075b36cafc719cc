"""Users and groups come back: from the bin with their ids, else made anew and linked as they were."""

import pytest

from shared.recovery import lifecycle
from shared.recovery.verifying import facts_of
from tests.shared.recovery.conftest import Restores


def plain_group(store):
    """A static security group with members, users among them."""
    for record in store.all("group"):
        body = record.read()
        members = list(store.link_set("members").targets(record.key))
        if not body["groupTypes"] and not body["mailEnabled"] and not body.get("onPremisesSyncEnabled") and len(
            [one for one in members if store.get(one).table == "user"]
        ) >= 2 and not body.get("isAssignableToRole"):
            return record.key
    raise AssertionError("the seed has no such group")


def plain_users(store, count=2):
    return [
        one.key for one in store.all("user")
        if (body := one.read()) and not body.get("onPremisesSyncEnabled") and body.get("userType") == "Member"
        and "@odata.type" not in body and not list(store.find("unifiedRoleAssignment", "principalId", one.key))
    ][:count]


def names(store, key):
    body = store.get(key).read()
    return {name: body.get(name) for name in ("displayName", "userPrincipalName", "department", "jobTitle", "city")}


async def test_a_changed_attribute_is_set_back_and_nothing_else(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    before = names(store, user)
    store.update(user, {**store.get(user).read(), "department": "Elsewhere"})
    done = await restores.run([user])
    assert done["state"] == "done", done
    assert done["counts"]["update"] == 1
    assert sum(done["counts"][k] for k in ("create", "revive", "delete", "unlink")) == 0
    assert names(store, user) == before
    assert done["verification"]["differing"] == 0, done["verification"]


async def test_a_soft_deleted_user_is_revived_with_its_id(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    store.delete(user, soft=True)
    done = await restores.run([user])
    ops = await restores.operations(done)
    assert done["counts"]["revive"] == 1, ops
    assert store.get(user) is not None, ops
    assert all(receipt["state"] in ("done", "unchanged") for _, receipt in ops), ops


async def test_a_hard_deleted_user_is_made_anew_and_linked_again_everywhere(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    user = next(one for one in store.link_set("members").targets(group) if one in plain_users(store, 1000))
    report = plain_users(store, 1000)[-1]
    if report == user:
        report = plain_users(store, 1000)[-2]
    store.link(report, "manager", user)
    await restores.backups.run("full")
    before = names(store, user)
    store.delete(user, soft=True)
    store.purge(user)
    done = await restores.run([user])
    ops = await restores.operations(done)
    bad = [(one.kind, one.path, sorted(one.body or {}), receipt) for one, receipt in ops if receipt["state"] not in ("done", "unchanged")]
    assert not bad, '\n'.join(map(str, bad))
    new = await restores.new_id(user)
    assert names(store, new) == before
    assert store.link_set("members").has(group, new)
    assert list(store.link_set("manager").targets(report)) == [new]
    assert done["credentials"] == "waiting"
    assert done["verification"]["differing"] == 0, done["verification"]


async def test_a_hard_deleted_group_comes_back_with_members_and_owners(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    members = set(store.link_set("members").targets(group))
    owners = set(store.link_set("owners").targets(group))
    await restores.backups.run("full")
    store.delete(group, soft=True)
    store.purge(group)
    done = await restores.run([group])
    bad = [(one.kind, one.path, r) for one, r in await restores.operations(done) if r["state"] not in ("done", "unchanged")]
    assert not bad, '\n'.join(map(str, bad))
    new = await restores.new_id(group)
    assert set(store.link_set("members").targets(new)) == members
    assert set(store.link_set("owners").targets(new)) == owners


async def test_merge_keeps_what_was_added_and_exact_does_not(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    members = set(store.link_set("members").targets(group))
    await restores.backups.run("full")
    gone = next(one for one in sorted(members) if store.get(one).table == "user")
    added = next(one for one in plain_users(store, 1000) if one not in members)
    store.unlink(group, "members", gone)
    store.link(group, "members", added)
    await restores.run([group])
    assert set(store.link_set("members").targets(group)) == members | {added}
    await restores.run([group], links="exact")
    assert set(store.link_set("members").targets(group)) == members


async def test_undo_puts_back_what_was_there_before_the_restore(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    user, other = plain_users(store)
    await restores.backups.run("full")
    store.update(user, {**store.get(user).read(), "department": "Elsewhere"})
    store.delete(other, soft=True)
    members = set(store.link_set("members").targets(group))
    gone = next(one for one in sorted(members) if store.get(one).table == "user")
    store.unlink(group, "members", gone)
    changed = set(store.link_set("members").targets(group))
    done = await restores.run([user, other, group])
    assert store.get(other) is not None
    assert gone in set(store.link_set("members").targets(group))
    undone = await restores.undo(done)
    bad = [(one.kind, one.path, r) for one, r in await restores.operations(undone) if r["state"] not in ("done", "unchanged")]
    assert not bad, '\n'.join(map(str, bad))
    assert store.get(user).read()["department"] == "Elsewhere"
    assert store.get(other) is None
    assert other in store.bin
    assert set(store.link_set("members").targets(group)) - {other} == changed - {other}


async def test_values_of_directory_extensions_are_verified_and_undone(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    extensions = (each.read() for each in store.all("extensionProperty"))
    badge = next(one["name"] for one in extensions if "User" in one["targetObjects"] and one["dataType"] == "String")
    store.update(user, {**store.get(user).read(), badge: "as backed up"})
    await restores.backups.run("full")
    store.update(user, {**store.get(user).read(), badge: "changed since"})
    done = await restores.run([user])
    assert store.get(user).read()[badge] == "as backed up"
    verified = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    facts = [fact async for _, fact in facts_of(verified)]
    assert any(badge in fact["what"] for fact in facts)
    await restores.undo(done)
    assert store.get(user).read()[badge] == "changed since"


async def test_a_target_that_moved_since_the_plan_is_stale_and_stays(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    store.update(user, {**store.get(user).read(), "department": "Elsewhere"})
    planned = await restores.plan([user])
    store.update(user, {**store.get(user).read(), "department": "Somewhere new"})
    done = await restores.apply(planned)
    assert store.get(user).read()["department"] == "Somewhere new"
    assert done["stale"] == 1


@pytest.mark.parametrize("again", [False, True])
async def test_applying_twice_is_applying_once(restores: Restores, again: bool):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    store.delete(user, soft=True)
    store.purge(user)
    planned = await restores.plan([user])
    await restores.apply(planned)
    count = len(list(store.all("user")))
    if again:
        ready = await restores.opened.records.restores.set(restores.tenant_id, planned["restoreId"], state="ready")
        await restores.apply(ready)
    assert len(list(store.all("user"))) == count


async def test_an_existing_cloud_user_of_the_same_name_is_deleted_first_where_asked(restores: Restores):
    store = restores.simulator.store
    user, other = plain_users(store)
    await restores.backups.run("full")
    name = store.get(user).read()["userPrincipalName"]
    store.delete(user, soft=True)
    store.purge(user)
    store.update(other, {**store.get(other).read(), "userPrincipalName": name})
    planned = await restores.plan([user], deleteExistingCloudUser=True, links="skip")
    kinds = [one.kind for one, _ in await restores.operations(planned) if one.object_type == "user"]
    assert kinds[:3] == ["update", "delete", "create"]


@pytest.mark.parametrize("deleted", ["softly", "for good"])
async def test_a_name_that_somebody_else_holds_now_is_told_before_anything_is_sent(restores: Restores, deleted: str):
    store = restores.simulator.store
    user, other = plain_users(store)
    address = store.get(user).read()["userPrincipalName"]
    await restores.backups.run("full")
    store.delete(user, soft=deleted == "softly")
    assert (await restores.plan([user]))["findings"] == []
    store.update(other, {**store.get(other).read(), "userPrincipalName": address, "displayName": "Somebody Else"})
    [finding] = (await restores.plan([user]))["findings"]
    assert (finding["code"], finding["blocks"], finding["count"]) == ("nameHeld", False, 1)
    assert f"{address} by Somebody Else" in finding["message"]
    if deleted == "for good":
        assert (await restores.plan([user], deleteExistingCloudUser=True))["findings"] == []
