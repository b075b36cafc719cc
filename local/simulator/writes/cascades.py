"""What goes with an object and what comes back with it.

- Memberships, owners and other links go and come with the store's own bin entry.
- Grants and assignments are objects: those of a user, group or administrative unit lie in the bin beside it, unseen
  by any list, and return with it (Recover from deletions: what is restored with users and groups).
- A service principal's app role assignments and grants, as client and as resource, and its role assignments are gone
  for good; so are its links to claims-mapping and home-realm policies (Delete and recover applications: FAQ).
"""

from __future__ import annotations

from local.simulator.store import Record, Store

# table and the properties that name the object which has gone
PRINCIPALS = (
    ("unifiedRoleAssignment", "principalId"),
    ("unifiedRoleEligibilitySchedule", "principalId"),
    ("unifiedRoleAssignmentSchedule", "principalId"), ("unifiedRoleEligibilityScheduleInstance", "principalId"),
    ("unifiedRoleAssignmentScheduleInstance", "principalId"), ("appRoleAssignment", "principalId"),
    ("oAuth2PermissionGrant", "principalId"), ("scopedRoleMembership", "memberId"),
    ("privilegedAccessGroupEligibilitySchedule", "principalId"),
    ("privilegedAccessGroupAssignmentSchedule", "principalId"),
    ("privilegedAccessGroupEligibilitySchedule", "groupId"), ("privilegedAccessGroupAssignmentSchedule", "groupId"),
    ("privilegedAccessGroupEligibilityScheduleInstance", "principalId"),
    ("privilegedAccessGroupAssignmentScheduleInstance", "principalId"),
    ("privilegedAccessGroupEligibilityScheduleInstance", "groupId"),
    ("privilegedAccessGroupAssignmentScheduleInstance", "groupId"),
    ("scopedRoleMembership", "administrativeUnitId"),
)  # fmt: skip
SERVICE_PRINCIPAL_SIDES = (
    *PRINCIPALS, ("appRoleAssignment", "resourceId"), ("oAuth2PermissionGrant", "clientId"),
    ("oAuth2PermissionGrant", "resourceId"),
)  # fmt: skip
SCOPED = (
    "unifiedRoleAssignment", "unifiedRoleEligibilitySchedule", "unifiedRoleAssignmentSchedule",
    "unifiedRoleEligibilityScheduleInstance", "unifiedRoleAssignmentScheduleInstance",
)  # fmt: skip
ENDS = ("principalId", "resourceId", "clientId", "memberId", "groupId", "administrativeUnitId")
NOT_BROUGHT_BACK = frozenset(
    ["claimsMappingPolicies", "homeRealmDiscoveryPolicies", "tokenIssuancePolicies", "tokenLifetimePolicies"]
)


def park(store: Store, record: Record) -> None:
    """Put what depends on a user, group or administrative unit into the bin with it."""
    for dependent in _dependents(store, record.key, PRINCIPALS):
        store.delete(dependent, soft=True)
    if record.table == "administrativeUnit":
        scope = f"/administrativeUnits/{record.key}"
        for table in SCOPED:
            for each in list(store.find(table, "directoryScopeId", scope)):
                store.delete(each.key, soft=True)


def unpark(store: Store, record: Record) -> None:
    """Bring back what was put into the bin with an object, as far as its other ends live."""
    scope = f"/administrativeUnits/{record.key}"
    for key, entry in list(store.bin.items()):
        body = entry.record.read()
        mine = any(entry.record.table == table and body.get(name) == record.key for table, name in PRINCIPALS)
        if not mine and not (entry.record.table in SCOPED and body.get("directoryScopeId") == scope):
            continue
        ends = [
            body[name] for name in ENDS
            if body.get(name)
        ]  # fmt: skip
        if all(each in store.records for each in ends):
            store.restore(key)


def sever(store: Store, record: Record) -> None:
    """Remove for good what names a service principal."""
    for dependent in _dependents(store, record.key, SERVICE_PRINCIPAL_SIDES):
        store.delete(dependent, soft=False)


def forget(store: Store, key: str) -> None:
    """Remove parked dependents of an object that is being purged, and what it contained."""
    entry = store.bin.get(key)
    for other, each in list(store.bin.items()):
        body = each.record.read()
        if any(each.record.table == table and body.get(name) == key for table, name in PRINCIPALS):
            store.purge(other)
    for source, _, target in entry.links if entry else ():
        child = store.records.get(target)
        if source == key and child is not None and _contained(child.table):
            store.delete(target, soft=False)


def expire(store: Store, days: int = 30) -> None:
    """Empty the bin of what is older than Entra keeps it, with all that belonged to it."""
    limit = store.clock.now() - days * 86400
    for key in [key for key, each in store.bin.items() if each.at <= limit]:
        if key in store.bin:
            forget(store, key)
            store.purge(key)


def _dependents(store: Store, key: str, sides: tuple[tuple[str, str], ...]) -> list[str]:
    found: dict[str, None] = {}
    for table, name in sides:
        for each in store.find(table, name, key):
            found[each.key] = None
    return list(found)


def _contained(table: str) -> bool:
    from local.simulator import model

    return any(each.how == "child" and model.child_table(each) == table for each in model.NAVIGATION)
