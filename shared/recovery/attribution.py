"""Who made a change, and when, as far as the directory audit log tells. Pure: entries in, candidates out.

An entry is a candidate where it names the object (for a link, both ends) and its kind of operation fits; one that names
the very attribute goes before one that only names the object. Source: Microsoft Graph "directoryAudit resource type".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.recovery.difference import DELETIONS, Candidate, Change

MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the log, as far as it is needed."""

    at: str
    by: str
    by_id: str
    activity: str
    operation: str
    """`Add`, `Update`, `Delete`, `Assign`, `Unassign`, …"""
    targets: tuple[str, ...]
    properties: frozenset[str] = frozenset()
    """Names of the modified properties, in small letters."""

    def as_json(self) -> list[Any]:
        """As it is kept while a report is made."""
        return [
            self.at, self.by, self.by_id, self.activity, self.operation, list(self.targets), sorted(self.properties)
        ]

    @staticmethod
    def from_json(value: list[Any]) -> "AuditEntry":
        """The inverse of as_json."""
        at, by, by_id, activity, operation, targets, properties = value
        return AuditEntry(at, by, by_id, activity, operation, tuple(targets), frozenset(properties))


@dataclass(slots=True)
class AuditIndex:
    """Entries by the objects that they name."""

    by_target: dict[str, list[AuditEntry]] = field(default_factory=dict)

    @staticmethod
    def of(entries: Iterable[AuditEntry]) -> "AuditIndex":
        """The index of these entries."""
        index = AuditIndex()
        for entry in entries:
            for target in entry.targets:
                index.by_target.setdefault(target, []).append(entry)
        return index


def entry_of(record: Mapping[str, Any]) -> AuditEntry | None:
    """The entry in a directoryAudit object; None for one that failed or names nothing."""
    targets = [one for one in record.get("targetResources") or () if isinstance(one, Mapping)]
    ids = tuple(str(one["id"]) for one in targets if one.get("id"))
    if not ids or str(record.get("result") or "success") != "success":
        return None
    by, by_id = _initiator(record.get("initiatedBy") or {})
    names = {
        str(prop.get("displayName") or "").lower()
        for one in targets for prop in one.get("modifiedProperties") or () if isinstance(prop, Mapping)
    }
    return AuditEntry(
        str(record.get("activityDateTime") or ""), by, by_id, str(record.get("activityDisplayName") or ""),
        str(record.get("operationType") or ""), ids, frozenset(names),
    )  # fmt: skip


def attributed(change: Change, index: AuditIndex) -> Change:
    """The change with who made it, and when; unchanged where the log does not tell."""
    ranked = _ranked((rank, entry) for entry in index.by_target.get(_key(change), ()) if (rank := _rank(change, entry)))
    if not ranked and change.about and not change.link and not change.attribute:
        ranked = _ranked((2, entry) for entry in _of_holders(change, index))
    if not ranked:
        return change
    best = ranked[0][0]
    shown = tuple(
        Candidate(entry.by, entry.at, entry.activity, entry.by_id)
        for rank, _, entry in ranked[:MOST_CANDIDATES] if rank == best or rank > 1
    )
    return replace(change, changed_by=shown[0].by, changed_at=shown[0].at, candidates=shown)


def _ranked(found: Iterable[tuple[int, AuditEntry]]) -> list[tuple[int, str, AuditEntry]]:
    """The likeliest first, then the newest."""
    told = ((rank, entry.at, entry) for rank, entry in found)
    return sorted(told, key=lambda one: (one[0], one[1]), reverse=True)


def _of_holders(change: Change, index: AuditIndex) -> Iterator[AuditEntry]:
    """Entries of what has no name of its own: Entra names the user and the role, or both apps, not the assignment."""
    gone = change.change_type in DELETIONS
    seen: set[int] = set()
    for holder in change.about:
        for entry in index.by_target.get(holder, ()):
            both = len(set(change.about).intersection(entry.targets)) > 1
            fits = _removes(entry) if gone else _adds(entry)
            if id(entry) not in seen and fits and (both or _tells_of(change, entry)):
                seen.add(id(entry))
                yield entry


def _tells_of(change: Change, entry: AuditEntry) -> bool:
    """Whether the activity speaks of such things, where the entry names only one of those that it joins."""
    return any(word in entry.activity.lower() for word in _WORDS.get(change.object_type, ()))


_WORDS: Mapping[str, tuple[str, ...]] = {
    "unifiedRoleAssignment": ("member to role", "member from role"),
    "unifiedRoleAssignmentSchedule": ("member to role", "member from role"),
    "unifiedRoleEligibilitySchedule": ("eligible member",),
    "scopedRoleMembership": ("scoped member",),
    "appRoleAssignment": ("app role assignment",),
    "oAuth2PermissionGrant": ("delegated permission grant", "oauth2permissiongrant"),
    "emailAuthenticationMethod": ("security info", "authentication method"),
    "phoneAuthenticationMethod": ("security info", "authentication method"),
}
"""Words of the activities ("Microsoft Entra audit log categories and activities")."""


def _removes(entry: AuditEntry) -> bool:
    activity = entry.activity.lower()
    return entry.operation.lower() in ("unassign", "delete") or activity.startswith(("remove", "delete"))


def _adds(entry: AuditEntry) -> bool:
    activity = entry.activity.lower()
    return entry.operation.lower() in ("add", "assign", "create") or activity.startswith(("add", "invite", "restore"))


def _key(change: Change) -> str:
    return change.new_object_id or change.object_id


def _rank(change: Change, entry: AuditEntry) -> int:
    """How well the entry explains the change; 0 for not at all."""
    operation, activity = entry.operation.lower(), entry.activity.lower()
    if change.link:
        if change.target_id not in entry.targets:
            return 0
        return 3 if _removes(entry) == (change.change_type == "linkRemoved") else 0
    removes = operation == "delete" or activity.startswith(("delete", "hard delete"))
    if change.change_type in DELETIONS:
        hard = "hard" in activity or "permanent" in activity
        return (2 + (hard == (change.change_type == "hardDeleted"))) if removes else 0
    if change.change_type == "newObject":
        return 3 if _adds(entry) else 0
    if removes:
        return 0
    name = change.attribute.lower()
    if name in entry.properties:
        return 3
    # An entry that lists properties and not this one made another change.
    return 0 if entry.properties or operation in ("assign", "unassign", "add") else 1


def _initiator(value: Mapping[str, Any]) -> tuple[str, str]:
    user, app = value.get("user") or {}, value.get("app") or {}
    if user:
        return str(user.get("userPrincipalName") or user.get("displayName") or user.get("id") or ""), str(
            user.get("id") or ""
        )
    return str(app.get("displayName") or app.get("appId") or ""), str(app.get("servicePrincipalId") or "")
