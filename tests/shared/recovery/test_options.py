"""Each option of a restore, by its effect on the tenant."""

from uuid import uuid4

import pytest

from shared.catalog import OBJECT_TYPES
from shared.recovery.options import RestoreOptions
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_group, plain_users

MEMBERS = "members"


def damaged_user(store, user):
    was = store.get(user).read()
    store.update(user, {**was, "department": "Elsewhere", "jobTitle": "Else"})
    return was


@pytest.mark.parametrize(("listed", "department", "title"), [
    ({"user": ["department"]}, True, False), ({"user": []}, False, False), ({"group": ["displayName"]}, False, False),
])
async def test_attributes_that_are_not_listed_stay(restores: Restores, listed, department, title):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    was = damaged_user(store, user)
    await restores.run([user], attributes=listed)
    now = store.get(user).read()
    assert (now["department"] == was["department"]) is department
    assert (now["jobTitle"] == was["jobTitle"]) is title


async def test_listed_links_are_restored_and_others_not(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    members, owners = (set(store.link_set(name).targets(group)) for name in (MEMBERS, "owners"))
    await restores.backups.run("full")
    for name, targets in ((MEMBERS, members), ("owners", owners)):
        for one in targets:
            store.unlink(group, name, one)
    await restores.run([group], attributes={"group": [MEMBERS]})
    assert set(store.link_set(MEMBERS).targets(group)) == members
    assert set(store.link_set("owners").targets(group)) == set()


@pytest.mark.parametrize(("links", "back", "added_stays"), [
    ("merge", True, True), ("exact", True, False), ("skip", False, True),
])
async def test_links(restores: Restores, links: str, back: bool, added_stays: bool):
    store = restores.simulator.store
    group = plain_group(store)
    members = set(store.link_set(MEMBERS).targets(group))
    await restores.backups.run("full")
    gone = next(one for one in sorted(members) if store.get(one).table == "user")
    added = next(one for one in plain_users(store, 1000) if one not in members)
    store.unlink(group, MEMBERS, gone)
    store.link(group, MEMBERS, added)
    await restores.run([group], links=links)
    now = set(store.link_set(MEMBERS).targets(group))
    assert (gone in now, added in now) == (back, added_stays)


@pytest.mark.parametrize(("new_objects", "member", "there"), [
    ("keep", True, True), ("unlink", False, True), ("softDelete", False, False),
])
async def test_new_objects(restores: Restores, new_objects: str, member: bool, there: bool):
    store = restores.simulator.store
    group = plain_group(store)
    known = next(one for one in plain_users(store, 1000) if not store.link_set(MEMBERS).has(group, one))
    await restores.backups.run("full")
    new = "9e3d5a52-0000-4000-8000-00000000beef"
    store.create("user", {**store.get(known).read(), "id": new, "userPrincipalName": "new@contoso7.example",
                          "mail": None, "proxyAddresses": [], "mailNickname": "new", "identities": []})
    store.link(group, MEMBERS, new)
    store.link(group, MEMBERS, known)
    await restores.run([group, new] if new_objects == "softDelete" else [group], newObjects=new_objects)
    assert (new in store.records) is there
    assert store.link_set(MEMBERS).has(group, new) is member
    assert store.link_set(MEMBERS).has(group, known)  # it is no new object, and links are merged


@pytest.mark.parametrize("linked", ["none", "direct"])
async def test_linked_objects(restores: Restores, linked: str):
    store = restores.simulator.store
    group = plain_group(store)
    user = next(one for one in store.link_set(MEMBERS).targets(group) if one in plain_users(store, 1000))
    await restores.backups.run("full")
    store.delete(user, soft=True)
    done = await restores.run([group], linkedObjects=linked)
    assert (user in store.records) is (linked == "direct")
    left = [one["reason"] for one in await restores.left(done) if one["what"] == MEMBERS]
    assert bool(left) is (linked == "none")


@pytest.mark.parametrize(("option", "made", "changed"), [
    ("auto", "enabledForReportingButNotEnforced", "enabled"), ("asBackedUp", "enabled", "enabled"),
    ("reportOnly", "enabledForReportingButNotEnforced", "enabledForReportingButNotEnforced"),
    ("disabled", "disabled", "disabled"),
])
async def test_conditional_access_state(restores: Restores, option: str, made: str, changed: str):
    store = restores.simulator.store
    gone, kept = [one.key for one in store.all("conditionalAccessPolicy") if one.read()["state"] == "enabled"][:2]
    await restores.backups.run("full")
    store.update(kept, {**store.get(kept).read(), "state": "disabled"})
    store.delete(gone, soft=False)
    await restores.run([gone, kept], conditionalAccessState=option)
    assert store.get(await restores.new_id(gone)).read()["state"] == made
    assert store.get(kept).read()["state"] == changed


async def test_recycle_bin_and_creation(restores: Restores):
    store = restores.simulator.store
    binned, purged = plain_users(store)
    await restores.backups.run("full")
    for one in (binned, purged):
        store.delete(one, soft=True)
    store.purge(purged)
    both_off = await restores.plan([binned, purged], fromRecycleBin=False, createIfMissing=False)
    assert both_off["counts"]["revive"] == both_off["counts"]["create"] == 0
    assert {one["objectId"] for one in await restores.left(both_off) if one["objectId"]} >= {binned, purged}
    done = await restores.run([binned, purged], createIfMissing=False)
    assert binned in store.records
    assert done["counts"]["create"] == 0


async def test_max_changes_holds_a_larger_plan_back(restores: Restores):
    store = restores.simulator.store
    users = plain_users(store, 3)
    await restores.backups.run("full")
    for one in users:
        damaged_user(store, one)
    assert [one["code"] for one in (await restores.plan(users, maxChanges=2))["findings"]] == ["maxChanges"]
    assert (await restores.plan(users, maxChanges=3))["findings"] == []


async def test_an_existing_user_of_the_name_goes_only_where_asked(restores: Restores):
    store = restores.simulator.store
    user, other = plain_users(store)
    await restores.backups.run("full")
    name = store.get(user).read()["userPrincipalName"]
    store.delete(user, soft=True)
    store.purge(user)
    store.update(other, {**store.get(other).read(), "userPrincipalName": name})
    done = await restores.run([user], deleteExistingCloudUser=True, links="skip")
    assert done["results"].keys() <= {"done", "unchanged"}, done["results"]
    assert other not in store.records
    made = await restores.new_id(user)
    assert store.get(made).read()["userPrincipalName"] == name

    undone = await restores.undo(done)
    assert undone["results"].keys() <= {"done", "unchanged"}, undone["results"]
    assert made not in store.records
    assert store.get(other).read()["userPrincipalName"] == name
    again = await restores.undo(undone)
    assert again["results"].keys() <= {"done", "unchanged"}, again["results"]
    assert other not in store.records
    assert store.get(made).read()["userPrincipalName"] == name


async def test_a_new_user_gives_up_the_name_that_another_gets_back(restores: Restores):
    store = restores.simulator.store
    user, other = plain_users(store)
    body, new = store.get(other).read(), str(uuid4())
    await restores.backups.run("full")
    name = store.get(user).read()["userPrincipalName"]
    store.update(user, {**store.get(user).read(), "userPrincipalName": f"renamed.{name}"})
    store.create("user", {**body, "id": new, "userPrincipalName": name})
    done = await restores.run(types=["user"], newObjects="softDelete", links="skip")
    assert done["results"].keys() <= {"done", "unchanged"}, done["results"]
    assert new not in store.records
    assert store.get(user).read()["userPrincipalName"] == name


async def test_a_restore_of_types_writes_only_them_and_what_hangs_on_or_names_what_is_made_anew(restores: Restores):
    store = restores.simulator.store
    user, other = plain_users(store)
    group = plain_group(store)
    store.link(group, MEMBERS, user)
    await restores.backups.run("full")
    damaged_user(store, other)
    store.update(group, {**store.get(group).read(), "description": "Changed since"})
    only = await restores.plan(types=["user"])
    assert {one.object_type for one, _ in await restores.operations(only)} == {"user"}
    store.delete(user, soft=True)
    store.purge(user)
    wider = await restores.operations(await restores.plan(types=["user"]))
    others = [one for one, _ in wider if one.object_type != "user"]
    assert others, "the group that the user was a member of is linked again"
    for one in others:
        named = [*one.targets, str(one.path), str(one.body)]
        assert any(user in text for text in named), one
    assert not any("description" in one.attributes for one in others)


def test_what_a_type_has_is_no_misspelling():
    for row in OBJECT_TYPES.values():
        has = [*row.select, *row.singly, *row.streams, *(name for name, _ in row.actions)]
        has += [*(link.name for link in row.links), "extension_0123456789abcdef0123456789abcdef_badge"]
        assert RestoreOptions(attributes={row.name: has}).misspelt() == []
    assert RestoreOptions(attributes={"group": ["membres"]}).misspelt() == [("group", "membres")]
