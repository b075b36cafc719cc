"""Custom roles and assignments: who has them may do so much, there, from the next request on, and no more."""

import httpx
import pytest

from shared.deployment import Records
from tests.api.conftest import OTHER, TENANT, Mint

ME = "aaaaaaaa-0000-4000-8000-000000000001"


def role(*permissions: str, name: str = "Auditor") -> dict[str, object]:
    return {"name": name, "description": "looks on", "permissions": list(permissions)}


def given(*roles: str, principal: str = ME) -> dict[str, object]:
    return {"value": [{"principalId": principal, "roles": list(roles)}]}


@pytest.fixture
async def two_tenants(records: Records) -> None:
    for tenant_id in (TENANT, OTHER):
        await records.tenants.register(
            tenant_id=tenant_id, display_name=tenant_id, cloud="global", kind="workforce", created_by="test"
        )


async def test_roles_are_the_built_in_ones_and_the_custom_ones(client: httpx.AsyncClient) -> None:
    answer = await client.get("/roles")
    assert [one["name"] for one in answer.json()["value"]] == ["Reader", "Operator", "Administrator", "Approver"]
    put = await client.put("/roles", json={"value": [*answer.json()["value"], role("audit.read")]})
    assert put.status_code == 200, put.text
    assert put.json()["value"][-1] == {**role("audit.read"), "builtIn": False}
    assert (await client.get("/roles")).json() == put.json()
    stale = await client.put("/roles", json={"value": []}, headers={"If-Match": answer.headers["etag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "changedMeanwhile")


@pytest.mark.parametrize("wrong", [
    role("audit.read", name="administrator"), role("everything"), role(name="x" * 65), role(name="=cmd"),
    {**role(), "extra": 1},
])  # fmt: skip
async def test_a_role_must_have_a_name_of_its_own_and_permissions_that_there_are(
    client: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    answer = await client.put("/roles", json={"value": [wrong]})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith("value.0")


async def test_an_assignment_opens_its_tenant_alone_and_its_removal_shuts_it_for_the_same_token(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, two_tenants: None
) -> None:
    admin, mine = {"Authorization": f"Bearer {mint()}"}, {"Authorization": f"Bearer {mint(roles=None, oid=ME)}"}
    assert (await anonymous.get(f"/tenants/{TENANT}", headers=mine)).status_code == 403
    assert (
        await anonymous.put(f"/tenants/{TENANT}/assignments", headers=admin, json=given("Reader"))
    ).status_code == 200
    assert (await anonymous.get(f"/tenants/{TENANT}", headers=mine)).status_code == 200
    assert [one["tenantId"] for one in (await anonymous.get("/tenants", headers=mine)).json()["value"]] == [TENANT]
    assert (await anonymous.get(f"/tenants/{OTHER}", headers=mine)).status_code == 404
    assert (await anonymous.get(f"/tasks?tenant={OTHER}", headers=mine)).status_code == 404
    assert (await anonymous.post(f"/tenants/{TENANT}/backups", headers=mine)).status_code == 403
    me = (await anonymous.get("/me", headers=mine)).json()
    assert me["tenants"] == [TENANT]
    assert me["assignments"] == [{"tenantId": TENANT, "roles": ["Reader"]}]
    await anonymous.put(f"/tenants/{TENANT}/assignments", headers=admin, json={"value": []})
    assert (await anonymous.get(f"/tenants/{TENANT}", headers=mine)).status_code == 403
    assert (await anonymous.get("/me", headers=mine)).json()["tenants"] == []


async def test_an_assignment_adds_to_the_token_in_its_tenant_only(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, two_tenants: None
) -> None:
    anonymous.headers["Authorization"] = f"Bearer {mint(roles=['Reader'])}"
    await records.assignments.replace(
        TENANT, [{"principalId": ME, "principalType": "user", "roles": ["Operator"]}], by="test"
    )
    assert (await anonymous.post(f"/tenants/{TENANT}/backups")).status_code == 202
    assert (await anonymous.post(f"/tenants/{OTHER}/backups")).status_code == 403
    assert (await anonymous.get(f"/tenants/{OTHER}")).status_code == 200


async def test_unregistering_a_tenant_takes_its_assignments_along(
    client: httpx.AsyncClient, records: Records, two_tenants: None
) -> None:
    await client.put(f"/tenants/{TENANT}/assignments", json=given("Reader"))
    await client.delete(f"/tenants/{TENANT}")
    await client.post("/tenants", json={"tenantId": TENANT})
    assert (await client.get(f"/tenants/{TENANT}/assignments")).json() == {"value": []}


async def test_nobody_gives_away_more_than_they_hold(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, two_tenants: None
) -> None:
    await records.roles.replace(
        [{"name": "Onboarder", "description": "", "permissions": ["backups.read", "tenants.manage"]}], by="test"
    )
    anonymous.headers["Authorization"] = f"Bearer {mint(roles=['Onboarder'])}"
    for role_name, status in (("Administrator", 403), ("Onboarder", 200)):
        answer = await anonymous.put(f"/tenants/{TENANT}/assignments", json=given(role_name))
        assert answer.status_code == status, answer.text
    wider = await anonymous.put("/roles", json={"value": [role("backups.read", "audit.read", name="Onboarder")]})
    assert wider.status_code == 403
    assert [one["field"] for one in wider.json()["errors"]] == ["permissions"]


@pytest.mark.parametrize("wrong", [
    {"principalId": "me", "roles": ["Reader"]}, {"principalId": ME, "roles": []}, {"principalId": ME},
    {"principalId": ME, "roles": ["Unknown"]}, {"principalId": ME, "roles": ["Reader"], "principalType": "x"},
])  # fmt: skip
async def test_an_assignment_names_a_principal_and_roles_that_there_are(
    client: httpx.AsyncClient, two_tenants: None, wrong: dict[str, object]
) -> None:
    answer = await client.put(f"/tenants/{TENANT}/assignments", json={"value": [wrong]})
    assert answer.status_code == 422, answer.text
    twice = {"value": [*given("Reader")["value"], *given("Reader", principal=ME.upper())["value"]]}  # type: ignore[misc]
    assert (await client.put(f"/tenants/{TENANT}/assignments", json=twice)).status_code == 422


async def test_the_custom_roles_concern_all_tenants_and_are_changed_by_who_holds_them_all(
    anonymous: httpx.AsyncClient, mint: Mint
) -> None:
    for scope, status in (({}, 200), ({"tenants": [TENANT]}, 403)):
        anonymous.headers["Authorization"] = f"Bearer {mint(**scope)}"
        assert (await anonymous.put("/roles", json={"value": []})).status_code == status


async def test_a_custom_role_counts_in_a_token_too(anonymous: httpx.AsyncClient, mint: Mint, records: Records) -> None:
    await records.roles.replace([{"name": "Auditor", "description": "", "permissions": ["tasks.read"]}], by="test")
    anonymous.headers["Authorization"] = f"Bearer {mint(roles=['Auditor'])}"
    assert (await anonymous.get("/tasks")).status_code == 200
    assert (await anonymous.get("/events")).status_code == 403
    await records.roles.replace([], by="test")
    assert (await anonymous.get("/tasks")).status_code == 403


async def test_the_role_that_only_lets_in_allows_nothing_and_its_name_cannot_be_taken(
    client: httpx.AsyncClient, mint: Mint, tenant: str
) -> None:
    taken = {"value": [{"name": "assigned", "description": "", "permissions": ["tenants.manage"]}]}
    assert (await client.put("/roles", json=taken)).status_code == 422
    answer = await client.get("/tenants", headers={"Authorization": f"Bearer {mint(roles=['Assigned'])}"})
    assert answer.status_code == 403


async def test_a_safeguard_that_is_switched_off_is_told(client: httpx.AsyncClient, records: Records, tenant: str) -> None:
    path, account = f"/tenants/{TENANT}/settings", "33333333-3333-4333-8333-333333333333"
    safe = {"schedule": {"enabled": True}, "approvals": {"required": True}, "breakGlassIds": [account]}
    for body in (safe, {**safe, "retentionDays": 30}, {"breakGlassIds": [account]}, safe, {**safe, "watch": False}, {}):
        assert (await client.put(path, json=body)).status_code == 200
    told = [event["message"] async for _, event in records.events.stream([TENANT])]
    assert len(told) == 3
    named = [[what for what in ("schedule", "approval", "the watch", "break-glass") if what in one] for one in told]
    assert named == [["schedule", "approval", "break-glass"], ["the watch"], ["schedule", "approval"]]
    for vault in ("https://one.vault.azure.net", "https://One.vault.azure.net/", "https://two.vault.azure.net", None):
        assert (await client.put(path, json={"credentialsVault": vault})).status_code == 200
    led = [event["message"] async for _, event in records.events.stream([TENANT])]
    assert len(led) == 6
    assert all("generated passwords" in one for one in led[:3])
