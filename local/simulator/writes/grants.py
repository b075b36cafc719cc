"""Consents: delegated permission grants, app role assignments (one record, shown on both sides) and classifications.

Sources: Create oAuth2PermissionGrant, Create a delegated permission grant; Grant an appRoleAssignment for a service
principal, user or group.
"""

from __future__ import annotations

import base64
import secrets

from local.simulator.errors import bad_request, not_found
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
MOST_ASSIGNMENTS = 1500
PRINCIPALS = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}


def _prepare_grant(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    for name in ("clientId", "resourceId"):
        found = write.find(str(made[name]), "servicePrincipal")
        if found is None:
            raise not_found(str(made[name]))
        made[name] = found.key
    if made["consentType"] == "Principal":
        if not made.get("principalId"):
            raise refusals.required("principalId", "oAuth2PermissionGrant")
        principal = write.find(str(made["principalId"]), "user")
        if principal is None:
            raise not_found(str(made["principalId"]))
        made["principalId"] = principal.key
    elif made.get("principalId"):
        raise refusals.invalid_value("principalId", "oAuth2PermissionGrant")
    made = {"principalId": None} | made
    for each in write.store.find("oAuth2PermissionGrant", "clientId", str(made["clientId"])):
        body = each.read()
        if body["resourceId"] == made["resourceId"] and body.get("principalId") == made["principalId"]:
            raise refusals.conflict("Permission entry already exists.", "Request_MultipleObjectsWithSameKeyValue")
    return made | {"id": _opaque_id()}


def _change_grant(_write: Write, _record: Record, _old: Body, new: Body, body: Body) -> Body:
    if set(body) - {"scope", "@odata.type", "@odata.context"}:
        raise refusals.read_only(next(iter(set(body) - {"scope", "@odata.type", "@odata.context"})))
    return new


def _prepare_assignment(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    parent, side = write.parent(), write.target.navigation
    resource = write.find(str(made["resourceId"]), "servicePrincipal")
    principal = write.find(str(made["principalId"]), *PRINCIPALS)
    if resource is None or principal is None:
        raise bad_request("Not a valid reference update.")
    if side is not None and side.via == ("resourceId",) and parent.key != resource.key:
        raise bad_request("Not a valid reference update.")
    if side is not None and side.via == ("principalId",) and parent.key != principal.key:
        raise bad_request("Not a valid reference update.")
    roles = [each for each in resource.read().get("appRoles") or () if each.get("isEnabled", True)]
    wanted = made["appRoleId"]
    kind = "Application" if principal.table == "servicePrincipal" else "User"
    fitting = [each for each in roles if kind in (each.get("allowedMemberTypes") or ())]
    if wanted == DEFAULT_ROLE:
        if fitting and principal.table != "servicePrincipal":
            raise bad_request("Permission being assigned was not found on application.")
    elif wanted not in {each["id"] for each in fitting}:
        raise bad_request("Permission being assigned was not found on application.")
    if principal.table == "group" and not principal.read().get("securityEnabled"):
        raise bad_request("Only security-enabled groups can be assigned to an application.")
    held = [each.read() for each in write.store.find("appRoleAssignment", "principalId", principal.key)]
    if any(each["resourceId"] == resource.key and each["appRoleId"] == wanted for each in held):
        raise bad_request("Permission being assigned already exists on the object.")
    if len(held) >= MOST_ASSIGNMENTS:
        raise bad_request(f"A principal can have at most {MOST_ASSIGNMENTS} app role assignments.")
    return made | {
        "id": _opaque_id(), "principalId": principal.key,
        "resourceId": resource.key, "principalType": PRINCIPALS[principal.table],
        "principalDisplayName": principal.read().get("displayName"),
        "resourceDisplayName": resource.read().get("displayName"), "createdDateTime": write.now,
        "deletedDateTime": None,
    }  # fmt: skip


def _prepare_classification(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    write.require("Policy.ReadWrite.PermissionGrant")
    scopes = {each["id"]: each for each in write.parent().read().get("oauth2PermissionScopes") or ()}
    found = scopes.get(str(made["permissionId"]).lower())
    if found is None:
        raise bad_request("The delegated permission is not published by the service principal.")
    for child in write.store.link_set("delegatedPermissionClassifications").targets(write.parent().key):
        if write.store.records[child].read()["permissionId"] == found["id"]:
            raise refusals.conflict("The delegated permission is classified.")
    return {"classification": "low"} | made | {"permissionName": found.get("value")}


register("oAuth2PermissionGrant", Hooks(prepare=_prepare_grant, change=_change_grant))
register("appRoleAssignment", Hooks(prepare=_prepare_assignment))
register("delegatedPermissionClassification", Hooks(prepare=_prepare_classification))


def _opaque_id() -> str:
    """An id in the form that Graph gives to grants and assignments."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
