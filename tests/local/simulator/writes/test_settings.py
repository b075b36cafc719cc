"""Licences, authentication methods, domains, branding, custom security attributes."""

from typing import Any

import pytest

from tests.local.simulator.writes.conftest import PLANS, SKU, Graph

WEB, SHAREPOINT = PLANS


async def assign(tenant: Graph, path: str, add: list[Any], remove: list[str]) -> tuple[int, str]:
    status, said = await tenant.send("POST", f"{path}/assignLicense", {"addLicenses": add, "removeLicenses": remove})
    return status, said.get("error", {}).get("message", "")


async def seats(tenant: Graph) -> int:
    found = (await tenant.get("/subscribedSkus"))["value"]
    return int(next(each["consumedUnits"] for each in found if each["skuId"] == SKU))


async def test_licences_need_a_place_a_seat_and_the_plans_they_depend_on(tenant: Graph) -> None:
    nowhere = f"/users/{await tenant.user()}"
    assert await assign(tenant, nowhere, [{"skuId": SKU}], []) == (
        400,
        "License assignment cannot be done for user with invalid usage location.",
    )
    user = f"/users/{await tenant.user(usageLocation='DE')}"
    assert "depends on" in (await assign(tenant, user, [{"skuId": SKU, "disabledPlans": [SHAREPOINT]}], []))[1]
    assert (await assign(tenant, user, [{"skuId": WEB}], []))[0] == 400
    assert (await assign(tenant, user, [], [SKU]))[1] == "User does not have a corresponding license."
    assert await assign(tenant, user, [{"skuId": SKU, "disabledPlans": [WEB]}], []) == (200, "")
    assert await seats(tenant) == 1
    await assign(tenant, f"/users/{await tenant.user(usageLocation='DE')}", [{"skuId": SKU}], [])
    third = f"/users/{await tenant.user(usageLocation='DE')}"
    assert "does not have any available licenses" in (await assign(tenant, third, [{"skuId": SKU}], []))[1]
    assert (await assign(tenant, user, [], [SKU]))[0] == 200
    assert await seats(tenant) == 1


async def test_members_inherit_the_licences_of_their_group(tenant: Graph) -> None:
    user, group = await tenant.user(usageLocation="DE"), await tenant.group()
    assert (await assign(tenant, f"/groups/{group}", [{"skuId": SKU}], []))[0] == 202
    await tenant.send("POST", f"/groups/{group}/members/$ref", tenant.reference(user))
    found = await tenant.get(f"/users/{user}?$select=assignedLicenses,licenseAssignmentStates")
    assert [each["skuId"] for each in found["assignedLicenses"]] == [SKU]
    assert [each["assignedByGroup"] for each in found["licenseAssignmentStates"]] == [group]
    assert "inherited from a group" in (await assign(tenant, f"/users/{user}", [], [SKU]))[1]
    await tenant.send("DELETE", f"/groups/{group}/members/{user}/$ref")
    assert (await tenant.get(f"/users/{user}?$select=assignedLicenses"))["assignedLicenses"] == []
    assert await seats(tenant) == 0


async def test_phones_come_in_order_and_each_type_once(tenant: Graph) -> None:
    path = f"/users/{await tenant.user()}/authentication/phoneMethods"
    number = "+49 15112345678"
    assert (await tenant.refused("POST", path, {"phoneNumber": number, "phoneType": "alternateMobile"}))[0] == 400
    assert (await tenant.refused("POST", path, {"phoneNumber": "0151", "phoneType": "mobile"}))[0] == 400
    made = await tenant.make(path, {"phoneNumber": number, "phoneType": "mobile"})
    assert (await tenant.refused("POST", path, {"phoneNumber": number, "phoneType": "mobile"}))[0] == 400
    assert (await tenant.refused("PATCH", f"{path}/{made['id']}", {"phoneType": "office"}))[0] == 400
    await tenant.change(f"{path}/{made['id']}", {"phoneNumber": "+49 15112345679"})
    assert (await tenant.send("DELETE", f"{path}/{made['id']}"))[0] == 204


async def test_one_email_method_and_one_access_pass_a_user(tenant: Graph) -> None:
    base = f"/users/{await tenant.user()}/authentication"
    await tenant.make(f"{base}/emailMethods", {"emailAddress": "a@b.example"})
    assert (await tenant.refused("POST", f"{base}/emailMethods", {"emailAddress": "c@d.example"}))[0] == 400
    made = await tenant.make(f"{base}/temporaryAccessPassMethods", {"lifetimeInMinutes": 60})
    assert len(made["temporaryAccessPass"]) == 12
    assert (await tenant.get(f"{base}/temporaryAccessPassMethods"))["value"][0]["temporaryAccessPass"] is None
    assert (await tenant.refused("POST", f"{base}/temporaryAccessPassMethods", {}))[0] == 400


async def test_a_domain_is_verified_before_it_is_used(tenant: Graph) -> None:
    made = await tenant.make("/domains", {"id": "fabrikam.example"})
    assert made["isVerified"] is False
    assert (await tenant.refused("PATCH", "/domains/fabrikam.example", {"isDefault": True}))[0] == 400
    body = tenant.user_body("ada") | {"userPrincipalName": "ada@fabrikam.example"}
    assert (await tenant.refused("POST", "/users", body))[0] == 400
    assert (await tenant.send("POST", "/domains/fabrikam.example/verify"))[0] == 200
    user = await tenant.make("/users", body)
    assert (await tenant.refused("DELETE", "/domains/fabrikam.example"))[0] == 400
    await tenant.send("DELETE", f"/users/{user['id']}")
    assert (await tenant.send("DELETE", "/domains/fabrikam.example"))[0] == 204


async def test_the_organization_changes_its_notifications_only(tenant: Graph) -> None:
    path = f"/organization/{tenant.simulator.tenant_id}"
    await tenant.change(path, {"technicalNotificationMails": ["a@b.example"]})
    assert (await tenant.refused("PATCH", path, {"displayName": "x"}))[0] == 400
    assert (await tenant.refused("DELETE", path))[0] in (403, 405)


async def test_attribute_values_follow_their_definitions(tenant: Graph) -> None:
    base = "/directory"
    await tenant.make(f"{base}/attributeSets", {"id": "Finance"})
    definition = {
        "attributeSet": "Finance",
        "name": "Level",
        "type": "String",
        "status": "Available",
        "isCollection": False,
        "isSearchable": True,
        "usePreDefinedValuesOnly": True,
        "allowedValues": [{"id": "High", "isActive": True}],
    }
    made = await tenant.make(f"{base}/customSecurityAttributeDefinitions", definition)
    assert made["id"] == "Finance_Level"
    path = f"{base}/customSecurityAttributeDefinitions/Finance_Level"
    assert (await tenant.refused("PATCH", path, {"type": "Integer"}))[0] == 400
    assert (await tenant.refused("DELETE", path))[0] in (403, 405)
    await tenant.change(path, {"description": "x"})
    user = await tenant.user()
    tag = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"
    await tenant.change(
        f"/users/{user}", {"customSecurityAttributes": {"Finance": {"@odata.type": tag, "Level": "High"}}}
    )
    found = await tenant.get(f"/users/{user}?$select=customSecurityAttributes")
    assert found["customSecurityAttributes"]["Finance"]["Level"] == "High"
    for values in (
        {"Level": "High"},
        {"@odata.type": tag, "Level": "Low"},
        {"@odata.type": tag, "Level": 7},
        {"@odata.type": tag, "Nosuch": "x"},
    ):
        body = {"customSecurityAttributes": {"Finance": values}}
        assert (await tenant.refused("PATCH", f"/users/{user}", body))[0] == 400


@pytest.mark.parametrize("name", ["bannerLogo", "favicon"])
async def test_branding_streams_are_put_read_and_removed(tenant: Graph, name: str) -> None:
    store = tenant.simulator.store
    organization = store.records[tenant.simulator.tenant_id]
    if not list(store.link_set("branding").targets(organization.key)):
        branding = f"/organization/{tenant.simulator.tenant_id}/branding"
        assert (await tenant.refused("PATCH", branding, {"backgroundColor": "red"}))[0] == 400
        await tenant.change(branding, {"backgroundColor": "#FFFFFF", "signInPageText": "x"})
    path = f"/v1.0/organization/{tenant.simulator.tenant_id}/branding/{name}"
    put = await tenant.client.put(path, content=b"\x89PNG", headers={"content-type": "image/png"})
    assert put.status_code == 204
    assert (await tenant.client.get(path)).content == b"\x89PNG"
    assert (
        await tenant.client.put(path, content=b"{}", headers={"content-type": "application/json"})
    ).status_code == 415
    assert (await tenant.client.delete(path)).status_code == 204


async def test_a_batch_writes_through_the_same_rules_in_order(tenant: Graph) -> None:
    requests = [
        {
            "id": "1",
            "method": "POST",
            "url": "/users",
            "headers": {"Content-Type": "application/json"},
            "body": tenant.user_body("batched"),
        },
        {
            "id": "2",
            "method": "POST",
            "url": "/users",
            "headers": {"Content-Type": "application/json"},
            "body": tenant.user_body("batched"),
            "dependsOn": ["1"],
        },
        {"id": "3", "method": "GET", "url": "/users", "dependsOn": ["2"]},
    ]
    status, said = await tenant.send("POST", "/$batch", {"requests": requests})
    assert status == 200
    assert {each["id"]: each["status"] for each in said["responses"]} == {"1": 201, "2": 400, "3": 424}


async def test_multifactor_state_is_patched_in_beta(tenant: Graph) -> None:
    path = f"/beta/users/{await tenant.user()}/authentication/requirements"
    assert (await tenant.refused("PATCH", path, {"perUserMfaState": "sometimes"}))[0] == 400
    await tenant.change(path, {"perUserMfaState": "enforced"})
    assert (await tenant.send("GET", path))[1]["perUserMfaState"] == "enforced"
