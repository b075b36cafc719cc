"""Two versions of one object side by side: attribute by attribute, link by link."""

from typing import Any

from shared.browse.point import Point
from shared.repository.records import ObjectRecord


async def compared(
    before: Point, after: Point, one: ObjectRecord | None, other: ObjectRecord | None, *, only_differences: bool
) -> dict[str, Any]:
    """What differs between an object in two restore points; None where one does not hold it.

    Attributes are compared whole, as Microsoft Graph gives them; what the service itself keeps changing (`volatile`)
    is no difference.
    """
    attributes = [
        {"attribute": name, "oldValue": old, "newValue": new, "changed": old != new}
        for name, old, new in _attributes(one, other)
        if old != new or not only_differences
    ]
    links = await _links(before, after, one, other, only_differences=only_differences)
    changed = any(entry["changed"] for entry in attributes) or any(entry["change"] != "unchanged" for entry in links)
    return {
        "identical": not changed and (one is None) == (other is None),
        "attributes": attributes,
        "links": links,
    }


def _attributes(one: ObjectRecord | None, other: ObjectRecord | None) -> list[tuple[str, Any, Any]]:
    old, new = (record.body if record else {} for record in (one, other))
    return [
        (name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if not name.startswith("@cairn.")
    ]


async def _links(
    before: Point, after: Point, one: ObjectRecord | None, other: ObjectRecord | None, *, only_differences: bool
) -> list[dict[str, Any]]:
    old, new = await _edges(before, one), await _edges(after, other)
    wanted = (("removed", before, old - new), ("added", after, new - old),
              ("unchanged", after, set() if only_differences else old & new))
    shown = []
    for change, point, edges in wanted:
        ordered = sorted(edges)
        named = await point.names((target, kind) for _, target, kind in ordered)
        shown += [
            {"link": link, "change": change, "targetId": found.object_id, "targetType": found.object_type,
             "targetName": found.name}
            for (link, _, _), found in zip(ordered, named, strict=True)
        ]
    return sorted(shown, key=lambda entry: (str(entry["link"]), str(entry["change"])))


async def _edges(point: Point, record: ObjectRecord | None) -> set[tuple[str, str, str]]:
    if record is None:
        return set()
    return {(name, target, kind) for name, targets in (await point.forward(record)).items() for target, kind in targets}
