"""Groups: kinds, members, owners, dynamic rules, protection."""

from typing import Any

import pytest

from tests.local.simulator.writes.conftest import GLOBAL_ADMINISTRATOR, SKU, Graph


async def test_a_group_with_bound_members_is_created_changed_deleted_and_brought_back(tenant: Graph) -> None:
    users = [await tenant.user() for _ in range(3)]
    bound = [tenant.reference(each)["@odata.id"] for each in users]
    body = tenant.group_body("sales", **{"members@odata.bind": bound[:2], "owners@odata.bind": bound[2:]})
    group = (await tenant.make("/groups", body))["id"]
    assert {each["id"] for each in (await tenant.get(f"/groups/{group}/members"))["value"]} == set(users[:2])
    await tenant.change(f"/groups/{group}", {"description": "x", "members@odata.bind": bound[2:]})
    assert (await tenant.send("DELETE", f"/groups/{group}"))[0] == 204
    assert (await tenant.send("POST", f"/directory/deletedItems/{group}/restore"))[0] == 200
    assert {each["id"] for each in (await tenant.get(f"/groups/{group}/members"))["value"]} == set(users)


async def test_a_microsoft_365_group_gets_its_address(tenant: Graph) -> None:
    made = await tenant.make("/groups", tenant.group_body("team", mailEnabled=True, groupTypes=["Unified"]))
    assert (made["mail"], made["visibility"]) == (f"team@{tenant.domain}", "Public")


CREATE_REFUSALS: list[tuple[dict[str, Any], int]] = [
    ({"mailEnabled": True}, 400),
    ({"securityEnabled": False}, 400),
    ({"groupTypes": ["Unified"]}, 400),
    ({"groupTypes": ["Strange"]}, 400),
    ({"groupTypes": ["DynamicMembership"]}, 400),
    ({"groupTypes": ["DynamicMembership"], "membershipRule": "user.department like 'x'"}, 400),
    ({"groupTypes": ["DynamicMembership"], "membershipRule": '(user.nosuch -eq "x")'}, 400),
    ({"groupTypes": ["DynamicMembership"], "membershipRule": '(user.department -eq "x"'}, 400),
    ({"membershipRule": '(user.department -eq "x")'}, 400),
    ({"mailNickname": "with space"}, 400),
    ({"displayName": ""}, 400),
    ({"displayName": "x" * 257}, 400),
    ({"uniqueName": "x"}, 400),
    ({"mail": "x@y.z"}, 400),
    ({"isAssignableToRole": True, "visibility": "Public"}, 400),
    ({"visibility": "HiddenMembership"}, 400),
    ({"members@odata.bind": ["https://graph.microsoft.com/v1.0/users/00000000-0000-0000-0000-00000000dead"]}, 404),
    ({"assignedLabels": [{"labelId": "00000000-0000-0000-0000-000000000001"}]}, 403),
]


@pytest.mark.parametrize(("more", "expected"), CREATE_REFUSALS, ids=lambda each: str(each)[:50])
async def test_a_group_that_graph_refuses_is_not_created(tenant: Graph, more: dict[str, Any], expected: int) -> None:
    assert (await tenant.refused("POST", "/groups", tenant.group_body("g") | more))[0] == expected


async def test_at_most_20_members_are_bound_and_one_bad_id_fails_all(tenant: Graph) -> None:
    users = [each.key for each in tenant.simulator.store.all("user")][:21]
    group = await tenant.group()
    bound = [tenant.reference(each)["@odata.id"] for each in users]
    assert (await tenant.refused("PATCH", f"/groups/{group}", {"members@odata.bind": bound}))[0] == 400
    bad = [*bound[:3], tenant.reference("00000000-0000-0000-0000-00000000dead")["@odata.id"]]
    assert (await tenant.refused("PATCH", f"/groups/{group}", {"members@odata.bind": bad}))[0] == 404
    await tenant.change(f"/groups/{group}", {"members@odata.bind": bound[:20]})
    assert len((await tenant.get(f"/groups/{group}/members"))["value"]) == 20


async def test_a_link_that_is_there_is_refused_and_one_that_is_not_is_not_found(tenant: Graph) -> None:
    group, user = await tenant.group(), await tenant.user()
    path = f"/groups/{group}/members"
    assert (await tenant.send("POST", f"{path}/$ref", tenant.reference(user)))[0] == 204
    assert await tenant.refused("POST", f"{path}/$ref", tenant.reference(user)) == (
        400,
        "Request_BadRequest",
        "One or more added object references already exist for the following modified properties: 'members'.",
    )
    assert (await tenant.send("DELETE", f"{path}/{user}/$ref"))[0] == 204
    assert (await tenant.refused("DELETE", f"{path}/{user}/$ref"))[0] == 404


async def test_the_last_user_who_owns_a_group_stays(tenant: Graph) -> None:
    first, second = await tenant.user(), await tenant.user()
    group = await tenant.group(**{"owners@odata.bind": [tenant.reference(first)["@odata.id"]]})
    expected = (
        400,
        "Request_BadRequest",
        "The group must have at least one owner, hence this owner cannot be removed.",
    )
    assert await tenant.refused("DELETE", f"/groups/{group}/owners/{first}/$ref") == expected
    await tenant.send("POST", f"/groups/{group}/owners/$ref", tenant.reference(second))
    assert (await tenant.send("DELETE", f"/groups/{group}/owners/{first}/$ref"))[0] == 204


async def test_a_group_has_at_most_100_owners(tenant: Graph) -> None:
    group, last = await tenant.group(), await tenant.user()
    store = tenant.simulator.store
    for _ in range(100):
        store.link(group, "owners", await tenant.user())
    assert (await tenant.refused("POST", f"/groups/{group}/owners/$ref", tenant.reference(last)))[0] == 400


async def test_nesting_follows_the_table_of_kinds(tenant: Graph) -> None:
    security, inner = await tenant.group(), await tenant.group()
    unified = await tenant.group(mailEnabled=True, groupTypes=["Unified"])
    roles = await tenant.group(isAssignableToRole=True)
    for outer, member in ((unified, security), (security, unified), (roles, security), (security, security)):
        assert (await tenant.refused("POST", f"/groups/{outer}/members/$ref", tenant.reference(member)))[0] == 400
    assert (await tenant.send("POST", f"/groups/{security}/members/$ref", tenant.reference(inner)))[0] == 204
    assert (await tenant.refused("POST", f"/groups/{security}/owners/$ref", tenant.reference(inner)))[0] == 400


async def test_groups_of_exchange_and_of_the_premises_are_read_only(tenant: Graph) -> None:
    store, user = tenant.simulator.store, await tenant.user()
    for more, message in (
        ({"mailEnabled": True, "securityEnabled": False}, "Cannot Update a mail-enabled"),
        ({"onPremisesSyncEnabled": True}, "Unable to update the specified properties for on-premises"),
    ):
        group = await tenant.group()
        store.update(group, store.records[group].read() | more)
        answers = [
            await tenant.refused("PATCH", f"/groups/{group}", {"description": "x"}),
            await tenant.refused("POST", f"/groups/{group}/members/$ref", tenant.reference(user)),
        ]
        assert all(status == 400 and said.startswith(message) for status, _, said in answers)


async def test_a_distribution_group_is_deleted_at_once(tenant: Graph) -> None:
    store, group = tenant.simulator.store, await tenant.group()
    store.update(group, store.records[group].read() | {"mailEnabled": True, "securityEnabled": False})
    assert (await tenant.send("DELETE", f"/groups/{group}"))[0] == 204
    assert group not in store.bin


async def test_properties_set_at_creation_are_not_changed(tenant: Graph) -> None:
    group = await tenant.group()
    for body in ({"isAssignableToRole": True}, {"mailEnabled": True}, {"groupTypes": ["Unified"]}, {"owners": []}):
        assert (await tenant.refused("PATCH", f"/groups/{group}", body))[0] == 400


async def test_a_nickname_is_unique_among_microsoft_365_groups_only(tenant: Graph) -> None:
    await tenant.group("same")
    await tenant.group("same")
    team = await tenant.group("same", mailEnabled=True, groupTypes=["Unified"])
    await tenant.send("DELETE", f"/groups/{team}")
    body = tenant.group_body("Same", mailEnabled=True, groupTypes=["Unified"])
    assert (await tenant.refused("POST", "/groups", body))[2].startswith("Another object with the same value")


async def test_exchange_settings_are_patched_alone(tenant: Graph) -> None:
    team = await tenant.group(mailEnabled=True, groupTypes=["Unified"])
    assert (await tenant.send("PATCH", f"/groups/{team}", {"autoSubscribeNewMembers": True}))[0] == 200
    assert (await tenant.refused("PATCH", f"/groups/{team}", {"autoSubscribeNewMembers": True, "description": "x"}))[
        0
    ] == 400


async def test_a_dynamic_group_has_the_members_its_rule_selects(tenant: Graph) -> None:
    rule = '(user.department -eq "Rockets") -and -not (user.jobTitle -in ["Lead", "Boss"])'
    early = await tenant.user(department="ROCKETS")
    boss = await tenant.user(department="Rockets", jobTitle="boss")
    group = await tenant.group(
        groupTypes=["DynamicMembership"], membershipRule=rule, membershipRuleProcessingState="On"
    )

    async def members() -> set[str]:
        return {each["id"] for each in (await tenant.get(f"/groups/{group}/members"))["value"]}

    assert await members() == {early}
    late = await tenant.user(department="Rockets")
    await tenant.change(f"/users/{boss}", {"jobTitle": None})
    await tenant.change(f"/users/{early}", {"department": "Legal"})
    assert await members() == {late, boss}
    assert (await tenant.refused("POST", f"/groups/{group}/members/$ref", tenant.reference(early)))[0] == 403
    assert (await tenant.refused("DELETE", f"/groups/{group}/members/{late}/$ref"))[0] == 403
    await tenant.change(f"/groups/{group}", {"membershipRuleProcessingState": "Paused"})
    await tenant.user(department="Rockets")
    assert await members() == {late, boss}
    await tenant.change(
        f"/groups/{group}", {"membershipRule": "user.accountEnabled -eq false", "membershipRuleProcessingState": "On"}
    )
    assert late not in await members()


async def test_upsert_by_unique_name_creates_once_and_updates_after(tenant: Graph) -> None:
    path = "/groups(uniqueName='old-id')"
    body = tenant.group_body("again")
    assert (await tenant.refused("PATCH", path, body))[0] == 404
    status, made = await tenant.send("PATCH", path, body, prefer="create-if-missing")
    assert status == 201
    status, _ = await tenant.send("PATCH", path, {"description": "x"}, prefer="create-if-missing")
    assert status == 204
    found = await tenant.get(f"/groups/{made['id']}?$select=uniqueName,description")
    assert (found["uniqueName"], found["description"]) == ("old-id", "x")


async def test_a_restricted_unit_protects_its_members(tenant: Graph) -> None:
    user, other, group = await tenant.user(), await tenant.user(), await tenant.group()
    unit = await tenant.make(
        "/directory/administrativeUnits", {"displayName": "R", "isMemberManagementRestricted": True}
    )
    path = f"/directory/administrativeUnits/{unit['id']}/members/$ref"
    for each in (user, group):
        assert (await tenant.send("POST", path, tenant.reference(each)))[0] == 204
    assert (await tenant.refused("PATCH", f"/users/{user}", {"jobTitle": "x"}))[:2] == (
        403,
        "Authorization_RequestDenied",
    )
    assert (await tenant.refused("DELETE", f"/groups/{group}"))[0] == 403
    assert (await tenant.refused("POST", f"/groups/{group}/members/$ref", tenant.reference(other)))[0] == 403
    await tenant.change(f"/users/{user}", {"usageLocation": "DE"})
    free = await tenant.group()
    assert (await tenant.send("POST", f"/groups/{free}/members/$ref", tenant.reference(user)))[0] == 204
    await tenant.make(
        "/roleManagement/directory/roleAssignments",
        {
            "principalId": tenant.simulator.store.find("servicePrincipal", "appId", tenant.simulator.client_id)[0].key,
            "roleDefinitionId": GLOBAL_ADMINISTRATOR,
            "directoryScopeId": f"/administrativeUnits/{unit['id']}",
        },
    )
    await tenant.change(f"/users/{user}", {"jobTitle": "x"})


async def test_an_administrative_unit_comes_back_with_members_but_is_not_purged(tenant: Graph) -> None:
    user = await tenant.user()
    unit = await tenant.make("/directory/administrativeUnits", {"displayName": "North"})
    path = f"/directory/administrativeUnits/{unit['id']}"
    await tenant.send("POST", f"{path}/members/$ref", tenant.reference(user))
    await tenant.change(path, {"description": "x"})
    assert (await tenant.refused("PATCH", path, {"isMemberManagementRestricted": True}))[0] == 400
    assert (await tenant.send("DELETE", path))[0] == 204
    assert (await tenant.refused("DELETE", f"/directory/deletedItems/{unit['id']}"))[0] == 400
    assert (await tenant.send("POST", f"/directory/deletedItems/{unit['id']}/restore"))[0] == 200
    assert [each["id"] for each in (await tenant.get(f"{path}/members"))["value"]] == [user]


async def test_a_group_with_licences_is_not_deleted(tenant: Graph) -> None:
    group = await tenant.group()
    body = {"addLicenses": [{"skuId": SKU}], "removeLicenses": []}
    assert (await tenant.send("POST", f"/groups/{group}/assignLicense", body))[0] == 202
    assert (await tenant.refused("DELETE", f"/groups/{group}"))[0] == 400
