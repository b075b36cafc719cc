"""Which changes call for somebody's attention: rules over changes. Pure.

No message names a person: it says what happened, and the event's object says to which. Sources of the well-known ids:
"Microsoft Entra built-in roles", "Microsoft Graph permissions reference".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.recovery.difference import DELETIONS, Change
from shared.recovery.role_names import GLOBAL_ADMINISTRATOR

POWERFUL_ROLES: Mapping[str, str] = {
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
}
"""Roles whose holders can make themselves Global Administrator, or turn protection off."""

POWERFUL_APP_ROLES: Mapping[str, str] = {
    "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
    "06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
    "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
    "19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
    "62a82d76-70ea-41e2-9197-370581804d09": "Group.ReadWrite.All",
    "741f803b-c850-494e-b5df-cde7c675a1ca": "User.ReadWrite.All",
    "01c0a623-fc9b-48e9-b794-0756f8e8f067": "Policy.ReadWrite.ConditionalAccess",
    "50483e42-d915-4231-9639-7fdb7fd190e5": "UserAuthenticationMethod.ReadWrite.All",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
}
POWERFUL_SCOPES = frozenset(POWERFUL_APP_ROLES.values())

WEAKER: Mapping[str, int] = {"enabled": 2, "enabledForReportingButNotEnforced": 1, "disabled": 0}
"""How much a Conditional Access policy protects in each state."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to tell; `key` tells it from others of its kind in the same report."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    key: str
    object_id: str = ""
    object_type: str = ""


@dataclass(slots=True)
class Watching:
    """What a tenant's rules ask for, and what has been seen."""

    mass_deletion_count: int | None = None
    conditional_access: bool = False
    global_administrators: bool = False
    grants: bool = False
    break_glass: frozenset[str] = frozenset()
    _deleted: int = 0
    _alarms: list[Alarm] = field(default_factory=list)

    def see(self, change: Change) -> None:
        """Look at one change; those that follow from others count for break-glass accounts alone."""
        touched = {change.object_id.lower(), change.target_id.lower(), *_principals(change)} & self.break_glass
        if touched:
            self._add("breakGlassTouched", "error", _TOUCHED[change.change_type], change, min(touched))
        if change.noise:
            return
        if change.change_type in DELETIONS:
            self._deleted += 1
        if self.conditional_access:
            weakened = _weakened(change)
            if weakened:
                self._add("conditionalAccessWeakened", "error", weakened, change)
        new = change.change_type in ("newObject", "linkAdded")
        if self.global_administrators and new and _role_of(change) == GLOBAL_ADMINISTRATOR:
            self._add("newGlobalAdministrator", "error", "There is a new Global Administrator.", change)
        if self.grants:
            granted = _granted(change)
            if granted:
                self._add("highPrivilegeGrant", "warning", f"A high privilege was granted: {granted}.", change)

    def alarms(self) -> list[Alarm]:
        """All that is to be told."""
        most = self.mass_deletion_count
        if most is None or self._deleted < most:
            return list(self._alarms)
        mass = Alarm(
            "massDeletion", "error", f"{self._deleted} objects were deleted since the restore point before.", "mass"
        )
        return [mass, *self._alarms]

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


def _principals(change: Change) -> set[str]:
    """Whom a role, a grant or what belongs to somebody is about."""
    principal = change.fact.rpartition("|")[2] if change.fact else ""
    return {principal.lower(), *(one.lower() for one in change.about)} - {""}


def _role_of(change: Change) -> str:
    sort, _, rest = change.fact.partition("|")
    return rest.partition("|")[0] if sort in ("role", "eligible") and not change.repeats else ""


def _granted(change: Change) -> str:
    parts = change.fact.split("|")
    if change.change_type == "newObject" and parts[0] == "appRole":
        return POWERFUL_APP_ROLES.get(parts[2], "")
    if change.change_type == "newObject" and parts[0] == "scope":
        return ", ".join(sorted(POWERFUL_SCOPES.intersection(parts[3].split())))
    if change.object_type == "oAuth2PermissionGrant" and change.attribute == "scope":
        gained = set(str(change.new_value or "").split()) - set(str(change.old_value or "").split())
        return ", ".join(sorted(POWERFUL_SCOPES & gained))
    return POWERFUL_ROLES.get(_role_of(change), "") if change.change_type == "newObject" else ""


def _weakened(change: Change) -> str:
    """How a Conditional Access policy, or security defaults, protect less than before; empty where they do not."""
    if change.object_type == "identitySecurityDefaultsEnforcementPolicy":
        off = change.attribute == "isEnabled" and change.old_value is True and change.new_value is False
        return "Security defaults were turned off." if off else ""
    if change.object_type != "conditionalAccessPolicy":
        return ""
    if change.change_type in DELETIONS:
        return "A Conditional Access policy was deleted."
    old, new = change.old_value, change.new_value
    if change.attribute == "state" and WEAKER.get(str(new), 2) < WEAKER.get(str(old), 2):
        return f"A Conditional Access policy went from {old} to {new}."
    if change.attribute == "conditions" and _reaches_less(old or {}, new or {}):
        return "A Conditional Access policy applies to less than before."
    if change.attribute == "grantControls" and _asks_less(old or {}, new or {}):
        return "A Conditional Access policy asks for less than before."
    return ""


def _reaches_less(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    for part in ("users", "applications", "clientApplications", "locations", "platforms"):
        before, after = old.get(part) or {}, new.get(part) or {}
        for name in {*before, *after}:
            was, now = _listed(before.get(name)), _listed(after.get(name))
            if name.startswith("exclude") and now - was:
                return True
            everybody = "All" in now or "all" in now
            if name.startswith("include") and was - now and not everybody:
                return True
    return False


def _asks_less(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    was, now = _controls(old), _controls(new)
    if old.get("operator") == "AND" and new.get("operator") == "OR" and len(now) > 1:
        return True
    if new.get("operator") == "OR" and len(was) > 0:
        return bool(now - was) or not now
    return bool(was - now)


def _controls(controls: Mapping[str, Any]) -> set[str]:
    strength = (controls.get("authenticationStrength") or {}).get("id")
    return {
        *map(str, controls.get("builtInControls") or ()), *map(str, controls.get("termsOfUse") or ()),
        *map(str, controls.get("customAuthenticationFactors") or ()), *([str(strength)] if strength else ()),
    }  # fmt: skip


def _listed(value: Any) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else set()
