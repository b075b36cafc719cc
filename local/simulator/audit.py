"""The audit log: `/auditLogs/directoryAudits` told from the change log, who did what to which object and when.

Records appear with the change itself (real ones take minutes), newest first, and cannot be written.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from local.simulator import model
from local.simulator.clock import written
from local.simulator.store import Body, Change, Record, Store, changed_names

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

NAMES = {
    "user": "user", "group": "group", "application": "application", "servicePrincipal": "service principal",
    "device": "device", "administrativeUnit": "administrative unit",
    "conditionalAccessPolicy": "conditional access policy",
    "namedLocation": "named location", "appRoleAssignment": "app role assignment grant",
    "oAuth2PermissionGrant": "delegated permission grant", "unifiedRoleAssignment": "member to role",
    "unifiedRoleDefinition": "role definition",
}  # fmt: skip
CATEGORIES = {
    "user": "UserManagement", "group": "GroupManagement", "application": "ApplicationManagement",
    "servicePrincipal": "ApplicationManagement", "device": "Device", "administrativeUnit": "AdministrativeUnit",
    "unifiedRoleAssignment": "RoleManagement", "unifiedRoleDefinition": "RoleManagement",
    "directoryRole": "RoleManagement",
}  # fmt: skip
VERBS = {"create": "Add", "update": "Update", "delete": "Delete", "restore": "Restore", "purge": "Hard Delete"}
OPERATIONS = {"create": "Add", "link": "Assign", "unlink": "Unassign", "delete": "Delete", "purge": "Delete"}


def records(tenant: Tenant, position: int) -> Iterator[tuple[int, Record]]:
    """Audit records, newest first, with page positions that stay right while the log grows."""
    store = tenant.store
    for index in range((-position if position else len(store.log)) - 1, -1, -1):
        body = _told(store, store.log[index])
        yield -index, Record(body["id"], "directoryAudit", orjson.dumps(body), index)


def one(store: Store, audit_id: str) -> Record | None:
    """The record with an id, None when no change has it."""
    number = audit_id.rpartition("_")[2]
    if not number.isdigit():
        return None
    index = bisect_left(store.log, int(number), key=lambda change: change.seq)
    if index == len(store.log):
        return None
    body = _told(store, store.log[index])
    return Record(body["id"], "directoryAudit", orjson.dumps(body), index) if body["id"] == audit_id else None


def _told(store: Store, change: Change) -> Body:
    actor = change.actor
    initiated: Body = {"user": None, "app": None}
    if actor.kind == "user":
        initiated["user"] = {"id": actor.id, "userPrincipalName": actor.name, "displayName": None, "ipAddress": ""}
    else:
        initiated["app"] = {"appId": actor.app_id or None, "servicePrincipalId": actor.id or None,
                            "displayName": actor.name, "servicePrincipalName": None}  # fmt: skip
    at = written(change.at)
    return {
        "id": f"Directory_{uuid.uuid5(uuid.NAMESPACE_OID, f'{store.tenant_id}/{change.seq}')}_{change.seq}",
        "category": CATEGORIES.get(change.table, "Policy" if "olicy" in change.table else "DirectoryManagement"),
        "correlationId": change.correlation or str(uuid.uuid5(uuid.NAMESPACE_OID, str(change.seq))),
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity(change),
        "activityDateTime": at,
        "loggedByService": "Core Directory",
        "operationType": OPERATIONS.get(change.kind, "Update"),
        "initiatedBy": initiated,
        "targetResources": _targets(store, change),
        "additionalDetails": [],
    }


def activity(change: Change) -> str:
    """Entra's words for a change."""
    name = NAMES.get(change.table, change.table)
    if change.kind in ("link", "unlink"):
        what = change.name.removesuffix("s") if change.name != "members" else "member"
        word, joined = ("Add", "to") if change.kind == "link" else ("Remove", "from")
        return f"{word} {what} {joined} {name}"
    return f"{VERBS[change.kind]} {name}"


def _targets(store: Store, change: Change) -> list[Body]:
    body: dict[str, Any] = orjson.loads(change.after or change.before or b"{}")
    if change.kind in ("link", "unlink"):
        return [_target(store, change.target, change.target_table), _target(store, change.key, change.table)]
    target = {
        "id": change.key, "displayName": body.get("displayName"), "type": _type(change.table),
        "userPrincipalName": body.get("userPrincipalName"), "groupType": None,
        "modifiedProperties": [_modified(change, name) for name in sorted(changed_names(change))]
        if change.kind == "update" else [],
    }  # fmt: skip
    return [target]


def _target(store: Store, key: str, table: str) -> Body:
    record = store.get(key)
    if record is None and key in store.bin:
        record = store.bin[key].record
    body = record.read() if record else {}
    return {"id": key, "displayName": body.get("displayName"), "type": _type(table), "groupType": None,
            "userPrincipalName": body.get("userPrincipalName"), "modifiedProperties": []}  # fmt: skip


def _type(table: str) -> str:
    name = model.TABLE_TYPES.get(table, table)
    return name[:1].upper() + name[1:] if name in model.DIRECTORY_TABLES else "Other"


def _modified(change: Change, name: str) -> Body:
    before, after = orjson.loads(change.before or b"{}"), orjson.loads(change.after or b"{}")
    return {
        "displayName": name[:1].upper() + name[1:],
        "oldValue": orjson.dumps(before[name]).decode() if name in before else None,
        "newValue": orjson.dumps(after[name]).decode() if name in after else None,
    }
