"""Who may touch which object: synced objects, restricted management, privileged users, role-assignable groups.

- A synced object takes only what the cloud holds of it (Microsoft Entra Connect: source of authority).
- A member of a restricted management administrative unit answers to administrators scoped to that unit alone; group
  memberships elsewhere, licences and usageLocation stay open (Restricted management administrative units).
- Sensitive changes to users who hold administrator roles need a directory role, whatever the application's
  permissions (Permissions for sensitive actions; Who can perform sensitive actions).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from local.simulator.errors import denied
from local.simulator.store import Body, Record, Store
from local.simulator.writes import refusals
from local.simulator.writes.change import GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, Write

SENSITIVE = frozenset(
    [
        "accountEnabled",
        "businessPhones",
        "mobilePhone",
        "onPremisesImmutableId",
        "otherMails",
        "passwordProfile",
        "userPrincipalName",
        "mail",
        "identities",
    ]
)

USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"

# What SharePoint keeps of users: Graph takes it in a PATCH of its own (Update user).
SHAREPOINT_HELD = frozenset(
    ["aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "responsibilities", "schools", "skills"]
)

# What the cloud holds of synced users; the rest answers to the directory on premises (Update user).
CLOUD_HELD = {
    "user": frozenset(["usageLocation", "customSecurityAttributes", "passwordPolicies"]) | SHAREPOINT_HELD,
    "group": frozenset(["onPremisesSyncBehavior"]),
    "device": frozenset(["accountEnabled", "extensionAttributes"]),
}

# Roles whose holders other administrators may manage (Who can perform sensitive actions).
HARMLESS_ROLES = frozenset(
    ["88d8e3e3-8f55-4a1e-953a-9b9898b8876b",  # Directory Readers
     "95e79109-95c0-4d8e-aee3-d01accf2d47b",  # Guest Inviter
     "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",  # Message Center Reader
     "4a5d8f65-41da-4de4-8968-e035b65339cf"]  # Reports Reader
)  # fmt: skip


def synced(body: Body) -> bool:
    """Whether an object is mastered on premises."""
    return body.get("onPremisesSyncEnabled") is True


def check_synced(record: Record, names: Iterable[str]) -> None:
    """Refuse changes to what the directory on premises holds."""
    body = record.read()
    if synced(body) and not set(names) <= CLOUD_HELD.get(record.table, frozenset()):
        raise refusals.mastered_on_premises()


def restricting_units(store: Store, key: str) -> list[str]:
    """The restricted management administrative units that an object is a member of."""
    found = []
    for source in store.link_set("members").sources(key):
        record = store.get(source)
        unit = record is not None and record.table == "administrativeUnit"
        if record is not None and unit and record.read().get("isMemberManagementRestricted"):
            found.append(source)
    return found


def check_restricted(write: Write, record: Record) -> None:
    """Refuse a change to a restricted unit's member unless the caller holds a role scoped to that unit."""
    units = restricting_units(write.store, record.key)
    if not units:
        return
    scopes = {scope for _, scope in role_assignments(write.store, write.caller.object_id)}
    if not any(f"/administrativeUnits/{unit}" in scopes for unit in units):
        raise refusals.restricted_management()


def role_assignments(store: Store, key: str) -> Iterator[tuple[str, str]]:
    """The (role definition id, scope) that a principal holds, through role-assignable groups too."""
    holders = [key]
    for source in store.link_set("members").sources(key):
        record = store.get(source)
        if record is not None and record.table == "group" and record.read().get("isAssignableToRole"):
            holders.append(source)
    for holder in holders:
        for record in store.find("unifiedRoleAssignment", "principalId", holder):
            body = record.read()
            yield body["roleDefinitionId"], body.get("directoryScopeId") or "/"
        for source in store.link_set("members").sources(holder):
            role = store.get(source)
            if role is not None and role.table == "directoryRole":
                yield role.read()["roleTemplateId"], "/"


def tenant_roles(store: Store, key: str) -> set[str]:
    """The roles that a principal holds over the whole tenant."""
    return {role for role, scope in role_assignments(store, key) if scope == "/"}


def check_privileged(write: Write, record: Record) -> None:
    """Refuse a sensitive change to a privileged user unless the caller holds a high enough role."""
    held = {role for role, _ in role_assignments(write.store, record.key)} - HARMLESS_ROLES
    owns_role_group = any(
        (owned := write.store.get(source)) is not None and bool(owned.read().get("isAssignableToRole"))
        for source in write.store.link_set("owners").sources(record.key)
    )
    if not held and not owns_role_group:
        return
    mine = tenant_roles(write.store, write.caller.object_id)
    if not mine & {GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR}:
        raise denied()


def check_password(write: Write) -> None:
    """Refuse an application a change of somebody's password for which it holds neither the permission nor a role."""
    if write.app_only and not write.may("User-PasswordProfile.ReadWrite.All"):
        mine = tenant_roles(write.store, write.caller.object_id)
        if not mine & {USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR}:
            raise denied()


def check_role_assignable(write: Write, body: Body) -> None:
    """Refuse writes to a role-assignable group without the permission to manage roles."""
    if body.get("isAssignableToRole"):
        write.require("RoleManagement.ReadWrite.Directory")


def global_administrators(store: Store) -> set[str]:
    """The enabled users who are Global Administrator, directly or through a role-assignable group."""
    principals: set[str] = set()
    for record in store.find("unifiedRoleAssignment", "roleDefinitionId", GLOBAL_ADMINISTRATOR):
        body = record.read()
        if (body.get("directoryScopeId") or "/") == "/":
            principals.add(body["principalId"])
    for role in store.find("directoryRole", "roleTemplateId", GLOBAL_ADMINISTRATOR):
        principals.update(store.link_set("members").targets(role.key))
    people: set[str] = set()
    for key in principals:
        record_ = store.get(key)
        if record_ is not None and record_.table == "group":
            people.update(store.link_set("members").targets(key))
        else:
            people.add(key)
    return {
        key for key in people
        if (one := store.get(key)) is not None and one.table == "user" and one.read().get("accountEnabled")
    }  # fmt: skip


def check_last_administrator(store: Store, leaving: Iterable[str]) -> None:
    """Refuse to leave the tenant without a Global Administrator (Best practices for Microsoft Entra roles)."""
    now = global_administrators(store)
    gone = now & set(leaving)
    if gone and not now - gone:
        raise refusals.bad_request(
            "The last Global Administrator of the tenant cannot be removed, disabled or deleted."
        )
