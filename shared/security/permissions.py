"""Permissions, named as the reference guide names them, and the built-in roles that hold them."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Permission = Literal[
    "backups.run", "backups.configure", "backups.read", "backups.unpack",
    "objects.read", "objects.readAttributes",
    "differences.read", "differences.run",
    "restore.fromObjects", "restore.fromDifferences", "restore.approve",
    "tasks.read", "events.read", "events.manage",
    "tenants.manage", "hybrid.credentials", "export", "audit.read",
]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))

MEANINGS: dict[Permission, str] = {
    "backups.run": "start, verify and cancel backups",
    "backups.configure": "change schedule, retention, options, approvals and notifications",
    "backups.read": "see tenants, settings, restore points and coverage",
    "backups.unpack": "unpack and pack restore points",
    "objects.read": "list objects of restore points and their links",
    "objects.readAttributes": "see the attributes of objects",
    "differences.read": "see difference reports",
    "differences.run": "start difference reports",
    "restore.fromObjects": "restore objects chosen from a restore point",
    "restore.fromDifferences": "restore changes chosen from a difference report",
    "restore.approve": "approve a restore that another person asked for",
    "tasks.read": "see tasks",
    "events.read": "see events",
    "events.manage": "acknowledge events and send test notifications",
    "tenants.manage": "register, change and unregister tenants; consents, roles and assignments",
    "hybrid.credentials": "download credentials for hybrid restores",
    "export": "download lists as CSV",
    "audit.read": "see the audit trail",
}

_READER: frozenset[Permission] = frozenset({
    "backups.read", "objects.read", "differences.read", "tasks.read", "events.read",
})

ROLES: dict[str, frozenset[Permission]] = {
    "Reader": _READER,
    "Operator": _READER | {
        "backups.run", "backups.unpack", "objects.readAttributes", "differences.run", "restore.fromObjects",
        "restore.fromDifferences", "export",
    },
    "Administrator": PERMISSIONS,
    "Approver": _READER | {"objects.readAttributes", "restore.approve", "export"},
}
"""The built-in roles, by the value of the app role in the token's `roles` claim."""

ENTRY = "Assigned"
"""An app role that allows nothing: whoever has it gets a token, and sees what assignments in tenants give it."""

BUILT_IN_MEANINGS: dict[str, str] = {
    "Reader": "sees everything but the attributes of objects",
    "Operator": "backs up, compares and restores",
    "Administrator": "does everything",
    "Approver": "sees everything, and approves restores that others asked for",
}


def permissions_of(
    roles: Iterable[str], custom: Mapping[str, frozenset[Permission]] | None = None
) -> frozenset[Permission]:
    """All that these roles allow together; an unknown role allows nothing, and no custom one replaces a built-in."""
    known = {**(custom or {}), **ROLES}
    return frozenset[Permission]().union(*(known.get(role, frozenset()) for role in roles))
