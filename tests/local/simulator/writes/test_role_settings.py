"""PIM settings of groups: when they are there, whose they are, and what they refuse."""

import uuid
from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from tests.local.simulator.test_access import caller
from tests.local.simulator.writes.conftest import Graph

ASSIGNMENTS = "/policies/roleManagementPolicyAssignments"
EXPIRATION = "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule"
REQUESTS = "/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests"


async def settings(tenant: Graph, group: str) -> dict[str, dict[str, Any]]:
    query = f"?$filter=scopeId eq '{group}' and scopeType eq 'Group'&$expand=policy($expand=rules)"
    return {one["roleDefinitionId"]: one for one in (await tenant.get(ASSIGNMENTS + query))["value"]}


def eligible(group: str, user: str, kind: str = "noExpiration") -> dict[str, Any]:
    end = {"endDateTime": "2099-01-01T00:00:00Z"} if kind == "afterDateTime" else {}
    return {
        "action": "adminAssign", "accessId": "member", "groupId": group, "principalId": user, "justification": "j",
        "scheduleInfo": {"expiration": {"type": kind, **end}},
    }


def rule(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["policy"]["rules"] if one["id"] == name)


async def test_a_group_that_pim_does_not_know_shows_the_defaults_for_members_and_owners(tenant: Graph) -> None:
    found = await settings(tenant, await tenant.group())
    assert set(found) == {"member", "owner"}
    for one in found.values():
        assert rule(one, "Expiration_Admin_Eligibility")["isExpirationRequired"]
        assert len(one["policy"]["rules"]) == 17
        assert one["policy"]["lastModifiedDateTime"] is None


async def test_the_first_schedule_takes_a_group_on_and_its_settings_get_other_ids(tenant: Graph) -> None:
    group, user = await tenant.group(), await tenant.user()
    before = await settings(tenant, group)
    assert (await tenant.refused("POST", REQUESTS, eligible(group, user)))[1] == (
        "RoleAssignmentRequestPolicyValidationFailed"
    )
    days = eligible(group, user) | {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "P10D"}}}
    await tenant.make(REQUESTS, days)
    after = await settings(tenant, group)
    assert {one["policyId"] for one in before.values()}.isdisjoint(one["policyId"] for one in after.values())
    assert [one["policy"]["rules"] for one in before.values()] == [one["policy"]["rules"] for one in after.values()]
    old = f"/policies/roleManagementPolicies/{before['member']['policyId']}"
    assert (await tenant.send("GET", old))[0] == 404


async def test_the_first_change_of_a_rule_takes_a_group_on_too(tenant: Graph) -> None:
    group, user = await tenant.group(), await tenant.user()
    before = (await settings(tenant, group))["member"]
    path = f"/policies/roleManagementPolicies/{before['policyId']}/rules/Expiration_Admin_Eligibility"
    body = {"@odata.type": EXPIRATION, "isExpirationRequired": False}
    await tenant.change(path, body)
    after = (await settings(tenant, group))["member"]
    assert after["policyId"] != before["policyId"]
    assert not rule(after, "Expiration_Admin_Eligibility")["isExpirationRequired"]
    assert after["policy"]["lastModifiedDateTime"]
    assert (await tenant.send("PATCH", path, body))[0] == 404
    await tenant.make(REQUESTS, eligible(group, user))
    assert (await settings(tenant, group))["member"]["policyId"] == after["policyId"]


async def test_settings_of_a_group_wait_for_it_in_the_recycle_bin(tenant: Graph) -> None:
    group = await tenant.group()
    policy = (await settings(tenant, group))["member"]["policyId"]
    path = f"/policies/roleManagementPolicies/{policy}/rules/Expiration_Admin_Eligibility"
    await tenant.change(path, {"@odata.type": EXPIRATION, "maximumDuration": "P30D"})
    await tenant.send("DELETE", f"/groups/{group}")
    query = f"?$filter=scopeId eq '{group}' and scopeType eq 'Group'"
    assert (await tenant.send("GET", ASSIGNMENTS + query))[0] == 404
    await tenant.send("POST", f"/directory/deletedItems/{group}/restore")
    after = (await settings(tenant, group))["member"]
    assert rule(after, "Expiration_Admin_Eligibility")["maximumDuration"] == "P30D"


async def test_a_dynamic_group_has_no_settings_and_a_group_that_is_not_there_is_not_found(tenant: Graph) -> None:
    dynamic = await tenant.group(
        groupTypes=["DynamicMembership"], membershipRule='user.city -eq "Ulm"', membershipRuleProcessingState="On"
    )
    assert await settings(tenant, dynamic) == {}
    query = f"?$filter=scopeId eq '{uuid.uuid4()}' and scopeType eq 'Group'"
    assert (await tenant.send("GET", ASSIGNMENTS + query))[0] == 404


@pytest.mark.parametrize(
    ("role", "of_roles", "of_groups", "write"),
    [
        ("RoleManagementPolicy.Read.Directory", 200, 403, 403),
        ("RoleManagement.Read.Directory", 200, 403, 403),
        ("RoleManagementPolicy.Read.AzureADGroup", 403, 200, 403),
        ("RoleManagementPolicy.ReadWrite.Directory", 200, 403, 403),
        ("RoleManagementPolicy.ReadWrite.AzureADGroup", 403, 200, 200),
    ],
)
async def test_settings_of_groups_and_of_roles_need_permissions_of_their_own(
    tenant: Graph, role: str, of_roles: int, of_groups: int, write: int
) -> None:
    group = await tenant.group()
    policy = (await settings(tenant, group))["owner"]["policyId"]
    headers = await caller(tenant.simulator, role)
    async with httpx.AsyncClient(base_url=tenant.simulator.url, headers=headers) as client:
        scopes = {"scopeId eq '/' and scopeType eq 'DirectoryRole'": of_roles,
                  f"scopeId eq '{group}' and scopeType eq 'Group'": of_groups}
        for scope, status in scopes.items():
            answer = await client.get(f"/v1.0{ASSIGNMENTS}", params={"$filter": scope})
            assert answer.status_code == status, scope
        one = f"/v1.0/policies/roleManagementPolicies/{policy}"
        assert (await client.get(one)).status_code == of_groups
        assert (await client.get(f"{one}/rules")).status_code == of_groups
        body = {"@odata.type": EXPIRATION, "maximumDuration": "P30D"}
        answer = await client.patch(f"{one}/rules/Expiration_Admin_Eligibility", json=body)
        assert answer.status_code == write


async def test_credentials_of_a_managed_identity_are_read_and_not_written(
    tenant: Graph, simulator: Simulator
) -> None:
    store, identity = simulator.store, str(uuid.uuid4())
    store.create("servicePrincipal", {"id": identity, "appId": str(uuid.uuid4()), "displayName": "vm",
                                      "servicePrincipalType": "ManagedIdentity"})
    body = {"name": "aks", "issuer": "https://oidc.example/", "subject": "s", "audiences": ["api://x"]}
    store.create("federatedIdentityCredential", {"id": "f1", **body}, identity, "federatedIdentityCredentials")
    path = f"/servicePrincipals/{identity}/federatedIdentityCredentials"
    assert [one["name"] for one in (await tenant.get(path))["value"]] == ["aks"]
    assert (await tenant.refused("POST", path, {**body, "name": "other", "subject": "t"}))[0] == 403
    assert (await tenant.refused("PATCH", f"{path}/f1", {"subject": "t"}))[0] == 403
    assert (await tenant.refused("DELETE", f"{path}/f1"))[0] == 403
