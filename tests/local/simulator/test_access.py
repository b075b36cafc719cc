"""Access: a missing token is 401, a missing consent 403, and links empty what the caller may not read."""

import base64
import json
from typing import Any

import httpx
import jwt
import pytest

from local.simulator import Simulator
from local.simulator.access.tokens import GRAPH_APP_ID, key_id, signing_key


async def caller(simulator: Simulator, *roles: str) -> dict[str, str]:
    """Headers of an application that holds just these roles."""
    store = simulator.store
    number = len(store.table("application").keys)
    app_id, key = f"99999999-0000-4000-8000-{number:012d}", f"88888888-0000-4000-8000-{number:012d}"
    store.create("application", {"id": f"77777777-0000-4000-8000-{number:012d}", "appId": app_id})
    store.create("servicePrincipal", {"id": key, "appId": app_id, "displayName": "Least", "accountEnabled": True})
    graph = store.find("servicePrincipal", "appId", GRAPH_APP_ID)[0]
    ids = {role["value"]: role["id"] for role in graph.read()["appRoles"]}
    for at, role in enumerate(roles):
        store.create(
            "appRoleAssignment",
            {"id": f"{key}-{at}", "principalId": key, "resourceId": graph.key, "appRoleId": ids[role]},
        )
    token = simulator.app.issuer.app_token(store.records[key], "https://graph.microsoft.com")
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("header", [None, "Basic abc", "Bearer", "Bearer nonsense", "Bearer a.b.c"])
async def test_without_a_good_token_everything_is_401(simulator: Simulator, header: str | None) -> None:
    async with httpx.AsyncClient(base_url=simulator.url) as client:
        answer = await client.get("/v1.0/users", headers={"authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_signed_by_another_or_expired_is_401(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    claims = jwt.decode(graph.headers["authorization"][7:], options={"verify_signature": False})
    forged = jwt.encode(claims, "another-key-of-sufficient-length-here", algorithm="HS256", headers={"kid": key_id()})
    assert (await graph.get("/v1.0/users", headers={"authorization": f"Bearer {forged}"})).status_code == 401
    assert (await graph.get("/v1.0/users")).status_code == 200
    await graph.post("/simulator/clock", json={"advanceSeconds": 3601})
    assert (await graph.get("/v1.0/users")).status_code == 401


async def test_tokens_carry_the_roles_that_were_granted(simulator: Simulator) -> None:
    headers = await caller(simulator, "User.Read.All", "Policy.Read.All")
    claims = jwt.decode(
        headers["authorization"][7:], signing_key().public_key(), algorithms=["RS256"],
        audience="https://graph.microsoft.com",
    )  # fmt: skip
    assert claims["roles"] == ["Policy.Read.All", "User.Read.All"]
    assert claims["idtyp"] == "app"


@pytest.mark.parametrize(
    ("roles", "path", "status"),
    [
        ((), "/v1.0/users", 403),
        (("User.Read.All",), "/v1.0/users", 200),
        (("User.Read.All",), "/v1.0/users/delta", 200),
        (("User.Read.All",), "/v1.0/groups", 403),
        (("Group.Read.All",), "/v1.0/groups", 200),
        (("Group.Read.All",), "/v1.0/groups/delta?$select=members", 200),
        (("Directory.Read.All",), "/v1.0/groups", 200),
        (("Directory.Read.All",), "/v1.0/oauth2PermissionGrants", 200),
        (("Application.Read.All",), "/v1.0/oauth2PermissionGrants", 403),
        (("Directory.Read.All",), "/v1.0/identity/conditionalAccess/policies", 403),
        (("Policy.Read.All",), "/v1.0/identity/conditionalAccess/policies", 200),
        (("Directory.Read.All",), "/v1.0/directory/attributeSets", 403),
        (("CustomSecAttributeDefinition.Read.All",), "/v1.0/directory/attributeSets", 200),
        (("User.Read.All",), "/v1.0/users?$select=customSecurityAttributes", 403),
        (
            ("User.Read.All", "CustomSecAttributeAssignment.Read.All"),
            "/v1.0/users?$select=customSecurityAttributes",
            200,
        ),
        (("User.Read.All",), "/v1.0/users?$select=signInActivity", 403),
        (("Agreement.Read.All",), "/v1.0/identityGovernance/termsOfUse/agreements", 403),
        (("Application.Read.All",), "/v1.0/servicePrincipals", 200),
        (("RoleManagement.Read.Directory",), "/v1.0/roleManagement/directory/roleAssignments", 200),
        (("User.Read.All",), "/v1.0/directory/deletedItems/microsoft.graph.user", 200),
        (("User.Read.All",), "/v1.0/directory/deletedItems/microsoft.graph.group", 403),
        (("EntraBackup.Read.All",), "/v1.0/directory/recovery/snapshots", 200),
    ],
)
async def test_a_missing_consent_is_403(
    simulator: Simulator, graph: httpx.AsyncClient, roles: tuple[str, ...], path: str, status: int
) -> None:
    answer = await graph.get(path, headers=await caller(simulator, *roles))
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["error"]["code"] == "Authorization_RequestDenied"


async def test_reading_roles_do_not_write(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    headers = await caller(simulator, "User.Read.All", "Group.Read.All", "Directory.Read.All")
    user = next(simulator.store.all("user"))
    before = user.body
    for method, path in (("PATCH", f"/v1.0/users/{user.key}"), ("DELETE", f"/v1.0/users/{user.key}")):
        answer = await graph.request(method, path, headers=headers, json={"displayName": "X"})
        assert answer.status_code == 403
    assert simulator.store.records[user.key].body == before


async def test_a_link_to_what_may_not_be_read_shows_type_and_id_alone(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    group = next(r for r in simulator.store.all("group") if list(simulator.store.link_set("members").targets(r.key)))
    headers = await caller(simulator, "GroupMember.Read.All")
    members = (await graph.get(f"/v1.0/groups/{group.key}/members", headers=headers)).json()["value"]
    assert members
    for member in members:
        assert {name for name, value in member.items() if value is not None} == {"@odata.type", "id"}


async def test_hidden_members_need_their_own_permission(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    store = simulator.store
    group = next(r for r in store.all("group") if list(store.link_set("members").targets(r.key)))
    store.update(group.key, group.read() | {"visibility": "HiddenMembership"})
    plain = await caller(simulator, "Group.Read.All", "User.Read.All")
    assert (await graph.get(f"/v1.0/groups/{group.key}/members", headers=plain)).status_code == 403
    full = await caller(simulator, "Group.Read.All", "User.Read.All", "Member.Read.Hidden")
    assert (await graph.get(f"/v1.0/groups/{group.key}/members", headers=full)).status_code == 200


async def test_a_federated_assertion_proves_a_client_only_when_a_credential_matches(simulator: Simulator) -> None:
    store = simulator.store
    application = store.find("application", "appId", simulator.client_id)[0]
    store.create(
        "federatedIdentityCredential",
        {"id": "12121212-0000-4000-8000-000000000000", "name": "mi", "issuer": "https://idp.example", "subject": "s1",
         "audiences": ["api://AzureADTokenExchange"]},
        application.key, "federatedIdentityCredentials",
    )  # fmt: skip

    def assertion(subject: str, lives_seconds: float) -> str:
        claims: dict[str, Any] = {"iss": "https://idp.example", "sub": subject, "aud": "api://AzureADTokenExchange",
                                  "exp": store.clock.now() + lives_seconds}  # fmt: skip
        return jwt.encode(claims, "a-key-that-nobody-checks-in-a-rehearsal", algorithm="HS256")

    async with httpx.AsyncClient(base_url=simulator.url) as client:
        for subject, lives_seconds, status in (("s1", 60, 200), ("s2", 60, 401), ("s1", -600, 401)):
            answer = await client.post(
                f"/{simulator.tenant_id}/oauth2/v2.0/token",
                data={"grant_type": "client_credentials", "client_id": simulator.client_id,
                      "scope": "https://graph.microsoft.com/.default",
                      "client_assertion": assertion(subject, lives_seconds),
                      "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
            )  # fmt: skip
            assert answer.status_code == status


async def test_discovery_leads_from_the_authority_to_the_signing_key(simulator: Simulator) -> None:
    async with httpx.AsyncClient(base_url=simulator.url) as client:
        found = (await client.get(f"/{simulator.tenant_id}/v2.0/.well-known/openid-configuration")).json()
        assert found["token_endpoint"] == f"{simulator.url}/{simulator.tenant_id}/oauth2/v2.0/token"
        keys = (await client.get(found["jwks_uri"])).json()["keys"]
    assert [key["kid"] for key in keys] == [key_id()]
    modulus = keys[0]["n"] + "=" * (-len(keys[0]["n"]) % 4)
    assert int.from_bytes(base64.urlsafe_b64decode(modulus)) == signing_key().public_key().public_numbers().n
    json.dumps(found)


async def test_a_user_token_says_when_the_user_signed_in(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user")).read()
    body = {"userPrincipalName": user["userPrincipalName"], "authTime": 1_700_000_000}
    token = (await graph.post("/simulator/token", json=body)).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["auth_time"], claims["idtyp"], claims["oid"]) == (1_700_000_000, "user", user["id"])
