"""Directory roles and role assignments as two views of one fact: a member of an activated role is a role assignment
over the whole tenant, a scoped role member is one over an administrative unit. Whichever side is written, both show.
"""

from __future__ import annotations

from local.simulator.errors import bad_request, not_found
from local.simulator.store import Body, Record
from local.simulator.writes import guards, refusals
from local.simulator.writes.change import GLOBAL_ADMINISTRATOR, Write, new_id
from local.simulator.writes.hooks import Hooks, register

PRINCIPALS = ("user", "group", "servicePrincipal")


def assigned(write: Write, role: Record, principal: Record) -> None:
    """A member was added to a directory role: the assignment shows too."""
    template = role.read()["roleTemplateId"]
    if find(write, principal.key, template, "/") is None:
        write.store.create("unifiedRoleAssignment", _assignment(principal.key, template, "/"))


def unassigned(write: Write, role: Record, principal: Record) -> None:
    """A member was removed from a directory role: the assignment goes too."""
    found = find(write, principal.key, role.read()["roleTemplateId"], "/")
    if found is not None:
        write.store.delete(found.key, soft=False)


def find(write: Write, principal: str, role: str, scope: str) -> Record | None:
    """The assignment of a role to a principal over a scope."""
    for each in write.store.find("unifiedRoleAssignment", "principalId", principal):
        body = each.read()
        if body["roleDefinitionId"] == role and (body.get("directoryScopeId") or "/") == scope:
            return each
    return None


def show_assignment(write: Write, body: Body) -> None:
    """Show a new assignment as a member of its directory role, which is activated with it, or as a scoped member."""
    scope = body.get("directoryScopeId") or "/"
    definition = write.held("unifiedRoleDefinition", body["roleDefinitionId"])
    if definition is None or not definition.read().get("isBuiltIn"):
        return
    role = activated(write, body["roleDefinitionId"])
    if scope == "/":
        write.store.link(role.key, "members", body["principalId"])
    elif scope.startswith("/administrativeUnits/"):
        unit = scope.rpartition("/")[2]
        if _scoped(write, role.key, unit, body["principalId"]) is None:
            principal = write.store.records[body["principalId"]].read()
            write.store.create(
                "scopedRoleMembership",
                {"id": new_id(), "roleId": role.key, "administrativeUnitId": unit, "memberId": body["principalId"],
                 "roleMemberInfo": {"id": body["principalId"], "displayName": principal.get("displayName")}},
            )  # fmt: skip


def hide_assignment(write: Write, body: Body) -> None:
    """Take a removed assignment out of its directory role."""
    role = next(iter(write.store.find("directoryRole", "roleTemplateId", body["roleDefinitionId"])), None)
    if role is None:
        return
    scope = body.get("directoryScopeId") or "/"
    if scope == "/":
        write.store.unlink(role.key, "members", body["principalId"])
    else:
        found = _scoped(write, role.key, scope.rpartition("/")[2], body["principalId"])
        if found is not None:
            write.store.delete(found.key, soft=False)


def activated(write: Write, template: str) -> Record:
    """The directory role of a template, activated when it was not."""
    found = next(iter(write.store.find("directoryRole", "roleTemplateId", template)), None)
    if found is not None:
        return found
    definition = write.held("unifiedRoleDefinition", template)
    said = definition.read() if definition else {}
    return write.store.create(
        "directoryRole",
        {"id": new_id(), "roleTemplateId": template, "displayName": said.get("displayName"),
         "description": said.get("description"), "deletedDateTime": None},
    )  # fmt: skip


def check_leaving(write: Write, role: str, principal: str) -> None:
    """Refuse to take the Global Administrator role from its last holder."""
    if role != GLOBAL_ADMINISTRATOR:
        return
    record = write.store.get(principal)
    leaving = [principal]
    if record is not None and record.table == "group":
        leaving = list(write.store.link_set("members").targets(principal))
    guards.check_last_administrator(write.store, leaving)


def check_principal(write: Write, principal_id: str) -> Record:
    """The principal of an assignment: a user, service principal or role-assignable group that is there."""
    principal = write.find(principal_id, *PRINCIPALS)
    if principal is None:
        raise not_found(principal_id)
    if principal.table == "group" and not principal.read().get("isAssignableToRole"):
        raise bad_request("The group is not assignable to a role: its isAssignableToRole is not true.")
    return principal


def check_scope(write: Write, scope: str) -> None:
    """Refuse a scope that is no directory object."""
    if scope == "/":
        return
    unit = scope.removeprefix("/administrativeUnits/")
    tables = (
        ("administrativeUnit",) if unit != scope else ("application", "servicePrincipal", "group", "user", "device")
    )
    if not scope.startswith("/") or write.find(unit.lstrip("/"), *tables) is None:
        raise bad_request(f"The directory scope '{scope}' does not exist.")


# -- within -------------------------------------------------------------------------------------------------------


def _assignment(principal: str, role: str, scope: str) -> Body:
    return {"id": new_id(), "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope}


def _scoped(write: Write, role: str, unit: str, member: str) -> Record | None:
    for each in write.store.find("scopedRoleMembership", "memberId", member):
        body = each.read()
        if body["roleId"] == role and body["administrativeUnitId"] == unit:
            return each
    return None


def _prepare_role(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    write.require("RoleManagement.ReadWrite.Directory")
    definition = write.held("unifiedRoleDefinition", made["roleTemplateId"])
    template = write.held("directoryRoleTemplate", made["roleTemplateId"])
    if template is None and (definition is None or not definition.read().get("isBuiltIn")):
        raise not_found(made["roleTemplateId"])
    if write.store.find("directoryRole", "roleTemplateId", made["roleTemplateId"]):
        raise refusals.conflict(
            "A conflicting object with one or more of the specified property values is present in the directory.",
            "Request_MultipleObjectsWithSameKeyValue",
        )
    said = (template or definition).read()  # type: ignore[union-attr]
    return made | {"displayName": said.get("displayName"), "description": said.get("description")}


def _prepare_scoped(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    write.require("RoleManagement.ReadWrite.Directory")
    unit = write.parent()
    role = write.find(made["roleId"], "directoryRole")
    info = body.get("roleMemberInfo")
    if role is None:
        raise not_found(made["roleId"])
    if not isinstance(info, dict) or not isinstance(info.get("id"), str):
        raise refusals.required("roleMemberInfo", "scopedRoleMembership")
    principal = check_principal(write, info["id"])
    if _scoped(write, role.key, unit.key, principal.key) is not None:
        raise refusals.already_linked("scopedRoleMembers")
    name = principal.read().get("displayName")
    return made | {
        "administrativeUnitId": unit.key, "memberId": principal.key,
        "roleMemberInfo": {"id": principal.key, "displayName": name},
    }  # fmt: skip


def _born_scoped(write: Write, record: Record, _sent: Body) -> None:
    body = record.read()
    template = write.store.records[body["roleId"]].read()["roleTemplateId"]
    scope = f"/administrativeUnits/{body['administrativeUnitId']}"
    if find(write, body["memberId"], template, scope) is None:
        write.store.create("unifiedRoleAssignment", _assignment(body["memberId"], template, scope))


def _remove_scoped(write: Write, record: Record) -> bool | None:
    write.require("RoleManagement.ReadWrite.Directory")
    body = record.read()
    template = write.store.records[body["roleId"]].read()["roleTemplateId"]
    found = find(write, body["memberId"], template, f"/administrativeUnits/{body['administrativeUnitId']}")
    if found is not None:
        write.store.delete(found.key, soft=False)
    return None


register("directoryRole", Hooks(prepare=_prepare_role))
register("scopedRoleMembership", Hooks(prepare=_prepare_scoped, born=_born_scoped, remove=_remove_scoped))
