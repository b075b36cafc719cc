"""What is never taken from those whom a restore must not touch: roles, memberships that give roles, consents. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.catalog.row import PARENT
from shared.recovery.plan import NotRestored, Operation

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""The role template's id, the same in every tenant ("Microsoft Entra built-in roles")."""

BREAK_GLASS = "it is a break-glass account"
CAIRNS_OWN = "it is Cairn's own"
LAST_ADMINISTRATOR = "it is the last Global Administrator"

_HOLDERS = ("principalId", "clientId", PARENT)
"""Where an assignment, consent or credential names the one it belongs to."""


def why_kept(body: Mapping[str, Any], protected: Mapping[str, str]) -> str:
    """Why a role, consent or credential is neither removed nor changed; empty where it may be."""
    for name in _HOLDERS:
        why = protected.get(str(body.get(name, "")))
        if why:
            return f"it belongs to one that is never touched: {why}"
    return ""


def why_member_kept(source: Mapping[str, Any], link: str, target_id: str, protected: Mapping[str, str]) -> str:
    """Why somebody is not taken out of a group that gives roles; empty where that may be."""
    if link in ("members", "owners") and source.get("isAssignableToRole"):
        return protected.get(target_id, "")
    return ""


@dataclass(frozen=True, slots=True)
class Administrators:
    """Who can act as Global Administrator now."""

    enabled: frozenset[str] = frozenset()
    """Users who can sign in and hold the role over the whole directory, directly or through a group."""
    through: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Id of an assignment, or of a group, that gives the role → the users who hold it by that."""

    def direct_and_groups(self, user: str) -> frozenset[str]:
        """Ids of the assignments and groups by which a user holds the role."""
        return frozenset(one for one, users in self.through.items() if user in users)


def from_the_last_administrator(
    operations: Iterable[Operation], administrators: Administrators
) -> tuple[list[Operation], list[NotRestored]]:
    """The operations that would take the role from the last ones who hold it now, as what is spared and why.

    What the plan itself gives back does not count: it may fail, and what is deleted goes last.
    """
    leaving: dict[str, list[Operation]] = {user: [] for user in administrators.enabled}
    for one in operations if leaving else ():
        for user in _leaving(one, administrators):
            leaving[user].append(one)
    if not leaving or not all(leaving.values()):
        return [], []
    spared = leaving[min(leaving)]
    return spared, [
        NotRestored(
            one.object_type, one.object_id, one.object_name, ", ".join(one.attributes) or one.link,
            f"{LAST_ADMINISTRATOR}: no other would be left by this plan",
        )
        for one in spared
    ]


def _leaving(one: Operation, administrators: Administrators) -> Iterable[str]:
    """The administrators who could no longer act as such after this operation, by this way."""
    target = one.path.rpartition("/")[2]
    if one.object_type == "user":
        disabled = one.kind == "update" and (one.body or {}).get("accountEnabled") is False
        if (one.kind == "delete" or disabled) and target in administrators.enabled:
            yield target
        return
    removed: set[str] = set()
    if one.kind == "delete" and one.object_type in ("unifiedRoleAssignment", "group"):
        removed = {target}
    for user in administrators.enabled:
        ways = administrators.direct_and_groups(user)
        taken_out = one.kind == "unlink" and one.link == "members" and user in one.targets and one.chain in ways
        if len(ways) == 1 and (removed & ways or taken_out):
            yield user
