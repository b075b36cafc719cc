"""Two versions of one object side by side: attribute by attribute, link by link, both ways.

An object that Cairn made anew is the object that it was: references and links to it are followed, so that what only
changed its id is no difference. Links from others that a packed restore point cannot answer quickly are named, and
never look unchanged.
"""

from collections.abc import Mapping
from typing import Any

from shared.browse.one_object import is_quick
from shared.browse.point import Point
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.recovery.relink import Ids, relinked
from shared.recovery.writable import same
from shared.repository.records import ObjectRecord

type Edge = tuple[str, str]
"""(link, id of the other end)."""


async def compared(
    before: Point, after: Point, one: ObjectRecord | None, other: ObjectRecord | None, *, ids: Ids,
    only_differences: bool,
) -> dict[str, Any]:
    """What differs between an object in two restore points; None where one does not hold it.

    Values are shown whole, as Microsoft Graph gives them; what says the same (another order of plain values, null for
    empty) and what the service itself keeps changing (`volatile`) is no difference, as in reports.
    """
    attributes = [
        {"attribute": name, "oldValue": old, "newValue": new, "changed": changed}
        for name, old, new, changed in _attributes(one, other, ids)
        if changed or not only_differences
    ]
    links, unknown = await _links(before, after, one, other, ids, only_differences=only_differences)
    changed = any(entry["changed"] for entry in attributes) or any(entry["change"] != "unchanged" for entry in links)
    return {
        "identical": not changed and (one is None) == (other is None),
        "attributes": attributes,
        "links": links,
        "linksNotCompared": unknown,
    }


def _attributes(
    one: ObjectRecord | None, other: ObjectRecord | None, ids: Ids
) -> list[tuple[str, Any, Any, bool]]:
    old, new = (record.body if record else {} for record in (one, other))
    followed = _followed(one, ids)
    return [
        (name, old.get(name), new.get(name), not same(followed.get(name), new.get(name)))
        for name in sorted({*old, *new})
        if not name.startswith("@cairn.")
    ]


def _followed(record: ObjectRecord | None, ids: Ids) -> Mapping[str, Any]:
    row = OBJECT_TYPES.get(record.object_type) if record else None
    if record is None or row is None:
        return record.body if record else {}
    return relinked(row, record.body, ids)[0]


async def _links(
    before: Point, after: Point, one: ObjectRecord | None, other: ObjectRecord | None, ids: Ids, *,
    only_differences: bool,
) -> tuple[list[dict[str, Any]], list[str]]:
    record = other or one
    row = OBJECT_TYPES.get(record.object_type) if record else None
    unknown = sorted({
        link.name for point, side in ((before, one), (after, other)) if side is not None
        for link in (row.links if row else ()) if link.reading == "inverse" and not await is_quick(point, link)
    })
    was, new = await _edges(before, one, row, unknown), await _edges(after, other, row, unknown)
    old = {(link, ids.now(target)): (target, kind) for (link, target), (_, kind) in was.items()}
    wanted = (
        ("removed", before, [(link, *old[link, now]) for link, now in old.keys() - new.keys()]),
        ("added", after, [(link, *new[link, target]) for link, target in new.keys() - old.keys()]),
        ("unchanged", after, [
            (link, *new[link, target]) for link, target in (() if only_differences else old.keys() & new.keys())
        ]),
    )
    shown = []
    for change, point, edges in wanted:
        ordered = sorted(edges)
        named = await point.names((target, kind) for _, target, kind in ordered)
        shown += [
            {"link": link, "change": change, "targetId": found.object_id, "targetType": found.object_type,
             "targetName": found.name}
            for (link, _, _), found in zip(ordered, named, strict=True)
        ]
    return sorted(shown, key=lambda entry: (str(entry["link"]), str(entry["change"]))), unknown


async def _edges(
    point: Point, record: ObjectRecord | None, row: ObjectType | None, unknown: list[str]
) -> dict[Edge, tuple[str, str]]:
    """Each link of the object, its own and those that lead to it → (id, type) of the other end."""
    if record is None:
        return {}
    found = await point.forward(record)
    for link in row.links if row else ():
        if link.reading == "inverse" and link.name not in unknown:
            found[link.name] = await point.backward(record, link)
    return {(name, target): (target, kind) for name, targets in found.items() for target, kind in targets}
