"""Custom role definitions and role assignments (Create, Update, Delete unifiedRoleDefinition and -Assignment)."""

from __future__ import annotations

import re

from local.simulator.errors import GraphError, bad_request, not_found
from local.simulator.store import Body, Record
from local.simulator.writes import directory_roles, refusals
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

MOST_CUSTOM = 100
ACTION = re.compile(r"^microsoft\.\w+(\.\w+)*/\w+(/[\w.]+)*/\w+$")


def _prepare_definition(write: Write, made: Body, _body: Body, sent: Body) -> Body:
    write.require("RoleManagement.ReadWrite.Directory")
    if sent.get("inheritsPermissionsFrom"):
        raise bad_request("inheritsPermissionsFrom cannot be set on custom roles.")
    custom = [body for each in write.store.all("unifiedRoleDefinition") if not (body := each.read()).get("isBuiltIn")]
    if len(custom) >= MOST_CUSTOM:
        raise bad_request(f"The tenant has {MOST_CUSTOM} custom roles, which is the most there can be.")
    _check_definition(write, made, "")
    template = made.get("templateId") or made["id"]
    if write.held("unifiedRoleDefinition", template) is not None:
        raise _conflict()
    # whether the id follows a templateId that was sent is unconfirmed; here the two are equal
    return {"description": None, "version": None} | made | {
        "id": template, "templateId": template, "isBuiltIn": False, "resourceScopes": ["/"],
    }  # fmt: skip


def _change_definition(write: Write, record: Record, old: Body, new: Body, _body: Body) -> Body:
    write.require("RoleManagement.ReadWrite.Directory")
    if old.get("isBuiltIn"):
        raise bad_request("A built-in role definition cannot be changed.")
    _check_definition(write, new, record.key)
    return new


def _remove_definition(write: Write, record: Record) -> bool | None:
    write.require("RoleManagement.ReadWrite.Directory")
    body = record.read()
    if body.get("isBuiltIn"):
        raise bad_request("A built-in role definition cannot be deleted.")
    if write.store.find("unifiedRoleAssignment", "roleDefinitionId", body["id"]):
        raise bad_request("The role definition has assignments; remove them before deleting it.")
    return True


def _check_definition(write: Write, body: Body, besides: str) -> None:
    permissions = body.get("rolePermissions") or []
    actions = [action for each in permissions for action in each.get("allowedResourceActions") or ()]
    if not actions:
        raise refusals.invalid_value("rolePermissions", "unifiedRoleDefinition")
    for action in actions:
        if not ACTION.match(action):
            raise bad_request(f"Action '{action}' is not supported by the provider.")
    if any(each.get("excludedResourceActions") or each.get("condition") for each in permissions):
        raise bad_request("excludedResourceActions and condition cannot be set on custom roles.")
    for each in write.store.find("unifiedRoleDefinition", "displayName", body["displayName"]):
        if each.key != besides:
            raise _conflict()


def _conflict() -> GraphError:
    return refusals.conflict(
        "A conflicting object with one or more of the specified property values is present in the directory.",
        "Request_MultipleObjectsWithSameKeyValue",
    )


def _prepare_assignment(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    write.require("RoleManagement.ReadWrite.Directory")
    definition = write.held("unifiedRoleDefinition", made["roleDefinitionId"])
    if definition is None:
        raise not_found(made["roleDefinitionId"])
    if not definition.read().get("isEnabled", True):
        raise bad_request("The role definition is not enabled.")
    scope = made.get("directoryScopeId") or made.get("appScopeId")
    if not scope:
        raise refusals.required("directoryScopeId", "unifiedRoleAssignment")
    if made.get("directoryScopeId"):
        directory_roles.check_scope(write, scope)
    principal = directory_roles.check_principal(write, made["principalId"])
    made |= {"principalId": principal.key, "roleDefinitionId": definition.read()["id"]}
    if directory_roles.find(write, principal.key, made["roleDefinitionId"], scope) is not None:
        raise GraphError(
            400, "Request_BadRequest",
            "A conflicting object with one or more of the specified property values is present in the directory.",
        )  # fmt: skip
    return {"directoryScopeId": None, "appScopeId": None, "condition": None} | made | {
        "principalOrganizationId": write.store.tenant_id,
    }  # fmt: skip


def _born_assignment(write: Write, record: Record, _sent: Body) -> None:
    directory_roles.show_assignment(write, record.read())


def _remove_assignment(write: Write, record: Record) -> bool | None:
    write.require("RoleManagement.ReadWrite.Directory")
    body = record.read()
    if (body.get("directoryScopeId") or "/") == "/":
        directory_roles.check_leaving(write, body["roleDefinitionId"], body["principalId"])
    directory_roles.hide_assignment(write, body)
    return None


register(
    "unifiedRoleDefinition",
    Hooks(prepare=_prepare_definition, change=_change_definition, remove=_remove_definition),
)
register(
    "unifiedRoleAssignment",
    Hooks(prepare=_prepare_assignment, born=_born_assignment, remove=_remove_assignment),
)
