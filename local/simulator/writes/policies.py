"""Tenant policies and settings: what each refuses beyond its schema (the Update page of each policy).

- Method configurations and role rules are tagged with their type; their target groups must exist.
- Security defaults and enabled Conditional Access policies exclude each other: unconfirmed.
- A group setting carries all values of its template, by name; one tenant setting a template.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from local.simulator import role_settings
from local.simulator.errors import bad_request, not_found
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register
from local.simulator.writes.schedules import seconds_of
from local.simulator.writes.validation import GUID

STS = (
    "claimsMappingPolicy", "homeRealmDiscoveryPolicy", "tokenLifetimePolicy", "tokenIssuancePolicy",
    "activityBasedTimeoutPolicy",
)  # fmt: skip
GRANT_PREFIXES = ("managePermissionGrantsForSelf.", "managePermissionGrantsForOwnedResource.")
NAMED_TARGETS = frozenset(["all_users", "all_groups"])
MOST_LIFECYCLE_GROUPS = 500


# -- authorization, security defaults, methods ----------------------------------------------------------------------


def _change_authorization(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    permissions = body.get("defaultUserRolePermissions")
    if isinstance(permissions, dict):
        new["defaultUserRolePermissions"] = (old.get("defaultUserRolePermissions") or {}) | permissions
        for each in permissions.get("permissionGrantPoliciesAssigned") or ():
            prefix = next((one for one in GRANT_PREFIXES if each.startswith(one)), None)
            if prefix is None or write.held("permissionGrantPolicy", each.removeprefix(prefix)) is None:
                raise bad_request(f"'{each}' names no permission grant policy.")
    return new


def _change_defaults(write: Write, _record: Record, old: Body, new: Body, _body: Body) -> Body:
    if new.get("isEnabled") and not old.get("isEnabled"):
        policies = [each.read() for each in write.store.all("conditionalAccessPolicy")]
        if any(each.get("state") == "enabled" for each in policies):
            raise bad_request("Security defaults cannot be enabled while Conditional Access policies are.")
    return new


def _change_methods(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    if "registrationEnforcement" in body and body["registrationEnforcement"] is None:
        raise refusals.invalid_value("registrationEnforcement", "authenticationMethodsPolicy")
    if old.get("policyMigrationState") == "migrationComplete" and new.get("policyMigrationState") == "preMigration":
        raise bad_request("The migration of the authentication methods policy cannot be taken back.")
    return new | {"lastModifiedDateTime": write.now}


def _change_method(write: Write, record: Record, _old: Body, new: Body, _body: Body) -> Body:
    for name in ("includeTargets", "excludeTargets"):
        for each in new.get(name) or ():
            target = each.get("id")
            if not target:
                raise refusals.required(f"{name}.id", "authenticationMethodConfiguration")
            if target not in NAMED_TARGETS and write.find(target, "group", "user") is None:
                raise bad_request(f"'{name}' of method '{record.read()['id']}' names the unknown group '{target}'.")
    return new


def _change_rule(write: Write, record: Record, _old: Body, new: Body, body: Body) -> Body:
    if role_settings.scope_of(write.store, record)["scopeType"] == "Group":
        write.require("RoleManagementPolicy.ReadWrite.AzureADGroup")
    else:
        write.require("RoleManagementPolicy.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
    if body.get("maximumDuration"):
        seconds_of(body["maximumDuration"])
    return new


def _changed_rule(write: Write, record: Record, _old: Body) -> None:
    policy = role_settings.scope_of(write.store, record)
    write.store.update(
        write.store.key(role_settings.POLICY, policy["id"]), policy | {"lastModifiedDateTime": write.now}
    )


register("authorizationPolicy", Hooks(change=_change_authorization))
register("identitySecurityDefaultsEnforcementPolicy", Hooks(change=_change_defaults))
register("authenticationMethodsPolicy", Hooks(change=_change_methods))
register("authenticationMethodConfiguration", Hooks(change=_change_method))
register("unifiedRoleManagementPolicyRule", Hooks(change=_change_rule, changed=_changed_rule))


# -- cross-tenant access --------------------------------------------------------------------------------------------


def _prepare_partner(write: Write, made: Body, _body: Body, sent: Body) -> Body:
    tenant_id = str(made["tenantId"]).lower()
    if not GUID.match(tenant_id) or tenant_id == write.store.tenant_id:
        raise refusals.invalid_value("tenantId", "crossTenantAccessPolicyConfigurationPartner")
    if write.held("crossTenantAccessPolicyConfigurationPartner", tenant_id) is not None:
        raise refusals.conflict("Another partner configuration with this tenantId exists.")
    if sent.get("identitySynchronization"):
        raise refusals.read_only("identitySynchronization")
    _check_b2b(write, made)
    return {"isServiceProvider": None, "isInMultiTenantOrganization": False} | made | {
        "id": tenant_id, "tenantId": tenant_id, "deletedDateTime": None,
    }  # fmt: skip


def _change_cross_tenant(write: Write, _record: Record, _old: Body, new: Body, body: Body) -> Body:
    _check_b2b(write, body)
    if "isServiceDefault" in new:
        new["isServiceDefault"] = False
    return new


def _remove_partner(write: Write, record: Record) -> bool | None:
    if list(write.store.link_set("identitySynchronization").targets(record.key)):
        raise bad_request("The partner has an identity synchronization policy, which must be deleted first.")
    return None


def _check_b2b(write: Write, body: Body) -> None:
    for name in ("b2bCollaborationOutbound", "b2bDirectConnectOutbound"):
        users = ((body.get(name) or {}).get("usersAndGroups") or {}).get("targets") or ()
        for each in users:
            target = str(each.get("target"))
            if GUID.match(target) and write.find(target, "user", "group") is None:
                raise bad_request(f"'{name}' names the unknown user or group '{target}'.")


register(
    "crossTenantAccessPolicyConfigurationPartner",
    Hooks(prepare=_prepare_partner, change=_change_cross_tenant, remove=_remove_partner),
)
register("crossTenantAccessPolicyConfigurationDefault", Hooks(change=_change_cross_tenant))


# -- claims-mapping, home-realm, token and timeout policies ----------------------------------------------------------


def _prepare_sts(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    _check_sts(write, made, "")
    return {"isOrganizationDefault": False, "deletedDateTime": None} | made


def _change_sts(write: Write, record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_sts(write, new, record.key)
    return new


def _check_sts(write: Write, body: Body, besides: str) -> None:
    table = write.target.table
    definition = body.get("definition") or []
    if len(definition) != 1:
        raise refusals.invalid_value("definition", table)
    try:
        said: Any = orjson.loads(definition[0])
    except orjson.JSONDecodeError as error:
        raise refusals.invalid_value("definition", table) from error
    if not isinstance(said, dict):
        raise refusals.invalid_value("definition", table)
    if body.get("isOrganizationDefault"):
        rivals = [each for each in write.store.all(table) if each.key != besides]
        if any(each.read().get("isOrganizationDefault") for each in rivals):
            raise bad_request("There is an organization default policy of this type.")


def _remove_sts(write: Write, record: Record) -> bool | None:
    if any(list(links.sources(record.key)) for name, links in write.store.links.items() if name.endswith("Policies")):
        raise bad_request("The policy is assigned; remove its assignments before deleting it.")
    return None


for _type in STS:
    register(_type, Hooks(prepare=_prepare_sts, change=_change_sts, remove=_remove_sts))


# -- group settings and lifecycle ------------------------------------------------------------------------------------


def _prepare_setting(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    template = write.held("groupSettingTemplate", str(made["templateId"]))
    if template is None:
        raise not_found(str(made["templateId"]))
    said = template.read()
    per_group = write.target.parent is not None
    if per_group != (said.get("displayName") == "Group.Unified.Guest"):
        raise bad_request(f"The template '{said.get('displayName')}' cannot be used here.")
    held = (
        [write.store.records[key] for key in write.store.link_set("settings").targets(write.parent().key)]
        if per_group else list(write.store.all("groupSetting"))
    )  # fmt: skip
    if any(each.read().get("templateId") == made["templateId"] for each in held):
        raise refusals.conflict("A conflicting object with one or more of the specified property values is present "
                                "in the directory.", "Request_MultipleObjectsWithSameKeyValue")  # fmt: skip
    _check_values(said, made["values"])
    return made | {"displayName": said.get("displayName")}


def _change_setting(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    template = write.held("groupSettingTemplate", str(old["templateId"]))
    if template is not None and "values" in body:
        _check_values(template.read(), new["values"])
    return new


def _check_values(template: Body, values: list[Body]) -> None:
    known = {each["name"]: each for each in template.get("values") or ()}
    named = [each.get("name") for each in values]
    if len(set(named)) != len(named):
        raise refusals.duplicate_values()
    for each in values:
        found = known.get(str(each.get("name")))
        if found is None:
            raise bad_request(f"The setting '{each.get('name')}' is not part of the template.")
        kind, value = str(found.get("type")), each.get("value")
        if kind == "System.Boolean" and value is not None and str(value).lower() not in ("true", "false"):
            raise bad_request(f"The setting '{each['name']}' takes a Boolean.")
        if kind == "System.Int32" and value is not None and not re.fullmatch(r"-?\d+", str(value)):
            raise bad_request(f"The setting '{each['name']}' takes a number.")
    missing = set(known) - set(named)
    if missing:
        raise bad_request(f"The setting '{min(missing)}' of the template is missing.")


def _prepare_lifecycle(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if write.first("groupLifecyclePolicy") is not None:
        raise bad_request("A tenant can have one group lifecycle policy only.")
    _check_lifecycle(made)
    return {"alternateNotificationEmails": ""} | made


def _change_lifecycle(_write: Write, _record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_lifecycle(new)
    return new


def _check_lifecycle(body: Body) -> None:
    if not isinstance(body["groupLifetimeInDays"], int) or body["groupLifetimeInDays"] < 30:
        raise refusals.invalid_value("groupLifetimeInDays", "groupLifecyclePolicy")


register("groupSetting", Hooks(prepare=_prepare_setting, change=_change_setting))
register("groupLifecyclePolicy", Hooks(prepare=_prepare_lifecycle, change=_change_lifecycle))


# -- permission grant policies ---------------------------------------------------------------------------------------


def _prepare_grant_policy(_write: Write, made: Body, _body: Body, sent: Body) -> Body:
    if str(made["id"]).lower().startswith("microsoft-"):
        raise bad_request("The prefix 'microsoft-' is for policies of Microsoft.")
    if sent.get("includes") or sent.get("excludes"):
        raise bad_request("Condition sets are created in the collections 'includes' and 'excludes'.")
    return made


def _built_in(_write: Write, record: Record, _old: Body, new: Body, _body: Body) -> Body:
    if str(record.read()["id"]).startswith("microsoft-"):
        raise bad_request("A built-in permission grant policy cannot be changed.")
    return new


def _remove_grant_policy(write: Write, record: Record) -> bool | None:
    policy_id = str(record.read()["id"])
    if policy_id.startswith("microsoft-"):
        raise bad_request("A built-in permission grant policy cannot be deleted.")
    for each in write.store.all("authorizationPolicy"):
        permissions = each.read().get("defaultUserRolePermissions") or {}
        if any(one.endswith(f".{policy_id}") for one in permissions.get("permissionGrantPoliciesAssigned") or ()):
            raise bad_request("The permission grant policy is assigned in the authorization policy.")
    return None


def _prepare_condition(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if str(write.parent().read()["id"]).startswith("microsoft-"):
        raise bad_request("A built-in permission grant policy cannot be changed.")
    return {"permissionType": "delegated", "permissions": ["all"], "clientApplicationIds": ["all"],
            "resourceApplication": "any", "permissionClassification": "all"} | made  # fmt: skip


register("permissionGrantPolicy", Hooks(prepare=_prepare_grant_policy, change=_built_in, remove=_remove_grant_policy))
register("permissionGrantConditionSet", Hooks(prepare=_prepare_condition))


# -- consent requests, synchronization of partners, people -------------------------------------------------------------


def _change_consent_requests(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    for name in ("isEnabled", "notifyReviewers", "remindersEnabled", "requestDurationInDays", "reviewers"):
        if name not in body:
            raise refusals.required(name, "adminConsentRequestPolicy")  # PUT takes the whole policy
    for each in new.get("reviewers") or ():
        found = GUID.search(str(each.get("query") or "").strip("/").rpartition("/")[2].partition("/")[0])
        if found and write.find(found.group(0), "user", "group") is None:
            raise not_found(found.group(0))
    return new | {"version": int(old.get("version") or 0) + 1}


register("adminConsentRequestPolicy", Hooks(change=_change_consent_requests))


def put_synchronization(write: Write, partner: Record, body: Body) -> None:
    """PUT `partners/{id}/identitySynchronization`: create it, or refuse when it is there."""
    store = write.store
    if list(store.link_set("identitySynchronization").targets(partner.key)):
        raise refusals.conflict("The identity synchronization policy of the partner exists.")
    tenant_id = partner.read()["tenantId"]
    for name in body:
        if name not in (
            "displayName",
            "userSyncInbound",
            "groupSyncInbound",
            "externalCloudAuthorizedApplicationId",
        ) and ("@" not in name):
            raise refusals.unknown_property(name)
    store.create(
        "crossTenantIdentitySyncPolicyPartner",
        {"id": tenant_id, "tenantId": tenant_id, "displayName": None, "userSyncInbound": None}
        | {name: value for name, value in body.items() if "@" not in name},
        partner.key, "identitySynchronization",
    )  # fmt: skip
