"""Decide what one backup reads, and how: pure, from the catalog's rows and the restore point before.

Algorithm, for each object type in turn:
1. Off by the tenant's options, or not in this cloud: `off`.
2. Not among the types asked for: `carried` from the restore point before (`off` if there is none).
3. `full` if a full backup was asked for, if there is nothing to build on, or if the last whole read is too old.
4. Else `changes` if the type has delta here and a token that still lives.
5. Else `parents` for a slow type that lives under another: only under parents that changed, since it takes a request
   for each; its parent must itself be read by changes.
6. Else `full`, which for a type without delta is its only way and is stored as what differs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.catalog.row import Cloud, ObjectType
from shared.messages import BackupKind, Lane

FULL_READ_EVERY = timedelta(days=7)
"""Delta is not trusted blindly: every type is read whole at least this often."""

TOKEN_LIFE = timedelta(days=6, hours=12)
"""Graph keeps delta tokens of directory objects for 7 days (Use delta query to track changes); half a day is margin."""

Mode = Literal["full", "changes", "parents", "carried", "off"]


@dataclass(frozen=True, slots=True)
class Before:
    """What the newest restore point holds of one type."""

    outcome: str
    read_at: datetime
    full_read_at: datetime | None
    row_digest: str
    has_token: bool
    recovered_since: bool = False
    """Whether Microsoft's own recovery may have changed it since it was read."""


@dataclass(frozen=True, slots=True)
class TypePlan:
    """How one type is read this time, and why so."""

    object_type: str
    mode: Mode
    reason: str


def plan_types(
    rows: Iterable[ObjectType],
    *,
    before: Mapping[str, Before],
    digests: Mapping[str, str],
    enabled: frozenset[str],
    wanted: frozenset[str] | None,
    kind: BackupKind,
    cloud: Cloud,
    now: datetime,
) -> list[TypePlan]:
    """Return one plan a type; `digests` tell whether a row's `$select` and links are those of the token."""
    plans: dict[str, TypePlan] = {}
    rows = tuple(rows)
    for row in sorted(rows, key=lambda one: bool(one.parent)):  # parents first: children ask how theirs is read
        plans[row.name] = _plan_type(
            row, before.get(row.name), digest=digests[row.name], enabled=enabled, wanted=wanted, kind=kind,
            cloud=cloud, now=now, parent=plans.get(row.parent),
        )
    return [plans[row.name] for row in rows]


def _plan_type(
    row: ObjectType,
    before: Before | None,
    *,
    digest: str,
    enabled: frozenset[str],
    wanted: frozenset[str] | None,
    kind: BackupKind,
    cloud: Cloud,
    now: datetime,
    parent: TypePlan | None,
) -> TypePlan:
    if row.name not in enabled:
        return TypePlan(row.name, "off", f"the option {row.option!r} is off" if row.option else "not in this cloud")
    if wanted is not None and row.name not in wanted:
        if before is None:
            return TypePlan(row.name, "off", "not asked for, and in no restore point yet")
        return TypePlan(row.name, "carried", "not asked for this time")
    why_full = _why_full(before, digest=digest, kind=kind, now=now)
    if why_full or before is None:
        return TypePlan(row.name, "full", why_full)
    if row.parent:
        slow = row.slow and parent is not None and parent.mode == "changes"
        if slow:
            return TypePlan(row.name, "parents", "under parents that changed")
        return TypePlan(row.name, "full", NO_DELTA)
    if row.reading != "delta" or cloud not in row.delta_clouds:
        return TypePlan(row.name, "full", NO_DELTA)
    if not before.has_token:
        return TypePlan(row.name, "full", "there is no delta token to go on from")
    if now - before.read_at > TOKEN_LIFE:
        return TypePlan(row.name, "full", "its delta token is too old")
    return TypePlan(row.name, "changes", "by its delta token")


NO_DELTA = "Graph has no delta for it here"


def _why_full(before: Before | None, *, digest: str, kind: BackupKind, now: datetime) -> str:
    """Why the type must be read in full whatever Graph offers, or nothing."""
    if kind == "full":
        return "a full backup was asked for"
    if before is None:
        return "it is in no restore point yet"
    if before.outcome not in ("complete", "carried"):
        return "it was not read whole last time"
    if before.row_digest != digest:
        return "the catalog's row, or what is asked for of it, has changed"
    if before.full_read_at is None or now - before.full_read_at >= FULL_READ_EVERY:
        return "its last whole read is a week old"
    if before.recovered_since:
        return "Microsoft's own recovery ran since, which leaves no delta records"
    return ""


OWN_LANE: Mapping[str, float] = {
    "user": 0.22,
    "group": 0.26,
    "servicePrincipal": 0.14,
    "application": 0.08,
    "device": 0.08,
    "appRoleAssignment": 0.08,
    "oAuth2PermissionGrant": 0.04,
}
"""Types that grow with the tenant are read by an activity of their own; the number is its share of the budget."""

SMALL_LANES = 2
"""Everything else is small: spread over so many lanes, which share what is left of the budget."""

CONDITIONAL_ACCESS_LANE = "conditionalAccess"
"""All types of that bucket in one lane: 1 request a second for the tenant (service-specific throttling limits)."""


def lanes(rows: Iterable[ObjectType], plans: Iterable[TypePlan]) -> list[Lane]:
    """Return the lanes that read what is planned; their shares add up to at most 1.

    What is swept under objects that are read by changes follows those in their lane: by then their ids are known, and
    the sweep asks for them at once instead of listing page after page.
    """
    modes = {plan.object_type: plan.mode for plan in plans}
    to_read = [row for row in rows if modes[row.name] in ("full", "changes")]
    following = {
        row.name: row.parent for row in to_read
        if row.parent_expand and row.parent in OWN_LANE and modes[row.parent] == "changes"
    }
    own = []
    for row in to_read:
        if row.name in OWN_LANE and row.name not in following:
            types = [row.name, *(name for name, parent in following.items() if parent == row.name)]
            own.append(Lane(name=row.name, types=types, share=sum(OWN_LANE.get(name, 0.0) for name in types)))
    rest = [row for row in to_read if row.name not in OWN_LANE and row.name not in following]
    slow = [row.name for row in rest if row.special_bucket == "conditionalAccess"]
    small = _in_their_order([row for row in rest if row.special_bucket != "conditionalAccess"])
    shared_lanes = [(CONDITIONAL_ACCESS_LANE, slow)] + [
        (f"small{number + 1}", [name for some in small[number::SMALL_LANES] for name in some])
        for number in range(SMALL_LANES)
    ]
    left = (1.0 - sum(OWN_LANE.values())) / (SMALL_LANES + 1)
    return own + [Lane(name=name, types=types, share=left) for name, types in shared_lanes if types]


def _in_their_order(rows: list[ObjectType]) -> list[list[str]]:
    """Types that stay together in one lane: one whose parents others name comes after those."""
    together = {row.name: [row.name] for row in rows}
    for row in rows:
        before = [one.name for one in rows if one.name in row.waits_for and row.parent_named_by]
        for one in before:
            together[row.name] = [*together.pop(one, ()), *together[row.name]]
    return list(together.values())


def closing_order(rows: Iterable[ObjectType]) -> list[str]:
    """Types with delta, sources of links before their targets.

    A link that is read names an object that existed when it was read; its type is read later, so the restore point
    holds that object too, unless it was deleted in between (then the end dangles, and is listed).
    """
    rank = {
        "directoryRole": 0, "administrativeUnit": 1, "group": 2, "device": 3, "application": 4, "servicePrincipal": 5,
    }
    with_delta = [row.name for row in rows if row.reading == "delta"]
    return sorted(with_delta, key=lambda name: (rank.get(name, 4), name) if name != "user" else (9, name))
