"""Privileged Identity Management: schedule requests of administrators, the schedules and instances they make, and the
rules of role settings that they must keep (Create unifiedRoleEligibilityScheduleRequest and its three siblings).

A start in the past is taken as now. Only `adminAssign`, `adminUpdate`, `adminExtend`, `adminRenew` and `adminRemove`
are for applications; the self-service actions need a user.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.simulator import role_settings
from local.simulator.access.tokens import Caller
from local.simulator.errors import GraphError, bad_request, not_found
from local.simulator.http_types import Request
from local.simulator.routing import Target
from local.simulator.store import Body, Record
from local.simulator.writes import directory_roles, refusals
from local.simulator.writes.change import Write, new_id
from local.simulator.writes.hooks import Hooks, register
from local.simulator.writes.validation import DURATION

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

ASSIGNING = ("adminAssign", "adminUpdate", "adminExtend", "adminRenew")


@dataclass(frozen=True, slots=True)
class Family:
    """The tables and level of one kind of request."""

    request: str
    schedule: str
    instance: str
    level: str
    permission: str


FAMILIES = tuple(
    Family(f"{base}{kind}ScheduleRequest", f"{base}{kind}Schedule", f"{base}{kind}ScheduleInstance", kind, permission)
    for base, kind, permission in (
        ("unifiedRole", "Eligibility", "RoleEligibilitySchedule.ReadWrite.Directory"),
        ("unifiedRole", "Assignment", "RoleAssignmentSchedule.ReadWrite.Directory"),
        ("privilegedAccessGroup", "Eligibility", "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"),
        ("privilegedAccessGroup", "Assignment", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"),
    )
)


def seconds_of(duration: str) -> float:
    """An ISO 8601 duration in seconds; years and months as 365 and 30 days."""
    found = DURATION.match(duration)
    if found is None:
        raise refusals.invalid_value("duration", "expirationPattern")
    years, months, weeks, days, _, hours, minutes, seconds, _ = found.groups()
    units = (
        (years, 365 * 86400),
        (months, 30 * 86400),
        (weeks, 7 * 86400),
        (days, 86400),
        (hours, 3600),
        (minutes, 60),
    )
    return sum(int(text[:-1]) * unit for text, unit in units if text) + (float(seconds[:-1]) if seconds else 0.0)


def _prepare(family: Family, write: Write, made: Body) -> Body:
    write.require(family.permission, "RoleManagement.ReadWrite.Directory")
    action = made["action"]
    if action not in (*ASSIGNING, "adminRemove"):
        raise GraphError(403, "Authorization_RequestDenied", f"The action '{action}' is for the signed-in principal.")
    made = _principal(family, write, made)
    existing = _find(family, write, made)
    if action == "adminAssign" and existing is not None:
        raise bad_request("The Role assignment already exists.", "RoleAssignmentExists")
    if action != "adminAssign" and existing is None:
        raise GraphError(404, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
    if action in ASSIGNING:
        made["scheduleInfo"] = _schedule_info(write, made.get("scheduleInfo"))
        _check_rules(family, write, made)
    elif family.schedule == "unifiedRoleAssignmentSchedule":
        directory_roles.check_leaving(write, made["roleDefinitionId"], made["principalId"])
    stamp = write.now
    return made | {
        "status": "Revoked" if action == "adminRemove" else "Provisioned", "createdDateTime": stamp,
        "completedDateTime": stamp, "approvalId": None, "isValidationOnly": bool(made.get("isValidationOnly")),
        "targetScheduleId": existing.read()["id"] if existing else new_id(),
        "createdBy": {"user": {"id": write.caller.object_id, "displayName": None}},
    }  # fmt: skip


def _principal(family: Family, write: Write, made: Body) -> Body:
    principal = write.find(made["principalId"], "user", "group", "servicePrincipal")
    if principal is None:
        raise not_found(made["principalId"])
    if family.level == "Eligibility" and principal.table == "servicePrincipal":
        raise bad_request("A service principal cannot be eligible for a role.", "InvalidPrincipalType")
    made = made | {"principalId": principal.key}
    if "groupId" in made:
        group = write.find(made["groupId"], "group")
        if group is None:
            raise not_found(made["groupId"])
        body = group.read()
        if "DynamicMembership" in (body.get("groupTypes") or ()) or body.get("onPremisesSyncEnabled"):
            raise bad_request("The group cannot be managed by Privileged Identity Management.", "InvalidGroup")
        role_settings.defaults(write.store, group.key)
        return made | {"groupId": group.key}
    definition = write.held("unifiedRoleDefinition", made["roleDefinitionId"])
    if definition is None:
        raise GraphError(404, "RoleDefinitionNotFound", "The role is not found.")
    directory_roles.check_principal(write, principal.key)
    directory_roles.check_scope(write, made["directoryScopeId"])
    return made


def _find(family: Family, write: Write, made: Body) -> Record | None:
    for each in write.store.find(family.schedule, "principalId", made["principalId"]):
        body = each.read()
        if all(body.get(name) == made.get(name) for name in _identity(made)):
            return each
    return None


def _identity(made: Body) -> tuple[str, ...]:
    return ("groupId", "accessId") if "groupId" in made else ("roleDefinitionId", "directoryScopeId")


def _schedule_info(write: Write, said: Any) -> Body:
    if not isinstance(said, dict) or not isinstance(said.get("expiration"), dict):
        raise bad_request("scheduleInfo with an expiration is required.", "InvalidScheduleInfo")
    expiration = dict(said["expiration"])
    kind = expiration.get("type")
    now = write.tenant.clock.now()
    start = max(_seconds(said["startDateTime"]), now) if said.get("startDateTime") else now
    if kind == "afterDateTime":
        if not expiration.get("endDateTime") or _seconds(expiration["endDateTime"]) <= start:
            raise bad_request("The end of the schedule must come after its start.", "InvalidScheduleInfo")
    elif kind == "afterDuration":
        if not expiration.get("duration") or seconds_of(expiration["duration"]) <= 0:
            raise bad_request("The expiration needs a duration.", "InvalidScheduleInfo")
        end = datetime.fromtimestamp(start, UTC) + timedelta(seconds=seconds_of(expiration["duration"]))
        expiration = {"type": "afterDateTime", "endDateTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "duration": None}
    elif kind != "noExpiration":
        raise bad_request("The expiration needs a type.", "InvalidScheduleInfo")
    begins = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "startDateTime": begins, "recurrence": None,
        "expiration": {"type": kind, "endDateTime": None, "duration": None} | expiration,
    }  # fmt: skip


def _check_rules(family: Family, write: Write, made: Body) -> None:
    """The rules for administrators in the role's settings: permanence, longest duration, justification."""
    failed = []
    for rule in _rules(write, made):
        if rule.get("id") == f"Expiration_Admin_{family.level}":
            expiration, longest = made["scheduleInfo"]["expiration"], rule.get("maximumDuration")
            if expiration["type"] == "noExpiration":
                if rule.get("isExpirationRequired"):
                    failed.append("ExpirationRule")
            elif rule.get("isExpirationRequired") and longest:
                length = _seconds(expiration["endDateTime"]) - _seconds(made["scheduleInfo"]["startDateTime"])
                if length > seconds_of(longest):
                    failed.append("ExpirationRule")
        enablement = rule.get("id") == f"Enablement_Admin_{family.level}"
        if enablement and not made.get("justification") and "Justification" in (rule.get("enabledRules") or ()):
            failed.append("JustificationRule")
    if failed:
        names = ",".join(f'"{each}"' for each in failed)
        raise bad_request(
            f"The following policy rules failed: [{names}]", "RoleAssignmentRequestPolicyValidationFailed"
        )


def _rules(write: Write, made: Body) -> list[Body]:
    wanted = made.get("roleDefinitionId") or made.get("accessId")
    for each in write.store.find("unifiedRoleManagementPolicyAssignment", "roleDefinitionId", str(wanted)):
        body = each.read()
        if "groupId" in made and body.get("scopeId") != made["groupId"]:
            continue
        policy = write.held("unifiedRoleManagementPolicy", body["policyId"])
        if policy is not None:
            children = write.store.link_set("rules").targets(policy.key)
            return [write.store.records[child].read() for child in children]
    return []


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _born(family: Family, write: Write, record: Record) -> None:
    body = record.read()
    if body["isValidationOnly"]:
        write.store.delete(record.key, soft=False)
        return
    if "groupId" in body:
        role_settings.take_on(write.store, body["groupId"])
    existing = _find(family, write, body)
    if body["action"] == "adminRemove":
        if existing is not None:
            _end(family, write, existing)
        return
    said = {
        name: body.get(name) for name in (*_identity(body), "principalId", "scheduleInfo", "appScopeId") if name in body
    }
    schedule = {
        **said, "id": body["targetScheduleId"], "createdUsing": body["id"], "status": "Provisioned",
        "memberType": "Direct", "createdDateTime": body["createdDateTime"], "modifiedDateTime": None,
    }  # fmt: skip
    if family.level == "Assignment":
        schedule["assignmentType"] = "Assigned"
    if existing is not None:
        write.store.update(existing.key, existing.read() | schedule | {"modifiedDateTime": write.now})
        _drop_instance(family, write, existing.read()["id"])
    else:
        write.store.create(family.schedule, schedule)
    info = body["scheduleInfo"]
    write.tenant.schedules_due = 0.0
    if _seconds(info["startDateTime"]) <= write.tenant.clock.now():
        _start(family, write, schedule)
    else:
        held = write.store.records[schedule["id"]]
        write.store.update(held.key, held.read() | {"status": "PendingProvisioning"})


def settle(tenant: Tenant) -> None:
    """Start and end the schedules whose time has come on the tenant's clock."""
    now = tenant.clock.now()
    if now < tenant.schedules_due:
        return
    write = _own(tenant)
    due = math.inf
    for family in FAMILIES:
        for each in list(tenant.store.all(family.schedule)):
            body = each.read()
            info = body.get("scheduleInfo") or {}
            start, end = info.get("startDateTime"), (info.get("expiration") or {}).get("endDateTime")
            if end and _seconds(end) <= now:
                _end(family, write, each)
                continue
            if body.get("status") == "PendingProvisioning" and start and _seconds(start) <= now:
                tenant.store.update(each.key, body | {"status": "Provisioned"})
                _start(family, write, body | {"status": "Provisioned"})
            elif body.get("status") == "PendingProvisioning" and start:
                due = min(due, _seconds(start))
            if end:
                due = min(due, _seconds(end))
    tenant.schedules_due = due


def _own(tenant: Tenant) -> Write:
    """A write of the service itself, which nobody asked for."""
    nobody = Caller("app", "", "", "", frozenset(), frozenset(), math.inf, 0.0)
    return Write(tenant, Request("POST", "/v1.0", {}), Target("v1.0", "service", ""), nobody)


def _start(family: Family, write: Write, schedule: Body) -> None:
    info = schedule["scheduleInfo"]
    instance = {
        name: value for name, value in schedule.items() if name in (*_identity(schedule), "principalId", "memberType")
    }
    instance |= {
        "id": new_id(), "startDateTime": info["startDateTime"], "endDateTime": info["expiration"]["endDateTime"],
    }  # fmt: skip
    if family.level == "Eligibility":
        instance |= {"eligibilityScheduleId" if "groupId" in schedule else "roleEligibilityScheduleId": schedule["id"]}
        write.store.create(family.instance, instance)
        return
    instance |= {
        "assignmentScheduleId" if "groupId" in schedule else "roleAssignmentScheduleId": schedule["id"],
        "assignmentType": "Assigned",
    }
    if "groupId" in schedule:
        write.store.create(family.instance, instance)
        link = "owners" if schedule["accessId"] == "owner" else "members"
        write.store.link(schedule["groupId"], link, schedule["principalId"])
        return
    found = directory_roles.find(
        write, schedule["principalId"], schedule["roleDefinitionId"], schedule["directoryScopeId"]
    )
    if found is None:
        found = write.store.create(
            "unifiedRoleAssignment",
            {"id": new_id(), "principalId": schedule["principalId"], "roleDefinitionId": schedule["roleDefinitionId"],
             "directoryScopeId": schedule["directoryScopeId"], "appScopeId": None},
        )  # fmt: skip
        directory_roles.show_assignment(write, found.read())
    write.store.create(family.instance, instance | {"roleAssignmentOriginId": found.key})


def _end(family: Family, write: Write, schedule: Record) -> None:
    body = schedule.read()
    _drop_instance(family, write, body["id"])
    write.store.delete(schedule.key, soft=False)
    if family.level != "Assignment":
        return
    if "groupId" in body:
        write.store.unlink(body["groupId"], "owners" if body["accessId"] == "owner" else "members", body["principalId"])
        return
    found = directory_roles.find(write, body["principalId"], body["roleDefinitionId"], body["directoryScopeId"])
    if found is not None:
        directory_roles.hide_assignment(write, found.read())
        write.store.delete(found.key, soft=False)


def _drop_instance(family: Family, write: Write, schedule_id: str) -> None:
    for each in list(write.store.all(family.instance)):
        if schedule_id in each.read().values():
            write.store.delete(each.key, soft=False)


def _hooks(family: Family) -> Hooks:
    def prepare(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
        return _prepare(family, write, made)

    def born(write: Write, record: Record, _sent: Body) -> None:
        _born(family, write, record)

    return Hooks(prepare=prepare, born=born)


for _family in FAMILIES:
    register(_family.request, _hooks(_family))
