"""Whether a Conditional Access policy protects less than it did. Pure.

A policy protects less where it reaches less (fewer people, apps or circumstances, more exceptions), asks for less, or
remembers a sign-in for longer. Where the two cannot be weighed (another rule over devices), it is told as less. Source:
Microsoft Graph "conditionalAccessPolicy resource type" and those of its conditions and controls.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

type Body = Mapping[str, Any]

ENFORCED: Mapping[str, int] = {"enabled": 2, "enabledForReportingButNotEnforced": 1, "disabled": 0}
"""How much a policy protects in each state."""

EVERYTHING = frozenset({"All", "all", "ServicePrincipalsInMyTenant"})
TOGETHER = (
    ("users", ("includeUsers", "includeGroups", "includeRoles", "includeGuestsOrExternalUsers")),
    ("applications", ("includeApplications", "includeUserActions", "includeAuthenticationContextClassReferences")),
    ("clientApplications", ("includeServicePrincipals",)),
)
"""Whom and what a policy includes: what these name together."""
LIMITS = (
    ("platforms", "includePlatforms"), ("locations", "includeLocations"), ("", "clientAppTypes"),
    ("", "userRiskLevels"), ("", "signInRiskLevels"), ("", "servicePrincipalRiskLevels"), ("", "insiderRiskLevels"),
    ("authenticationFlows", "transferMethods"),
)
"""Circumstances: without any, a policy applies in all."""
EXCEPTIONS = ("users", "applications", "clientApplications", "platforms", "locations")
FILTERS = (
    ("devices", "deviceFilter"), ("applications", "applicationFilter"),
    ("clientApplications", "servicePrincipalFilter"),
)

MULTIFACTOR = "00000000-0000-0000-0000-000000000002"
PASSWORDLESS = "00000000-0000-0000-0000-000000000003"
PHISHING_RESISTANT = "00000000-0000-0000-0000-000000000004"
IMPLIED: Mapping[str, frozenset[str]] = {
    MULTIFACTOR: frozenset({"mfa"}),
    PASSWORDLESS: frozenset({"mfa", MULTIFACTOR}),
    PHISHING_RESISTANT: frozenset({"mfa", MULTIFACTOR, PASSWORDLESS}),
}
"""Built-in authentication strength → what who satisfies it satisfies too ("Authentication strengths")."""

HOURS: Mapping[str, int] = {"hours": 1, "days": 24}


def reaches_less(old: Body, new: Body) -> bool:
    """Whether these conditions leave out somebody or something that the older ones took in."""
    for part, names in TOGETHER:
        was, now = _together(old, part, names), _together(new, part, names)
        if was - now and not now & EVERYTHING:
            return True
    for part, name in LIMITS:
        was, now = _named(old, part, name), _named(new, part, name)
        if now and not now & EVERYTHING and (not was or was - now):
            return True
    for part in EXCEPTIONS:
        for name in {*_part(old, part), *_part(new, part)}:
            if name.startswith("exclude") and _named(new, part, name) - _named(old, part, name):
                return True
    return any(
        _part(new, part).get(name) and _part(new, part)[name] != _part(old, part).get(name) for part, name in FILTERS
    )


def asks_less(old: Body, new: Body) -> bool:
    """Whether somebody could satisfy these grant controls and not the older ones."""
    was, now = _controls(old), _controls(new)
    if not was or not now:
        return bool(was)
    any_was, any_now = _any(old, was), _any(new, now)
    if any_now:
        return not all(_satisfied(was, {one}, any_of=any_was) for one in now)
    return not _satisfied(was, now, any_of=any_was)


def remembers_longer(old: Body, new: Body) -> bool:
    """Whether these session controls bind a session less than the older ones."""
    for name, control in old.items():
        if _is_on(name, control) and not _is_on(name, new.get(name)):
            return True
    was, now = old.get("signInFrequency") or {}, new.get("signInFrequency") or {}
    if _is_on("", was) and _is_on("", now) and _hours(now) > _hours(was):
        return True
    if (new.get("persistentBrowser") or {}).get("mode") == "always":
        return (old.get("persistentBrowser") or {}).get("mode") != "always"
    return _disables_evaluation(new) and not _disables_evaluation(old)


def covers(policy: Body, person: str, members: Mapping[str, frozenset[str]], roles: frozenset[str]) -> bool:
    """Whether the policy is enforced on this person; `members` are those of the groups that it names."""
    if policy.get("state") != "enabled":
        return False
    conditions = policy.get("conditions") or {}

    def names(side: str) -> bool:
        groups = _named(conditions, "users", f"{side}Groups")
        return (
            person in {one.lower() for one in _named(conditions, "users", f"{side}Users")}
            or any(person in members.get(group, ()) for group in groups)
            or bool(roles & _named(conditions, "users", f"{side}Roles"))
        )

    everyone = "All" in _named(conditions, "users", "includeUsers")
    return (everyone or names("include")) and not names("exclude")


def groups_of(policy: Body) -> frozenset[str]:
    """The groups that the policy names."""
    conditions = policy.get("conditions") or {}
    return _named(conditions, "users", "includeGroups") | _named(conditions, "users", "excludeGroups")


def _part(conditions: Body, part: str) -> Body:
    return (conditions.get(part) or {}) if part else conditions


def _together(conditions: Body, part: str, names: tuple[str, ...]) -> frozenset[str]:
    found = frozenset[str]().union(*(_named(conditions, part, name) for name in names))
    return found - {"None"}


def _named(conditions: Body, part: str, name: str) -> frozenset[str]:
    return frozenset(_texts(_part(conditions, part).get(name)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield from map(str, value)
    elif isinstance(value, str) and value:
        yield from (one.strip() for one in value.split(","))
    elif isinstance(value, Mapping):  # guests: each kind of them, with the tenants that it is about
        tenants = orjson.dumps(value.get("externalTenants"), option=orjson.OPT_SORT_KEYS).decode()
        yield from (f"{kind} {tenants}" for kind in _texts(value.get("guestOrExternalUserTypes")))


def _controls(controls: Body) -> frozenset[str]:
    strength = (controls.get("authenticationStrength") or {}).get("id")
    return frozenset({
        *map(str, controls.get("builtInControls") or ()), *map(str, controls.get("termsOfUse") or ()),
        *map(str, controls.get("customAuthenticationFactors") or ()), *([str(strength)] if strength else ()),
    })  # fmt: skip


def _any(controls: Body, asked: frozenset[str]) -> bool:
    return controls.get("operator") == "OR" and len(asked) > 1


def _satisfied(asked: frozenset[str], given: frozenset[str] | set[str], *, any_of: bool) -> bool:
    if "block" in given:
        return True
    shown = set(given).union(*(IMPLIED.get(one, frozenset()) for one in given))
    return bool(asked & shown) if any_of else asked <= shown


def _is_on(name: str, control: Any) -> bool:
    if name == "continuousAccessEvaluation":
        return False  # it only ever weakens: see below
    if isinstance(control, Mapping):
        return control.get("isEnabled") is not False
    return control is True


def _hours(frequency: Body) -> int:
    if frequency.get("frequencyInterval") == "everyTime":
        return 0
    return int(frequency.get("value") or 0) * HOURS.get(str(frequency.get("type")), 1)


def _disables_evaluation(controls: Body) -> bool:
    return (controls.get("continuousAccessEvaluation") or {}).get("mode") == "disabled"
