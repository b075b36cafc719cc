"""The order in which object types are restored, derived from what their rows refer to.

First the objects, each type after the types it names; then all links at once, when both their ends are there; then
the types that are safe only when everything else stands (Conditional Access), and their links. A circle among
references that order is a mistake in the rows: one of them must be written later, and its row must say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from shared.catalog.row import ObjectType
from shared.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Wave:
    """What may be restored side by side: whole types, or links as (type, link)."""

    number: int
    object_types: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def waves(rows: Mapping[str, ObjectType]) -> tuple[Wave, ...]:
    """The waves of a restore of these types, in order.

    Raises `CatalogError` for a circle, and for a type that must come early and refers to one that comes late.
    """
    early = {row.name for row in rows.values() if not row.after_links}
    late = set(rows) - early
    for name in sorted(early):
        wrong = sorted(names_needed(rows[name]) & late)
        if wrong:
            raise CatalogError(f"catalog row {name!r} refers to {wrong}, which come after all links: set `after_links`")
    parts: list[tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = []
    for phase in (early, late):
        parts.extend((level, ()) for level in _levels(rows, phase))
        links = _links(rows[name] for name in rows if name in phase)
        if links:
            parts.append(((), links))
    return tuple(Wave(number, types, links) for number, (types, links) in enumerate(parts, start=1))


def names_needed(row: ObjectType) -> frozenset[str]:
    """The other types whose objects must be there before one of this type is made."""
    named = {row.parent, *row.after} - {""}
    for reference in row.references:
        if reference.orders:
            named |= {reference.target, *reference.alternatives}
    return frozenset(named - {row.name})


def _levels(rows: Mapping[str, ObjectType], phase: set[str]) -> list[tuple[str, ...]]:
    sorter = TopologicalSorter({name: names_needed(rows[name]) & phase for name in rows if name in phase})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise CatalogError(
            f"catalog: these types refer to each other in a circle: {circle}; one reference must have orders=False"
        ) from None
    catalog_order = {name: place for place, name in enumerate(rows)}
    levels = []
    while sorter.is_active():
        ready = tuple(sorted(sorter.get_ready(), key=catalog_order.__getitem__))
        levels.append(ready)
        sorter.done(*ready)
    return levels


def _links(rows: Iterable[ObjectType]) -> tuple[tuple[str, str], ...]:
    return tuple((row.name, link.name) for row in rows for link in row.links if link.add and not link.restored_as)
