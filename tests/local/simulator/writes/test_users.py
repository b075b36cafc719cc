"""Users: what Graph accepts and refuses."""

from typing import Any

import pytest

from tests.local.simulator.writes.conftest import PASSWORD, USER_ADMINISTRATOR, Graph


async def test_a_user_is_created_read_changed_deleted_and_brought_back(tenant: Graph) -> None:
    made = await tenant.make("/users", tenant.user_body("ada", jobTitle="Clerk"))
    assert "passwordProfile" not in made
    await tenant.change(f"/users/{made['id']}", {"jobTitle": None, "department": "IT"})
    found = await tenant.get(f"/users/{made['id']}?$select=jobTitle,department,userType,createdDateTime")
    assert (found["jobTitle"], found["department"], found["userType"]) == (None, "IT", "Member")
    group = await tenant.group()
    await tenant.send("POST", f"/groups/{group}/members/$ref", tenant.reference(made["id"]))
    assert (await tenant.send("DELETE", f"/users/{made['id']}"))[0] == 204
    assert (await tenant.send("GET", f"/users/{made['id']}"))[0] == 404
    assert (await tenant.get(f"/groups/{group}/members"))["value"] == []
    status, restored = await tenant.send("POST", f"/directory/deletedItems/{made['id']}/restore")
    assert (status, restored["id"]) == (200, made["id"])
    assert [each["id"] for each in (await tenant.get(f"/groups/{group}/members"))["value"]] == [made["id"]]


async def test_a_password_is_kept_nowhere(tenant: Graph) -> None:
    await tenant.user("ada")
    assert not any(PASSWORD.encode() in each.body for each in tenant.simulator.store.all("user"))


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"nosuch": 1}, "Invalid property 'nosuch'."),
    ({"accountEnabled": "yes"}, "Invalid value specified for property 'accountEnabled' of resource 'User'."),
    ({"proxyAddresses": ["SMTP:a@b.c"]}, "Property 'proxyAddresses' is read-only and cannot be set."),
    ({"id": "00000000-0000-0000-0000-000000000001"}, "Property 'id' is read-only and cannot be set."),
    ({"assignedLicenses": []}, "Property 'assignedLicenses' is read-only and cannot be set."),
    ({"displayName": None}, "Invalid value specified for property 'displayName' of resource 'User'."),
    ({"businessPhones": ["1", "2"]}, "Invalid value specified for property 'businessPhones' of resource 'User'."),
    ({"businessPhones": None}, "Invalid value specified for property 'businessPhones' of resource 'User'."),
    ({"jobTitle": ""}, "Invalid value specified for property 'jobTitle' of resource 'User'."),
    (
        {"aboutMe": "a gardener", "interests": ["roses"], "jobTitle": "Clerk"},
        "The properties that SharePoint keeps must be updated in a request of their own: aboutMe, interests.",
    ),
    ({"employeeId": "x" * 17}, "Invalid value specified for property 'employeeId' of resource 'User'."),
    ({"usageLocation": "Germany"}, "Invalid value specified for property 'usageLocation' of resource 'User'."),
    ({"userType": "Alien"}, "Invalid value specified for property 'userType' of resource 'User'."),
    ({"employeeHireDate": "tomorrow"}, "Invalid value specified for property 'employeeHireDate' of resource 'User'."),
    (
        {"employeeOrgData": {"division": 7}},
        "Invalid value specified for property 'division' of resource 'EmployeeOrgData'.",
    ),
    ({"employeeOrgData": {"nosuch": "x"}}, "Invalid property 'nosuch'."),
    (
        {"extension_00000000000000000000000000000000_x": 1},
        ("The following extension properties are not available: extension_00000000000000000000000000000000_x."),
    ),
    (
        {"userPrincipalName": "ada@elsewhere.example"},
        (
            "The domain portion of the userPrincipalName property is invalid. "
            "You must use one of the verified domain names in your organization."
        ),
    ),
    (
        {"passwordProfile": {"password": "short"}},
        (
            "The specified password does not comply with password complexity "
            "requirements. Please provide a different password."
        ),
    ),
]


@pytest.mark.parametrize(("body", "message"), REFUSALS, ids=lambda each: str(each)[:40])
async def test_a_patch_against_the_schema_is_refused(tenant: Graph, body: dict[str, Any], message: str) -> None:
    user = await tenant.user()
    assert await tenant.refused("PATCH", f"/users/{user}", body) == (400, "Request_BadRequest", message)


@pytest.mark.parametrize(
    "name", ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"]
)
async def test_a_user_needs_its_required_properties(tenant: Graph, name: str) -> None:
    body = tenant.user_body("ada")
    del body[name]
    status, code, message = await tenant.refused("POST", "/users", body)
    assert (status, code) == (400, "Request_BadRequest")
    assert f"A value is required for property '{name}" in message


async def test_a_name_is_unique_among_living_and_deleted_users(tenant: Graph) -> None:
    user = await tenant.user("ada")
    expected = (
        400,
        "Request_BadRequest",
        "Another object with the same value for property userPrincipalName already exists.",
    )
    assert await tenant.refused("POST", "/users", tenant.user_body("ADA")) == expected
    await tenant.send("DELETE", f"/users/{user}")
    assert await tenant.refused("POST", "/users", tenant.user_body("ada")) == expected


async def test_mail_sets_the_primary_address_and_is_unique(tenant: Graph) -> None:
    user = await tenant.user("ada", mail=f"ada.l@{tenant.domain}")
    found = await tenant.get(f"/users/{user}?$select=proxyAddresses")
    assert found["proxyAddresses"] == [f"SMTP:ada.l@{tenant.domain}"]
    body = tenant.user_body("bob", mail=f"ada.l@{tenant.domain}")
    assert (await tenant.refused("POST", "/users", body))[2].startswith("Another object with the same value")


async def test_an_address_of_a_deleted_user_is_free_and_a_restore_settles_who_has_it(tenant: Graph) -> None:
    mail = f"ada.l@{tenant.domain}"
    user = await tenant.user("ada", mail=mail)
    await tenant.send("DELETE", f"/users/{user}")
    other = await tenant.user("bob", mail=mail)
    at = f"/directory/deletedItems/{user}/restore"
    status, code, message = await tenant.refused("POST", at)
    assert (status, code) == (400, "Request_BadRequest")
    assert message == "Another object with the same value for property proxyAddresses already exists."
    assert (await tenant.refused("POST", at, {"nosuch": True}))[0] == 400
    assert (await tenant.send("POST", at, {"autoReconcileProxyConflict": True}))[0] == 200
    assert (await tenant.get(f"/users/{user}?$select=proxyAddresses"))["proxyAddresses"] == []
    assert (await tenant.get(f"/users/{other}?$select=proxyAddresses"))["proxyAddresses"] == [f"SMTP:{mail}"]


async def test_an_application_changes_passwords_by_permission_or_role(tenant: Graph) -> None:
    user, few = await tenant.user(), await tenant.principal("few")
    secret = await tenant.send("POST", f"/applications(appId='{few['appId']}')/addPassword", {})
    resource = await tenant.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
    roles = {one["value"]: one["id"] for one in resource["appRoles"]}
    body = {"passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": True}}

    async def status() -> int:
        granted = await tenant.client.post(f"/{tenant.simulator.tenant_id}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": few["appId"], "client_secret": secret[1]["secretText"],
            "scope": "https://graph.microsoft.com/.default",
        })  # fmt: skip
        bearer = f"Bearer {granted.json()['access_token']}"
        return (await tenant.send("PATCH", f"/users/{user}", body, Authorization=bearer))[0]

    assigned = {"principalId": few["id"], "resourceId": resource["id"]}
    at = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    await tenant.make(at, {**assigned, "appRoleId": roles["User.ReadWrite.All"]})
    assert await status() == 403
    assignment = await tenant.make("/roleManagement/directory/roleAssignments", {
        "principalId": few["id"], "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/",
    })  # fmt: skip
    assert await status() == 204
    await tenant.send("DELETE", f"/roleManagement/directory/roleAssignments/{assignment['id']}")
    assert await status() == 403
    await tenant.make(at, {**assigned, "appRoleId": roles["User-PasswordProfile.ReadWrite.All"]})
    assert await status() == 204


async def test_a_synced_user_takes_only_what_the_cloud_holds(tenant: Graph) -> None:
    user = await tenant.user()
    store = tenant.simulator.store
    store.update(user, store.records[user].read() | {"onPremisesSyncEnabled": True})
    status, code, message = await tenant.refused("PATCH", f"/users/{user}", {"jobTitle": "Lead"})
    assert (status, code) == (400, "Request_BadRequest")
    assert message.startswith("Unable to update the specified properties for on-premises mastered")
    await tenant.change(f"/users/{user}", {"usageLocation": "DE"})


async def test_a_manager_is_put_and_deleted(tenant: Graph) -> None:
    user, manager = await tenant.user(), await tenant.user()
    assert (await tenant.send("PUT", f"/users/{user}/manager/$ref", tenant.reference(manager)))[0] == 204
    assert (await tenant.get(f"/users/{user}/manager"))["id"] == manager
    assert (await tenant.send("DELETE", f"/users/{user}/manager/$ref"))[0] == 204
    assert (await tenant.refused("DELETE", f"/users/{user}/manager/$ref"))[0] == 404


async def test_a_missing_reference_is_not_found(tenant: Graph) -> None:
    user = await tenant.user()
    missing = tenant.reference("00000000-0000-0000-0000-00000000dead")
    assert (await tenant.refused("PUT", f"/users/{user}/manager/$ref", missing))[:2] == (
        404,
        "Request_ResourceNotFound",
    )
    assert (await tenant.refused("PUT", f"/users/{user}/manager/$ref", {}))[0] == 400


async def test_the_last_global_administrator_stays(tenant: Graph) -> None:
    user = await tenant.user()
    role = next(each.key for each in tenant.simulator.store.find("directoryRole", "roleTemplateId", GLOBAL))
    others = list(tenant.simulator.store.link_set("members").targets(role))
    await tenant.send("POST", f"/directoryRoles/{role}/members/$ref", tenant.reference(user))
    for key in others:
        record = tenant.simulator.store.get(key)
        if record is not None and record.table == "user":
            assert (await tenant.send("DELETE", f"/directoryRoles/{role}/members/{key}/$ref"))[0] == 204
    assert (await tenant.refused("DELETE", f"/users/{user}"))[0] == 400
    assert (await tenant.refused("PATCH", f"/users/{user}", {"accountEnabled": False}))[0] == 400
    assert (await tenant.refused("DELETE", f"/directoryRoles/{role}/members/{user}/$ref"))[0] == 400


GLOBAL = "62e90394-69f5-4237-9190-012177145e10"


async def test_a_guest_comes_in_by_invitation(tenant: Graph) -> None:
    body = {"invitedUserEmailAddress": "eve@partner.example", "inviteRedirectUrl": "https://myapps.microsoft.com"}
    invitation = await tenant.make("/invitations", body)
    guest = await tenant.get(
        f"/users/{invitation['invitedUser']['id']}?$select=userType,externalUserState,userPrincipalName"
    )
    assert (guest["userType"], guest["externalUserState"]) == ("Guest", "PendingAcceptance")
    assert guest["userPrincipalName"].startswith("eve_partner.example#EXT#@")
    again = await tenant.make("/invitations", body)
    assert again["invitedUser"]["id"] == invitation["invitedUser"]["id"]
    assert (await tenant.refused("POST", "/invitations", {"invitedUserEmailAddress": "eve@partner.example"}))[0] == 400


async def test_a_restore_can_take_a_new_name(tenant: Graph) -> None:
    user = await tenant.user("ada")
    await tenant.send("DELETE", f"/users/{user}")
    status, found = await tenant.send(
        "POST", f"/directory/deletedItems/{user}/restore", {"newUserPrincipalName": f"ada2@{tenant.domain}"}
    )
    assert (status, found["userPrincipalName"]) == (200, f"ada2@{tenant.domain}")


async def test_a_purged_user_is_gone_for_good(tenant: Graph) -> None:
    user = await tenant.user()
    await tenant.send("DELETE", f"/users/{user}")
    assert (await tenant.send("DELETE", f"/directory/deletedItems/{user}"))[0] == 204
    assert (await tenant.refused("POST", f"/directory/deletedItems/{user}/restore"))[0] == 404
