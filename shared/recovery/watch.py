"""Which changes call for somebody's attention: rules over changes. Pure.

No message names a person: it says what happened, and the event's object says to which.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

from shared.recovery.difference import DELETIONS, Change
from shared.recovery.privileges import POWERFUL_APP_ROLES, POWERFUL_ROLES, POWERFUL_SCOPES
from shared.recovery.role_names import GLOBAL_ADMINISTRATOR
from shared.recovery.weakening import ENFORCED, asks_less, covers, reaches_less, remembers_longer

type Body = Mapping[str, Any]

POLICY = "conditionalAccessPolicy"
LOCATION = "ipNamedLocation"
LEAST_SHARE = 10
"""So many of a type may go whatever their share: in a small tenant a tenth is soon reached."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to tell; `key` tells it from others of its kind in the same report."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    key: str
    object_id: str = ""
    object_type: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules need to know of both states beside the changes."""

    before: Mapping[tuple[str, str], Body] = field(default_factory=dict)
    """(type, id) → policies and named locations that changed, as they were."""
    after: Mapping[tuple[str, str], Body] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Group → its direct members, of groups that those policies name."""
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Person or group → the templates of the roles that it holds, or may activate."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Type → how many there were."""


@dataclass(slots=True)
class Watching:
    """What a tenant's rules ask for, and what has been seen."""

    mass_deletion_count: int | None = None
    mass_deletion_percent: int = 100
    conditional_access: bool = False
    global_administrators: bool = False
    grants: bool = False
    break_glass: frozenset[str] = frozenset()
    known: Known = Known()
    _deleted: Counter[str] = field(default_factory=Counter)
    _alarms: list[Alarm] = field(default_factory=list)

    def see(self, change: Change) -> None:
        """Look at one change; those that follow from others count for break-glass accounts alone."""
        touched = {change.object_id.lower(), change.target_id.lower(), *_principals(change)} & self.break_glass
        if touched:
            self._add("breakGlassTouched", "error", _TOUCHED[change.change_type], change, min(touched))
        if change.noise:
            return
        if change.change_type in DELETIONS:
            self._deleted[change.object_type] += 1
        if change.object_type == POLICY and self.break_glass:
            self._reached(change)
        if self.conditional_access:
            weakened = self._weakened(change)
            if weakened:
                self._add("conditionalAccessWeakened", "error", weakened, change)
        if change.change_type in ("newObject", "linkAdded"):
            self._gained(change)
        elif self.grants:
            scopes = _scopes_gained(change)
            if scopes:
                self._add("highPrivilegeGrant", "warning", f"A high privilege was granted: {scopes}.", change)

    def alarms(self) -> list[Alarm]:
        """All that is to be told."""
        many = self._mass_deletion()
        return [many, *self._alarms] if many else list(self._alarms)

    def _mass_deletion(self) -> Alarm | None:
        if self.mass_deletion_count is None:
            return None
        if self._deleted.total() >= self.mass_deletion_count:
            told = f"{self._deleted.total()} objects were deleted since the restore point before."
            return Alarm("massDeletion", "error", told, "mass")
        for name, count in sorted(self._deleted.items()):
            total = self.known.totals.get(name, 0)
            if total and count >= max(LEAST_SHARE, ceil(total * self.mass_deletion_percent / 100)):
                told = f"{count} of {total} objects of type {name} were deleted since the restore point before."
                return Alarm("massDeletion", "error", told, "mass")
        return None

    def _gained(self, change: Change) -> None:
        held = self._roles_gained(change)
        if GLOBAL_ADMINISTRATOR in held and self.global_administrators:
            self._add(
                "newGlobalAdministrator", "error",
                "There is a new Global Administrator." if not _through_group(change) else
                "Somebody joined or came to own a group that holds Global Administrator.", change,
            )
        granted = POWERFUL_APP_ROLES.get(_fact(change, "appRole", 2), "") or ", ".join(
            sorted(POWERFUL_SCOPES.intersection(_fact(change, "scope", 3).split()))
        ) or ", ".join(sorted(POWERFUL_ROLES[one] for one in held & POWERFUL_ROLES.keys()))
        if granted and self.grants:
            self._add("highPrivilegeGrant", "warning", f"A high privilege was granted: {granted}.", change)

    def _roles_gained(self, change: Change) -> frozenset[str]:
        """Templates of the roles that somebody holds, or may activate, by this change."""
        role = _fact(change, "role", 1) or _fact(change, "eligible", 1)
        if role:
            return frozenset({role})
        return self.known.roles.get(_through_group(change), frozenset())

    def _reached(self, change: Change) -> None:
        """Whether a policy is enforced on a break-glass account from now on."""
        key = (change.object_type, change.object_id)
        before, after = self.known.before.get(key, {}), self.known.after.get(key, {})
        for person in sorted(self.break_glass):
            roles = self.known.roles.get(person, frozenset())
            if covers(after, person, self.known.members, roles) and not covers(
                before, person, self.known.members, roles
            ):
                alarm = Alarm(
                    "breakGlassTouched", "error", "A Conditional Access policy applies to a break-glass account from "
                    "now on.", f"{change.object_id}:{person}", person, "user",
                )  # fmt: skip
                if alarm not in self._alarms:
                    self._alarms.append(alarm)

    def _weakened(self, change: Change) -> str:
        """How a policy, or what policies stand on, protects less than before; empty where it does not."""
        old, new = change.old_value, change.new_value
        match change.object_type, change.attribute:
            case "identitySecurityDefaultsEnforcementPolicy", "isEnabled" if old is True and new is False:
                return "Security defaults were turned off."
            case "authenticationStrengthPolicy", "allowedCombinations" if _gained(old, new):
                return "An authentication strength allows more than before."
            case "ipNamedLocation", "isTrusted" if new is True:
                return "A named location is trusted from now on."
            case "ipNamedLocation", "ipRanges" if self._is_trusted(change) and _gained(old, new):
                return "A trusted named location holds more addresses."
            case "conditionalAccessPolicy", _:
                return self._policy_weakened(change)
        return ""

    def _policy_weakened(self, change: Change) -> str:
        key = (change.object_type, change.object_id)
        was, now = self.known.before.get(key, {}).get("state"), self.known.after.get(key, {}).get("state")
        if was == "disabled" and (now == was or change.change_type in DELETIONS):
            return ""  # it protected nothing
        if change.change_type in DELETIONS:
            return "A Conditional Access policy was deleted."
        old, new = change.old_value, change.new_value
        if change.attribute == "state":
            less = ENFORCED.get(str(new), 2) < ENFORCED.get(str(old), 2)
            return f"A Conditional Access policy went from {old} to {new}." if less else ""
        weighed = {
            "conditions": (reaches_less, "applies to less"), "grantControls": (asks_less, "asks for less"),
            "sessionControls": (remembers_longer, "binds sessions less"),
        }.get(change.attribute)
        if weighed and weighed[0](old or {}, new or {}):
            return f"A Conditional Access policy {weighed[1]} than before."
        return ""

    def _is_trusted(self, change: Change) -> bool:
        return self.known.after.get((change.object_type, change.object_id), {}).get("isTrusted") is True

    def _add(
        self, code: str, severity: Literal["error", "warning"], message: str, change: Change, about: str = ""
    ) -> None:
        kind = change.object_type if not about or about == change.object_id.lower() else "user"
        self._alarms.append(Alarm(code, severity, message, change.change_id, about or change.object_id, kind))


_TOUCHED: Mapping[str, str] = {
    "changed": "A break-glass account, or what belongs to it, was changed.",
    "linkAdded": "A break-glass account was added to something.",
    "linkRemoved": "A break-glass account was removed from something.",
    "newObject": "A break-glass account was given something.",
    "softDeleted": "A break-glass account, or what belongs to it, was deleted.",
    "hardDeleted": "A break-glass account, or what belongs to it, was deleted for good.",
}


def _fact(change: Change, sort: str, place: int) -> str:
    """That part of the change's fact, where it is one of that sort."""
    parts = change.fact.split("|")
    return parts[place] if parts[0] == sort else ""


def _through_group(change: Change) -> str:
    """The group that somebody joined, came to own, or may activate the membership of; empty for other changes."""
    return _fact(change, "group", 1) or _fact(change, "eligibleInGroup", 1)


def _principals(change: Change) -> set[str]:
    """Whom a role, a grant or what belongs to somebody is about."""
    principal = change.fact.rpartition("|")[2] if change.fact else ""
    return {principal.lower(), *(one.lower() for one in change.about)} - {""}


def _scopes_gained(change: Change) -> str:
    if change.object_type != "oAuth2PermissionGrant" or change.attribute != "scope":
        return ""
    gained = set(str(change.new_value or "").split()) - set(str(change.old_value or "").split())
    return ", ".join(sorted(POWERFUL_SCOPES & gained))


def _gained(old: Any, new: Any) -> bool:
    was = [one for one in old or () if one]
    return any(one not in was for one in new or ())
