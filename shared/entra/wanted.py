"""What of a catalog row is asked for in one tenant: its row, narrowed by options, permissions, cloud and lane. Pure.

Nothing is left out in silence: what the row has and is not asked for stands in `left_out`, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.catalog.permissions import missing
from shared.catalog.row import Cloud, Link, ObjectType, Subtype

NOT_IN_DELTA = frozenset({"customSecurityAttributes", "passwordProfile"})
"""Properties that a list shows and delta does not ("Use delta query to track changes": what is stored elsewhere)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one tenant's types are to be read this time."""

    options: Mapping[str, bool] = field(default_factory=dict)
    """The tenant's options, those that are off may be absent."""
    held: frozenset[str] | None = None
    """Application permissions that the token holds; None if unknown: then all is asked for and a 403 tells."""
    delta: bool = True
    """False for tenants without change tracking (external and B2C tenants)."""
    slow: bool = True
    """Whether the slow lane is read: properties and links that take a request for each object."""
    sweeps: bool = True
    """Whether reading by changes lists links that delta does not track for every object; else for those that changed
    only. Reading in full always lists them."""
    parents: tuple[Mapping[str, Any], ...] | None = None
    """For types under parents: only these parents, as they were read; None for all."""
    named: frozenset[str] = frozenset()
    """For types under parents: the parents that are asked whatever the row's condition says."""
    known: tuple[str, ...] | None = None
    """Ids of the objects that were there last time (for a type under parents: of the parents that are there), so that
    a sweep asks for them instead of listing page after page; None where they are not known."""
    extensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Directory extensions registered in the tenant, by the kind of object that has them (`User`, `Group`)."""
    expected_objects: int | None = None
    """How many there were last time; the planner asks Graph if it is not told."""
    expected_links: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A property or link that is not asked for, and why."""

    what: str
    why: Literal["option", "permission"]
    name: str
    """The option that is off, or the permission that is missing."""
    partly: bool = False
    """It is read, but Graph will not show all of it (hidden members)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for of one row."""

    row: ObjectType
    by_delta: bool
    select: tuple[str, ...]
    delta_links: tuple[Link, ...]
    expand_links: tuple[Link, ...]
    each_links: tuple[Link, ...]
    singly: tuple[str, ...]
    in_beta: tuple[str, ...]
    documents: tuple[tuple[str, str], ...]
    streams: tuple[str, ...]
    subtypes: tuple[Subtype, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def has_slow_properties(self) -> bool:
        """Whether any property takes a request for each object."""
        return bool(self.singly or self.in_beta or self.documents or self.streams or self.subtypes)

    @property
    def untracked(self) -> tuple[str, ...]:
        """Properties for which the objects are listed in full, delta or not, and read singly when they change.

        Worth it where security attributes are asked for. A password profile alone is not: it is absent then, not null.
        """
        if not self.by_delta or "customSecurityAttributes" not in self.select:
            return ()
        return tuple(name for name in self.select if name in NOT_IN_DELTA)

    @property
    def tracked(self) -> tuple[str, ...]:
        """Properties that delta shows."""
        return tuple(name for name in self.select if name not in NOT_IN_DELTA)


def wanted(row: ObjectType, reading: Reading, cloud: Cloud) -> Wanted:
    """What to ask for of `row`, and what is left out."""
    left_out: list[LeftOut] = []
    permissions, options = dict(row.select_permissions), dict(row.property_options)

    def allowed(what: str) -> bool:
        return _allowed(what, options.get(what, ""), permissions.get(what, ""), reading, left_out)

    by_delta = row.reading == "delta" and reading.delta and cloud in row.delta_clouds
    asked = [link for link in row.links if _link_allowed(link, reading, left_out)]
    asked = [link for link in asked if reading.slow or not link.slow]
    return Wanted(
        row=row,
        by_delta=by_delta,
        select=_with_extensions(tuple(name for name in row.select if allowed(name)), row, reading),
        delta_links=tuple(link for link in asked if link.reading == "delta" and by_delta),
        expand_links=tuple(
            link for link in asked
            if link.reading == "expand" or (link.reading == "delta" and not by_delta and link.single)
        ),
        each_links=tuple(
            link for link in asked
            if link.reading == "each" or (link.reading == "delta" and not by_delta and not link.single)
        ),
        singly=tuple(name for name in row.singly if reading.slow and allowed(name)),
        in_beta=tuple(name for name in row.in_beta if reading.slow and allowed(name)),
        documents=tuple(pair for pair in row.documents if reading.slow and allowed(pair[0])),
        streams=tuple(name for name in row.streams if reading.slow and allowed(name)),
        subtypes=tuple(one for one in row.subtypes if reading.slow and one.properties and one.path),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _with_extensions(select: tuple[str, ...], row: ObjectType, reading: Reading) -> tuple[str, ...]:
    """Graph shows a directory extension only where it is asked for by name ("Add custom data to resources")."""
    names = reading.extensions.get(row.extension_target, ()) if row.extension_target and select else ()
    return (*select, *(name for name in names if name not in select))


def holds_permission(held: frozenset[str], permission: str) -> bool:
    """Whether `permission` is held, by itself or by one that serves for it; no permission at all is always held."""
    return not permission or not missing((permission,), held)


def _allowed(what: str, option: str, permission: str, reading: Reading, left_out: list[LeftOut]) -> bool:
    if option and not reading.options.get(option):
        left_out.append(LeftOut(what, "option", option))
        return False
    if permission and reading.held is not None and not holds_permission(reading.held, permission):
        left_out.append(LeftOut(what, "permission", permission))
        return False
    return True


def _link_allowed(link: Link, reading: Reading, left_out: list[LeftOut]) -> bool:
    if link.reading == "inverse" or not _allowed(link.name, link.option, "", reading, left_out):
        return False
    missing = [one for one in link.permissions if reading.held is not None and not holds_permission(reading.held, one)]
    # What a delta shows inline comes with the object's own permission; a missing one hides a part (hidden members).
    partly = link.reading == "delta"
    left_out.extend(LeftOut(link.name, "permission", one, partly) for one in missing)
    return partly or not missing
