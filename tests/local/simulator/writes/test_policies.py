"""Conditional Access, roles and schedules, tenant policies and settings."""

from typing import Any

import pytest

from tests.local.simulator.writes.conftest import (
    GLOBAL_ADMINISTRATOR,
    SETTING_TEMPLATE,
    STRENGTH,
    USER_ADMINISTRATOR,
    Graph,
)

CA = "/identity/conditionalAccess"
MISSING = "00000000-0000-0000-0000-00000000dead"


def policy(**conditions: Any) -> dict[str, Any]:
    return {
        "displayName": "p",
        "state": "disabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"]},
        }
        | conditions,
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    }


IP = {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "displayName": "office",
    "isTrusted": True,
    "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24"}],
}


async def test_a_policy_is_created_changed_deleted_and_brought_back_with_its_id(tenant: Graph) -> None:
    made = await tenant.make(f"{CA}/policies", policy())
    path = f"{CA}/policies/{made['id']}"
    await tenant.change(path, {"state": "enabledForReportingButNotEnforced"})
    await tenant.change(path, {"conditions": {"users": {"includeUsers": ["None"]}}})
    found = await tenant.get(path)
    assert found["conditions"]["users"]["includeUsers"] == ["None"]
    assert found["conditions"]["applications"]["includeApplications"] == ["All"]
    assert (await tenant.send("DELETE", path))[0] == 204
    assert (await tenant.send("GET", path))[0] == 404
    assert (await tenant.send("POST", f"{CA}/deletedItems/policies/{made['id']}/restore"))[0] == 200
    assert (await tenant.get(path))["state"] == "enabledForReportingButNotEnforced"


REFUSED_POLICIES: list[dict[str, Any]] = [
    policy(users={"includeUsers": [MISSING]}),
    policy(users={"includeUsers": ["All"], "excludeUsers": [MISSING]}),
    policy(users={"includeGroups": [MISSING]}),
    policy(users={"includeRoles": [MISSING]}),
    policy(users={}),
    policy(users={"includeUsers": ["All", "None"]}),
    policy(applications={"includeApplications": [MISSING]}),
    policy(applications={}),
    policy(applications={"includeAuthenticationContextClassReferences": ["c77"]}),
    policy(locations={"includeLocations": [MISSING]}),
    policy(clientApplications={"includeServicePrincipals": [MISSING]}),
    policy(platforms={"includePlatforms": ["unknownFutureValue"]}),
    policy(platforms={"includePlatforms": ["toaster"]}),
    policy(nosuch={}),
    policy(clientAppTypes=[]),
    policy() | {"state": "on"},
    policy() | {"createdDateTime": "2024-01-01T00:00:00Z"},
    policy() | {"grantControls": {"operator": "OR", "authenticationStrength": {"id": MISSING}}},
    policy() | {"grantControls": {"operator": "OR", "termsOfUse": [MISSING]}},
    policy() | {"grantControls": {"operator": "OR", "builtInControls": ["block", "mfa"]}},
    policy() | {"grantControls": {"operator": "OR"}},
    policy() | {"grantControls": None},
    {"displayName": "p", "state": "disabled"},
    policy()
    | {
        "grantControls": {
            "operator": "OR",
            "authenticationStrength@odata.context": "x",
            "authenticationStrength": {"id": STRENGTH},
        }
    },
]


@pytest.mark.parametrize("body", REFUSED_POLICIES, ids=range(len(REFUSED_POLICIES)))
async def test_a_policy_that_refers_to_nothing_or_fits_no_schema_is_refused(
    tenant: Graph, body: dict[str, Any]
) -> None:
    assert (await tenant.refused("POST", f"{CA}/policies", body))[:2] == (400, "BadRequest")


async def test_a_location_in_use_or_trusted_is_not_deleted(tenant: Graph) -> None:
    location = await tenant.make(f"{CA}/namedLocations", IP)
    path = f"{CA}/namedLocations/{location['id']}"
    held = await tenant.make(f"{CA}/policies", policy(locations={"includeLocations": [location["id"]]}))
    assert (await tenant.refused("DELETE", path))[0] == 400
    await tenant.change(path, {"@odata.type": IP["@odata.type"], "isTrusted": False})
    assert (await tenant.refused("DELETE", path))[0] == 400
    await tenant.send("DELETE", f"{CA}/policies/{held['id']}")
    assert (await tenant.send("DELETE", path))[0] == 204
    assert (await tenant.send("POST", f"{CA}/deletedItems/namedLocations/{location['id']}/restore"))[0] == 200


async def test_a_location_says_its_type(tenant: Graph) -> None:
    untagged = {name: value for name, value in IP.items() if name != "@odata.type"}
    assert (await tenant.refused("POST", f"{CA}/namedLocations", untagged))[0] == 400
    location = await tenant.make(f"{CA}/namedLocations", IP)
    assert (await tenant.refused("PATCH", f"{CA}/namedLocations/{location['id']}", {"displayName": "x"}))[0] == 400
    wrong = IP | {"ipRanges": [{"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "192.0.2.0/24"}]}
    assert (await tenant.refused("POST", f"{CA}/namedLocations", wrong))[0] == 400
    country = {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "displayName": "c",
        "countriesAndRegions": ["de"],
    }
    assert (await tenant.refused("POST", f"{CA}/namedLocations", country))[0] == 400


async def test_a_strength_changes_by_its_action_and_stays_while_used(tenant: Graph) -> None:
    made = await tenant.make(
        "/policies/authenticationStrengthPolicies", {"displayName": "s", "allowedCombinations": ["fido2"]}
    )
    path = f"/policies/authenticationStrengthPolicies/{made['id']}"
    assert (await tenant.refused("PATCH", path, {"allowedCombinations": ["password,sms"]}))[0] == 400
    status, said = await tenant.send(
        "POST", f"{path}/updateAllowedCombinations", {"allowedCombinations": ["fido2", "password,sms"]}
    )
    assert (status, said["previousCombinations"]) == (200, ["fido2"])
    assert (await tenant.refused("POST", f"{path}/updateAllowedCombinations", {"allowedCombinations": ["nose"]}))[
        0
    ] == 400
    grant = {"operator": "OR", "authenticationStrength": {"id": made["id"]}}
    await tenant.make(f"{CA}/policies", policy() | {"grantControls": grant})
    assert (await tenant.refused("DELETE", path))[0] == 400
    built_in = f"/policies/authenticationStrengthPolicies/{STRENGTH}"
    assert (await tenant.refused("PATCH", built_in, {"displayName": "x"}))[0] == 400
    assert (await tenant.refused("DELETE", built_in))[0] == 400


async def test_a_published_context_is_not_deleted(tenant: Graph) -> None:
    path = f"{CA}/authenticationContextClassReferences"
    await tenant.make(path, {"id": "c42", "displayName": "c", "isAvailable": True})
    assert (await tenant.refused("DELETE", f"{path}/c42"))[0] == 403
    await tenant.change(f"{path}/c42", {"isAvailable": False})
    assert (await tenant.send("DELETE", f"{path}/c42"))[0] == 204
    assert (await tenant.refused("POST", path, {"id": "c100", "displayName": "c"}))[0] == 400


async def test_a_role_assignment_shows_as_a_member_of_its_role(tenant: Graph) -> None:
    user, plain = await tenant.user(), await tenant.group()
    path = "/roleManagement/directory/roleAssignments"
    body = {"principalId": user, "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/"}
    made = await tenant.make(path, body)
    assert (await tenant.refused("POST", path, body))[0] == 400
    members = f"/directoryRoles(roleTemplateId='{USER_ADMINISTRATOR}')/members"
    assert user in [each["id"] for each in (await tenant.get(members))["value"]]
    assert (await tenant.send("DELETE", f"{path}/{made['id']}"))[0] == 204
    assert user not in [each["id"] for each in (await tenant.get(members))["value"]]
    assert (await tenant.send("POST", f"{members}/$ref", tenant.reference(user)))[0] == 204
    held = await tenant.get(f"{path}?$filter=principalId eq '{user}'")
    assert [each["roleDefinitionId"] for each in held["value"]] == [USER_ADMINISTRATOR]
    assert (await tenant.refused("POST", path, body | {"principalId": plain}))[0] == 400
    assert (await tenant.refused("POST", path, body | {"principalId": MISSING}))[0] == 404
    assert (await tenant.refused("POST", path, body | {"roleDefinitionId": MISSING}))[0] == 404
    assert (await tenant.refused("POST", path, body | {"directoryScopeId": f"/administrativeUnits/{MISSING}"}))[
        0
    ] == 400
    assert (await tenant.refused("PATCH", f"{path}/{held['value'][0]['id']}", {"directoryScopeId": "/"}))[0] == 405


async def test_a_scoped_role_member_is_a_role_assignment_over_the_unit(tenant: Graph) -> None:
    user = await tenant.user()
    template = "966707d0-3269-4727-9be2-8c3a10f19b9d"  # Password Administrator, which no one holds yet
    role = await tenant.make("/directoryRoles", {"roleTemplateId": template})
    assert (await tenant.refused("POST", "/directoryRoles", {"roleTemplateId": template}))[0] == 409
    unit = await tenant.make("/directory/administrativeUnits", {"displayName": "N"})
    path = f"/directory/administrativeUnits/{unit['id']}/scopedRoleMembers"
    made = await tenant.make(path, {"roleId": role["id"], "roleMemberInfo": {"id": user}})
    assert made["roleMemberInfo"]["id"] == user
    held = (await tenant.get(f"/roleManagement/directory/roleAssignments?$filter=principalId eq '{user}'"))["value"]
    assert [each["directoryScopeId"] for each in held] == [f"/administrativeUnits/{unit['id']}"]
    assert (await tenant.send("DELETE", f"{path}/{made['id']}"))[0] == 204
    assert not tenant.simulator.store.find("unifiedRoleAssignment", "principalId", user)


async def test_roles_of_a_deleted_user_come_back_with_the_user(tenant: Graph) -> None:
    user = await tenant.user()
    body = {"principalId": user, "roleDefinitionId": USER_ADMINISTRATOR, "directoryScopeId": "/"}
    made = await tenant.make("/roleManagement/directory/roleAssignments", body)
    await tenant.send("DELETE", f"/users/{user}")
    assert (await tenant.send("GET", f"/roleManagement/directory/roleAssignments/{made['id']}"))[0] == 404
    await tenant.send("POST", f"/directory/deletedItems/{user}/restore")
    assert (await tenant.get(f"/roleManagement/directory/roleAssignments/{made['id']}"))["principalId"] == user


async def test_a_custom_role_is_soft_deleted_and_built_in_roles_stay(tenant: Graph) -> None:
    path = "/roleManagement/directory/roleDefinitions"
    actions = [{"allowedResourceActions": ["microsoft.directory/applications/basic/update"]}]
    body = {"displayName": "Custom", "isEnabled": True, "rolePermissions": actions}
    made = await tenant.make(path, body)
    assert (await tenant.refused("POST", path, body))[0] == 409
    assert (await tenant.refused("POST", path, body | {"displayName": "y", "rolePermissions": []}))[0] == 400
    await tenant.change(f"{path}/{made['id']}", {"description": "x"})
    assert (await tenant.send("DELETE", f"{path}/{made['id']}"))[0] == 204
    restore = f"/beta{path.replace('/roleDefinitions', '/deletedItems/roleDefinitions')}/{made['id']}/restore"
    assert (await tenant.send("POST", restore))[0] == 200
    assert (await tenant.refused("PATCH", f"{path}/{USER_ADMINISTRATOR}", {"description": "x"}))[0] == 400
    assert (await tenant.refused("DELETE", f"{path}/{USER_ADMINISTRATOR}"))[0] == 400


@pytest.mark.parametrize("kind", ["Eligibility", "Assignment"])
async def test_schedule_requests_make_and_remove_schedules(tenant: Graph, kind: str) -> None:
    user = await tenant.user()
    base = f"/roleManagement/directory/role{kind}Schedule"
    body = {
        "action": "adminAssign",
        "principalId": user,
        "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": "/",
        "justification": "j",
        "scheduleInfo": {"startDateTime": "2020-01-01T00:00:00Z", "expiration": {"type": "noExpiration"}},
    }
    made = await tenant.make(f"{base}Requests", body)
    assert made["status"] == "Provisioned"
    found = await tenant.get(f"{base}s/{made['targetScheduleId']}")
    assert found["scheduleInfo"]["startDateTime"] > "2020"
    mine = f"?$filter=principalId eq '{user}'"
    assert len((await tenant.get(f"{base}Instances{mine}"))["value"]) == 1
    active = (await tenant.get(f"/roleManagement/directory/roleAssignments{mine}"))["value"]
    assert len(active) == (1 if kind == "Assignment" else 0)
    assert (await tenant.refused("POST", f"{base}Requests", body))[:2] == (400, "RoleAssignmentExists")
    assert (await tenant.refused("POST", f"{base}Requests", body | {"action": "selfActivate"}))[0] == 403
    await tenant.make(
        f"{base}Requests",
        {name: value for name, value in body.items() if name != "scheduleInfo"} | {"action": "adminRemove"},
    )
    assert (await tenant.get(f"{base}s{mine}"))["value"] == []
    gone = body | {"action": "adminRemove"}
    assert (await tenant.refused("POST", f"{base}Requests", gone))[:2] == (404, "RoleAssignmentDoesNotExist")


async def test_a_role_setting_refuses_what_its_rules_forbid(tenant: Graph) -> None:
    store, user = tenant.simulator.store, await tenant.user()
    for each in store.find("unifiedRoleManagementPolicyAssignment", "roleDefinitionId", USER_ADMINISTRATOR):
        store.delete(each.key, soft=False)
    store.create("unifiedRoleManagementPolicy", {"id": "p1", "scopeId": "/", "scopeType": "DirectoryRole"})
    store.create(
        "unifiedRoleManagementPolicyAssignment",
        {"id": "p1_x", "policyId": "p1", "roleDefinitionId": USER_ADMINISTRATOR, "scopeId": "/"},
    )
    rule = "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule"
    store.create(
        "unifiedRoleManagementPolicyRule",
        {
            "id": "Expiration_Admin_Eligibility",
            "@odata.type": rule,
            "isExpirationRequired": True,
            "maximumDuration": "P30D",
        },
        store.key("unifiedRoleManagementPolicy", "p1"),
        "rules",
    )
    base = "/roleManagement/directory/roleEligibilityScheduleRequests"
    body = {
        "action": "adminAssign",
        "principalId": user,
        "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": "/",
        "scheduleInfo": {"expiration": {"type": "noExpiration"}},
    }
    assert await tenant.refused("POST", base, body) == (
        400,
        "RoleAssignmentRequestPolicyValidationFailed",
        'The following policy rules failed: ["ExpirationRule"]',
    )
    path = "/policies/roleManagementPolicies/p1/rules/Expiration_Admin_Eligibility"
    assert (await tenant.refused("PATCH", path, {"isExpirationRequired": False}))[0] == 400
    await tenant.change(path, {"@odata.type": rule, "isExpirationRequired": False})
    await tenant.make(base, body)


async def test_tenant_policies_change_what_may_be_changed(tenant: Graph) -> None:
    path = "/policies/authorizationPolicy"
    await tenant.change(path, {"defaultUserRolePermissions": {"allowedToCreateSecurityGroups": False}})
    assert (await tenant.get(path))["defaultUserRolePermissions"]["allowedToCreateApps"] is not None
    assert (await tenant.refused("PATCH", path, {"allowInvitesFrom": "martians"}))[0] == 400
    unknown = {
        "defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": ["managePermissionGrantsForSelf.none"]}
    }
    assert (await tenant.refused("PATCH", path, unknown))[0] == 400
    assert (await tenant.refused("DELETE", path))[0] == 405
    await tenant.change("/policies/identitySecurityDefaultsEnforcementPolicy", {"isEnabled": False})
    await tenant.make(f"{CA}/policies", policy() | {"state": "enabled"})
    assert (await tenant.refused("PATCH", "/policies/identitySecurityDefaultsEnforcementPolicy", {"isEnabled": True}))[
        0
    ] == 400


async def test_a_partner_is_deleted_after_its_synchronization(tenant: Graph) -> None:
    base, other = "/policies/crossTenantAccessPolicy/partners", "3d0f5dec-5d3d-455c-8016-e2af1ae4d31a"
    await tenant.make(base, {"tenantId": other, "inboundTrust": {"isMfaAccepted": True}})
    assert (await tenant.refused("POST", base, {"tenantId": other}))[0] == 409
    sync = {"userSyncInbound": {"isSyncAllowed": True}}
    assert (await tenant.send("PUT", f"{base}/{other}/identitySynchronization", sync))[0] == 204
    assert (await tenant.refused("PUT", f"{base}/{other}/identitySynchronization", sync))[0] == 409
    assert (await tenant.refused("DELETE", f"{base}/{other}"))[0] == 400
    assert (await tenant.send("DELETE", f"{base}/{other}/identitySynchronization"))[0] == 204
    assert (await tenant.send("DELETE", f"{base}/{other}"))[0] == 204
    assert (await tenant.send("POST", f"/beta/policies/deletedItems/crossTenantPartners/{other}/restore"))[0] == 200


async def test_group_settings_carry_all_values_and_one_lifecycle_policy_exists(tenant: Graph) -> None:
    for each in list(tenant.simulator.store.all("groupSetting")):
        await tenant.send("DELETE", f"/groupSettings/{each.key}")
    template = await tenant.get(f"/groupSettingTemplates/{SETTING_TEMPLATE}")
    values = [{"name": each["name"], "value": each["defaultValue"]} for each in template["values"]]
    body = {"templateId": SETTING_TEMPLATE, "values": values}
    assert (await tenant.refused("POST", "/groupSettings", body | {"values": []}))[0] == 400
    strange = [*values, {"name": "nosuch", "value": "x"}]
    assert (await tenant.refused("POST", "/groupSettings", body | {"values": strange}))[0] == 400
    await tenant.make("/groupSettings", body)
    assert (await tenant.refused("POST", "/groupSettings", body))[0] == 409
    for each in list(tenant.simulator.store.all("groupLifecyclePolicy")):
        await tenant.send("DELETE", f"/groupLifecyclePolicies/{each.key}")
    lifecycle = {"groupLifetimeInDays": 180, "managedGroupTypes": "Selected", "alternateNotificationEmails": "a@b.c"}
    made = await tenant.make("/groupLifecyclePolicies", lifecycle)
    assert (await tenant.refused("POST", "/groupLifecyclePolicies", lifecycle))[0] == 400
    team = await tenant.group(mailEnabled=True, groupTypes=["Unified"])
    status, said = await tenant.send("POST", f"/groupLifecyclePolicies/{made['id']}/addGroup", {"groupId": team})
    assert (status, said["value"]) == (200, True)
    assert [each["id"] for each in (await tenant.get(f"/groups/{team}/groupLifecyclePolicies"))["value"]] == [
        made["id"]
    ]


async def test_what_needs_a_user_is_refused_to_an_application(tenant: Graph) -> None:
    agreement = {"displayName": "t", "isViewingBeforeAcceptanceRequired": True, "file": {"localizations": []}}
    assert (await tenant.refused("POST", "/identityGovernance/termsOfUse/agreements", agreement))[0] == 403
    assert (await tenant.refused("POST", "/devices", {"displayName": "d"}))[0] == 403


async def test_a_privileged_user_is_changed_only_by_an_equal(tenant: Graph) -> None:
    user, store = await tenant.user(), tenant.simulator.store
    body = {"principalId": user, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}
    await tenant.make("/roleManagement/directory/roleAssignments", body)
    await tenant.change(f"/users/{user}", {"accountEnabled": True, "jobTitle": "x"})
    me = store.find("servicePrincipal", "appId", tenant.simulator.client_id)[0].key
    role = store.find("directoryRole", "roleTemplateId", GLOBAL_ADMINISTRATOR)[0].key
    store.unlink(role, "members", me)
    for each in store.find("unifiedRoleAssignment", "principalId", me):
        store.delete(each.key, soft=False)
    assert (await tenant.refused("PATCH", f"/users/{user}", {"mobilePhone": "1"}))[:2] == (
        403,
        "Authorization_RequestDenied",
    )
    assert (await tenant.refused("DELETE", f"/users/{user}"))[0] == 403
    await tenant.change(f"/users/{user}", {"jobTitle": "y"})
