"""What a plan must not do without a person's word, looked at before the first write. Pure.

A finding that blocks makes apply ask for `force`. Objects that are never touched are no finding: the planner leaves
them out and says why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.recovery.options import RestoreOptions
from shared.recovery.plan import Finding, Operation
from shared.recovery.state import Json

SHARE = 0.10
"""A plan that deletes or disables more than this part of a type's objects needs `force`."""
ALWAYS_ALLOWED = 10
"""So many of a type may go in any case: in a small tenant a tenth is soon reached."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the tenant beside the plan."""

    totals: Mapping[str, int] = field(default_factory=dict)
    """Objects of each type in the newest restore point."""
    administrators: frozenset[str] = frozenset()
    """Users who hold the Global Administrator role."""
    break_glass: frozenset[str] = frozenset()
    policies: tuple[Json, ...] = ()
    """Conditional Access policies as they will be."""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Group → its members, for groups that policies name."""
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """User → role templates that the user holds."""


def findings(operations: Iterable[Operation], options: RestoreOptions, facts: Facts) -> list[Finding]:
    """What a person should know before applying; the operations are gone through more than once."""
    return [*_many(operations, facts), *_too_many_changes(operations, options), *_lockout(facts)]


def _many(operations: Iterable[Operation], facts: Facts) -> Iterable[Finding]:
    deletes = Counter(one.object_type for one in operations if one.kind == "delete")
    disables = Counter(one.object_type for one in operations if one.kind == "update" and _disables(one))
    for verb, counted in (("delete", deletes), ("disable", disables)):
        for name, count in sorted(counted.items()):
            threshold = max(ALWAYS_ALLOWED, int(facts.totals.get(name, 0) * SHARE))
            if count > threshold:
                yield Finding(
                    f"mass{verb.capitalize()}",
                    f"The plan would {verb} {count} of {OBJECT_TYPES[name].title}, more than {threshold}.",
                    blocks=True, count=count, threshold=threshold,
                )


def _disables(one: Operation) -> bool:
    body = one.body or {}
    return body.get("accountEnabled") is False or body.get("state") == "disabled"


def _too_many_changes(operations: Iterable[Operation], options: RestoreOptions) -> Iterable[Finding]:
    count = sum(1 for _ in operations) if options.max_changes is not None else 0
    if options.max_changes is not None and count > options.max_changes:
        yield Finding(
            "maxChanges", f"The plan has {count} operations, more than maxChanges allows.", blocks=True, count=count,
            threshold=options.max_changes,
        )


def _lockout(facts: Facts) -> Iterable[Finding]:
    """Whether the policies as restored would block every break-glass account and every Global Administrator."""
    people = facts.break_glass or facts.administrators
    everyone = facts.break_glass | facts.administrators
    if not everyone:
        return
    blocking = [one for one in facts.policies if _blocks(one)]
    free = {person for person in everyone if not any(_covers(one, person, facts) for one in blocking)}
    if not free and blocking:
        yield Finding(
            "lockout", f"The Conditional Access policies as restored would block every break-glass account and every "
            f"Global Administrator: {_named(blocking)}.", blocks=True, count=len(everyone),
        )
    elif blocking and not free & people:
        yield Finding(
            "breakGlassBlocked", f"The Conditional Access policies as restored would block every break-glass account: "
            f"{_named(blocking)}.", blocks=False, count=len(people),
        )
    demanding = [one for one in facts.policies if _demands(one)]
    met = {person for person in everyone if not any(_covers(one, person, facts) for one in demanding)}
    if demanding and free and not met & free:
        yield Finding(
            "strengthForAll", "The Conditional Access policies as restored ask every break-glass account and every "
            "Global Administrator for a certain authentication strength or a managed device, which Cairn cannot see "
            f"them have: {_named(demanding)}.", blocks=False, count=len(everyone),
        )


def _named(policies: Iterable[Json]) -> str:
    return ", ".join(sorted(str(one.get("displayName", "")) for one in policies)[:3])


_PORTALS = frozenset({"All", "MicrosoftAdminPortals"})
"""Without these nobody administers the tenant in a browser."""
_DEVICES = frozenset({"compliantDevice", "domainJoinedDevice"})


def _blocks(policy: Json) -> bool:
    return "block" in ((policy.get("grantControls") or {}).get("builtInControls") or ()) and _everywhere(policy)


def _demands(policy: Json) -> bool:
    """Whether it asks for what an account may not have: a strength, or a managed device and no way around it."""
    controls = policy.get("grantControls") or {}
    asked = set(controls.get("builtInControls") or ())
    strength = bool(controls.get("authenticationStrength"))
    whole = controls.get("operator") == "AND" or len(asked) + strength <= 1
    only_devices = bool(asked) and asked <= _DEVICES and not strength
    return _everywhere(policy) and (only_devices or (whole and bool(strength or asked & _DEVICES)))


def _everywhere(policy: Json) -> bool:
    """Whether it is on and holds for the tenant's administration, from any place, device and browser."""
    conditions = policy.get("conditions") or {}
    applications = (conditions.get("applications") or {}).get("includeApplications") or []
    return (
        policy.get("state") == "enabled" and bool(_PORTALS & set(applications))
        and not any(conditions.get(name) for name in ("devices", "signInRiskLevels", "userRiskLevels",
                                                      "clientApplications", "authenticationFlows"))
        and _takes_all(conditions.get("locations"), "Locations", {"All"})
        and _takes_all(conditions.get("platforms"), "Platforms", {"all"})
        and set(conditions.get("clientAppTypes") or ["all"]) & {"all", "browser"} != set()
    )


def _takes_all(condition: Any, kind: str, all_of_them: set[str]) -> bool:
    """Whether a condition on places or platforms leaves none out: no such condition, or all and no exception."""
    if not condition:
        return True
    included = set(condition.get(f"include{kind}") or ())
    return bool(included & all_of_them) and not condition.get(f"exclude{kind}")


def _covers(policy: Json, person: str, facts: Facts) -> bool:
    users = (policy.get("conditions") or {}).get("users") or {}

    def named(side: str) -> bool:
        groups = users.get(f"{side}Groups") or ()
        return (
            person in (users.get(f"{side}Users") or ())
            or any(person in facts.members.get(group, ()) for group in groups)
            or bool(facts.roles.get(person, frozenset()) & set(users.get(f"{side}Roles") or ()))
        )

    return ("All" in (users.get("includeUsers") or ()) or named("include")) and not named("exclude")
