"""What a plan must not do without a person's word, looked at before the first write. Pure.

A finding that blocks makes apply ask for `force`. Objects that are never touched are no finding: the planner leaves
them out and says why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
    """What a person should know before applying."""
    planned = list(operations)
    return [*_many(planned, facts), *_too_many_changes(planned, options), *_lockout(facts)]


def _many(operations: list[Operation], facts: Facts) -> Iterable[Finding]:
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


def _too_many_changes(operations: list[Operation], options: RestoreOptions) -> Iterable[Finding]:
    if options.max_changes is not None and len(operations) > options.max_changes:
        yield Finding(
            "maxChanges", f"The plan has {len(operations)} operations, more than maxChanges allows.", blocks=True,
            count=len(operations), threshold=options.max_changes,
        )


def _lockout(facts: Facts) -> Iterable[Finding]:
    """Whether the policies as restored would block every break-glass account and every Global Administrator."""
    people = facts.break_glass or facts.administrators
    everyone = facts.break_glass | facts.administrators
    if not everyone:
        return
    blocking = [one for one in facts.policies if _blocks(one)]
    free = {person for person in everyone if not any(_covers(one, person, facts) for one in blocking)}
    if not blocking or free & people:
        return
    names = ", ".join(sorted(str(one.get("displayName", "")) for one in blocking)[:3])
    if not free:
        yield Finding(
            "lockout", f"The Conditional Access policies as restored would block every break-glass account and every "
            f"Global Administrator: {names}.", blocks=True, count=len(everyone),
        )
    else:
        yield Finding(
            "breakGlassBlocked", f"The Conditional Access policies as restored would block every break-glass account: "
            f"{names}.", blocks=False, count=len(people),
        )


def _blocks(policy: Json) -> bool:
    controls = policy.get("grantControls") or {}
    conditions = policy.get("conditions") or {}
    applications = (conditions.get("applications") or {}).get("includeApplications") or []
    narrowed = any(conditions.get(name) for name in ("platforms", "locations", "devices", "signInRiskLevels",
                                                     "userRiskLevels", "clientApplications"))
    return (
        policy.get("state") == "enabled" and "block" in (controls.get("builtInControls") or ())
        and "All" in applications and not narrowed
        and set(conditions.get("clientAppTypes") or ["all"]) & {"all", "browser"} != set()
    )


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
