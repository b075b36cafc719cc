"""Which application permissions of Microsoft Graph each consent wants, derived from the rows, and why.

`basic` reads, `restore` writes; each belongs to an app identity of its own. A permission is wanted only for what a
tenant's options ask for. Source: Microsoft Graph permissions reference (least permission for each path).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.catalog.row import ObjectType

ConsentKind = Literal["basic", "restore"]


@dataclass(frozen=True, slots=True)
class Beyond:
    """A permission that no row asks for, wanted by something else that Cairn does."""

    permission: str
    kind: ConsentKind
    why: str


BEYOND_ROWS = (
    Beyond("AuditLog.Read.All", "basic", "who made a change and when, from the directory audit log"),
    Beyond("Organization.Read.All", "basic", "the tenant's name, and its initial domain"),
    Beyond("Application.Read.All", "restore", "Cairn's own role assignments, and the targets of grants"),
    Beyond("Directory.Read.All", "restore", "the present state of every target before it is written"),
)

RESTORE_ROLES: Mapping[str, str] = {
    "Privileged Authentication Administrator": "sensitive properties of users who hold administrator roles: "
    "application permissions alone are refused there",
    "User Administrator": "sensitive properties of users in general, and members of restricted administrative units "
    "when held over such a unit",
    "Conditional Access Administrator": "deleted Conditional Access policies and named locations in the recycle bin",
    "Attribute Assignment Administrator": "values of custom security attributes, beside the permission",
}
"""Directory roles that the restoring app needs besides permissions: role → what for."""

SATISFIED_BY: Mapping[str, tuple[str, ...]] = {
    "AdministrativeUnit.Read.All": ("Directory.Read.All",),
    "Device.Read.All": ("Directory.Read.All",),
    "Domain.Read.All": ("Directory.Read.All",),
    "Group.Read.All": ("Directory.Read.All",),
    "GroupSettings.Read.All": ("Directory.Read.All",),
    "LicenseAssignment.Read.All": ("Organization.Read.All", "Directory.Read.All"),
    "Policy.Read.AuthenticationMethod": ("Policy.Read.All",),
    "RoleAssignmentSchedule.Read.Directory": ("RoleManagement.Read.Directory", "RoleManagement.Read.All"),
    "RoleEligibilitySchedule.Read.Directory": ("RoleManagement.Read.Directory", "RoleManagement.Read.All"),
    "User.Invite.All": ("User.ReadWrite.All", "Directory.ReadWrite.All"),
    "User.Read.All": ("Directory.Read.All",),
    "UserAuthMethod-Email.Read.All": ("UserAuthenticationMethod.Read.All",),
    "UserAuthMethod-Phone.Read.All": ("UserAuthenticationMethod.Read.All",),
    "AdministrativeUnit.ReadWrite.All": ("Directory.ReadWrite.All",),
    "Device.ReadWrite.All": ("Directory.ReadWrite.All",),
    "GroupSettings.ReadWrite.All": ("Directory.ReadWrite.All",),
    "UserAuthMethod-Email.ReadWrite.All": ("UserAuthenticationMethod.ReadWrite.All",),
    "UserAuthMethod-Phone.ReadWrite.All": ("UserAuthenticationMethod.ReadWrite.All",),
}
"""Wider permissions that serve as well for all that rows use the narrower one for; `X.ReadWrite.Y` serves for
`X.Read.Y` without being listed. Directory.Read.All reads no policies, federated credentials or hidden members."""


def wanted(rows: Iterable[ObjectType], kind: ConsentKind, options: Mapping[str, bool]) -> dict[str, tuple[str, ...]]:
    """Permission → the object types that want it, sorted by permission; a consent asks for exactly these."""
    types: dict[str, list[str]] = {}
    for row in rows:
        asked = _read(row, options) if kind == "basic" else _write(row, options)
        for permission in dict.fromkeys(asked):
            types.setdefault(permission, []).append(row.name)
    for beyond in BEYOND_ROWS:
        if beyond.kind == kind:
            types.setdefault(beyond.permission, [])
    return {permission: tuple(types[permission]) for permission in sorted(types)}


def missing(wanted_names: Iterable[str], held: Iterable[str]) -> tuple[str, ...]:
    """Those of the wanted permissions that nothing held serves for, sorted."""
    have = set(held)
    return tuple(sorted(name for name in wanted_names if not have.intersection(_serving(name))))


def _serving(name: str) -> set[str]:
    """The permission itself and all wider ones that serve for it."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        one = open_names.pop()
        if one in found:
            continue
        found.add(one)
        open_names.extend(SATISFIED_BY.get(one, ()))
        if ".Read." in one:
            open_names.append(one.replace(".Read.", ".ReadWrite."))
    return found


def _read(row: ObjectType, options: Mapping[str, bool]) -> Iterator[str]:
    if row.delegated_read:
        return  # no application permission reaches it, so none is asked for
    yield from row.read_permissions
    for prop, permission in row.select_permissions:
        if _on(row, prop, options):
            yield permission
    for link in row.links:
        if link.reading != "inverse" and (not link.option or options.get(link.option)):
            yield from link.permissions


def _write(row: ObjectType, options: Mapping[str, bool]) -> Iterator[str]:
    if row.reference_only or (row.restored_as and row.restored_as_where is None):
        return
    yield from row.write_permissions
    for prop, permission in row.property_write_permissions:
        if _on(row, prop, options):
            yield permission
    for link in row.links:
        if link.reading != "inverse" and (not link.option or options.get(link.option)):
            yield from link.write_permissions


def _on(row: ObjectType, prop: str, options: Mapping[str, bool]) -> bool:
    return all(options.get(option, False) for name, option in row.property_options if name == prop)
