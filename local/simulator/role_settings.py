"""PIM settings (role management policies): one for each directory role, one for a group's members, one for its owners.

- A group's are made when they are first asked for, as Microsoft's defaults. The first schedule or change of a rule
  takes the group on, and then their ids are others; dynamic and synced groups have none (Govern membership and
  ownership of groups by using PIM for Groups).
- Settings of groups and of roles each need permissions of their own (List roleManagementPolicyAssignments).
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from local.simulator.access.tokens import Caller
from local.simulator.errors import denied, not_found
from local.simulator.http_types import Request
from local.simulator.routing import Target
from local.simulator.store import Body, Record, Store

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

POLICY, ASSIGNMENT, RULE = (
    "unifiedRoleManagementPolicy", "unifiedRoleManagementPolicyAssignment", "unifiedRoleManagementPolicyRule",
)  # fmt: skip
ACCESS = ("member", "owner")
LEVELS = (("Eligibility", "Admin"), ("Assignment", "Admin"), ("Assignment", "EndUser"))
SETTLED = ("Requestor", "Admin", "Approver")
OF_GROUPS = frozenset(["RoleManagementPolicy.Read.AzureADGroup", "RoleManagementPolicy.ReadWrite.AzureADGroup"])
_ASKED = re.compile(r"(scopeId|scopeType)\s+eq\s+'([^']*)'")


def make(
    store: Store, policy_id: str, scope: tuple[str, str], definition: str, rules: list[Body], changed: str
) -> None:
    """Store a policy for a (type, id of a) scope, its rules and its assignment to a role or kind of access."""
    scope_type, scope_id = scope
    policy = store.create(
        POLICY,
        {"id": policy_id, "displayName": scope_type, "description": scope_type, "isOrganizationDefault": False,
         "scopeId": scope_id, "scopeType": scope_type, "lastModifiedDateTime": changed or None,
         "lastModifiedBy": {"id": None, "displayName": None}},
    )  # fmt: skip
    store.create(
        ASSIGNMENT,
        {"id": f"{policy_id}_{definition}", "policyId": policy_id, "roleDefinitionId": definition,
         "scopeId": scope_id, "scopeType": scope_type},
    )  # fmt: skip
    for rule in rules:
        store.create(RULE, rule, policy.key, "rules")


def rules_of(approvers: list[Body], told: list[str], *, critical: bool, permanent: bool = True) -> list[Body]:
    """The rules of a policy; Microsoft's defaults are neither critical nor, for groups, do they allow permanence."""
    stage: Body = {"approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": True,
                   "escalationTimeInMinutes": 0,
                   "isEscalationEnabled": False, "primaryApprovers": approvers, "escalationApprovers": []}  # fmt: skip
    rules: list[tuple[str, str, str, str, Body]] = [
        ("Expiration_Admin_Eligibility", "Expiration", "Eligibility", "Admin",
         {"isExpirationRequired": not permanent, "maximumDuration": "P365D"}),
        ("Expiration_Admin_Assignment", "Expiration", "Assignment", "Admin",
         {"isExpirationRequired": not permanent, "maximumDuration": "P180D"}),
        ("Expiration_EndUser_Assignment", "Expiration", "Assignment", "EndUser",
         {"isExpirationRequired": True, "maximumDuration": "PT4H" if critical else "PT8H"}),
        ("Enablement_Admin_Eligibility", "Enablement", "Eligibility", "Admin", {"enabledRules": []}),
        ("Enablement_Admin_Assignment", "Enablement", "Assignment", "Admin", {"enabledRules": ["Justification"]}),
        ("Enablement_EndUser_Assignment", "Enablement", "Assignment", "EndUser",
         {"enabledRules": ["Justification"] if critical else ["MultiFactorAuthentication", "Justification"]}),
        ("Approval_EndUser_Assignment", "Approval", "Assignment", "EndUser",
         {"setting": {"isApprovalRequired": bool(approvers), "isApprovalRequiredForExtension": False,
                      "isRequestorJustificationRequired": True, "approvalMode": "SingleStage",
                      "approvalStages": [stage]}}),
        ("AuthenticationContext_EndUser_Assignment", "AuthenticationContext", "Assignment", "EndUser",
         {"isEnabled": critical, "claimValue": "c1" if critical else ""}),
    ]  # fmt: skip
    for level, caller in LEVELS:
        rules += [
            (f"Notification_{recipient}_{caller}_{level}", "Notification", level, caller,
             {"notificationType": "Email", "recipientType": recipient, "notificationLevel": "All",
              "isDefaultRecipientsEnabled": True,
              "notificationRecipients": told if recipient == "Admin" else []})
            for recipient in SETTLED
        ]  # fmt: skip
    return [
        {"@odata.type": f"#microsoft.graph.{POLICY}{kind}Rule", "id": rule_id,
         "target": {"caller": caller, "operations": ["all"], "level": level, "inheritableSettings": [],
                    "enforcedSettings": []}, **body}
        for rule_id, kind, level, caller, body in rules
    ]  # fmt: skip


def settle(tenant: Tenant) -> None:
    """Take on the groups whose settings were changed before PIM knew them."""
    store = tenant.store
    for policy in store.find(POLICY, "scopeType", "Group"):
        body = policy.read()
        if body.get("lastModifiedDateTime") and _waits(store, body):
            take_on(store, body["scopeId"])


def take_on(store: Store, group_id: str) -> None:
    """Bring a group under PIM: its settings keep their rules and get new ids. Harmless to repeat."""
    defaults(store, group_id)
    for assignment in list(store.find(ASSIGNMENT, "scopeId", group_id)):
        policy = store.records[store.key(POLICY, assignment.read()["policyId"])]
        old = policy.read()
        if not _waits(store, old):
            continue
        rules = [store.records[key] for key in store.link_set("rules").targets(policy.key)]
        bodies = [each.read() for each in rules]
        for each in (*rules, assignment, policy):
            store.delete(each.key, soft=False)
        make(store, _id(store, uuid.uuid4()), ("Group", group_id), assignment.read()["roleDefinitionId"], bodies,
             old.get("lastModifiedDateTime") or "")  # fmt: skip


def check(tenant: Tenant, request: Request, target: Target, caller: Caller) -> None:
    """Refuse who may not see the settings of this scope, and make those of a group that is asked about first."""
    if target.table not in (POLICY, ASSIGNMENT, RULE):
        return
    scope_type, scope_id = _scope(request, target)
    granted = caller.scopes if caller.kind == "user" else caller.roles
    of_roles = {each for each in granted if each.startswith("RoleManagement")} - OF_GROUPS
    if scope_type and not (granted & OF_GROUPS if scope_type == "Group" else of_roles):
        raise denied()
    if target.shape == "set" and scope_type == "Group":
        group = tenant.store.get(scope_id.lower())
        if group is None or group.table != "group" or tenant.hidden(group):
            raise not_found(scope_id)
        defaults(tenant.store, group.key)


def scope_of(store: Store, rule: Record) -> Body:
    """The policy that a rule is part of."""
    policy = next(iter(store.link_set("rules").sources(rule.key)))
    return store.records[policy].read()


def _scope(request: Request, target: Target) -> tuple[str, str]:
    """(type, id) of the scope that the request is about; empty where it names none."""
    for record in (target.record, target.parent):
        if record is not None and record.table in (POLICY, ASSIGNMENT):
            body = record.read()
            return body["scopeType"], body["scopeId"]
    said = dict(_ASKED.findall(request.query.get("$filter", "")))
    return said.get("scopeType", ""), said.get("scopeId", "")


def defaults(store: Store, group_id: str) -> None:
    """Make the settings of a group that PIM may take on and that has none yet. Harmless to repeat."""
    group = store.get(group_id)
    if group is None:
        return
    body = group.read()
    if "DynamicMembership" in (body.get("groupTypes") or ()) or body.get("onPremisesSyncEnabled"):
        return
    if any(True for _ in store.find(ASSIGNMENT, "scopeId", group_id)):
        return
    for access in ACCESS:
        rules = rules_of([], [], critical=False, permanent=False)
        make(store, _id(store, _waiting(group_id, access)), ("Group", group_id), access, rules, "")


def _waits(store: Store, policy: Body) -> bool:
    """Whether the settings are those of a group that PIM has not taken on."""
    return policy["scopeType"] == "Group" and policy["id"] in {
        _id(store, _waiting(policy["scopeId"], access)) for access in ACCESS
    }


def _waiting(group_id: str, access: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"cairn-simulator/not under PIM/{group_id}/{access}")


def _id(store: Store, unique: uuid.UUID) -> str:
    return f"Group_{store.tenant_id}_{unique}"
