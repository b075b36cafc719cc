"""One object of a restore point as people look at it: attributes, links with names, where its licences are from.

A link name with more than FIRST_LINKS targets goes on at `{name}@nextLink`; one that cannot be answered quickly from a
packed restore point stands there alone, so that what was not looked up never looks empty.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.browse.columns import COLUMNS, row_of
from shared.browse.listing import MFA_TYPES, SHOWN
from shared.browse.point import Point
from shared.browse.timeline import History, events_of
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import Link
from shared.records.times import as_text
from shared.repository.records import ObjectRecord

FIRST_LINKS = 1_000
SCANNED = 20_000
"""Objects of a type up to which a packed restore point is searched for those that name an object."""

type Address = Callable[[str, int], str]
"""Where the links of a name go on after so many."""


async def summary_of(point: Point, record: ObjectRecord) -> dict[str, Any]:
    """The object as lists show it."""
    past = await History(point.vault, point.manifest.tenant_id).seen(record.object_type, [record.object_id])
    events = events_of([one for one in past if int(one.backup_id) <= point.manifest.sequence])
    first = events[-1].first if events else None
    captured, captured_at = (first.backup_id, as_text(first.started)) if first else ("", "")
    row = dict(zip(COLUMNS, row_of(record, captured, captured_at), strict=True))
    shown = {name: row[name] for name in SHOWN if name not in ("removed", "captured", "capturedAt")}
    if record.object_type == "user":
        shown["mfa"] = await _mfa_of(point, record.object_id)
    return {
        **shown, "lastBackup": captured or None, "lastBackupAt": captured_at or None,
        "backupId": point.manifest.backup_id, "backupDate": as_text(point.manifest.started),
    }


async def _mfa_of(point: Point, user_id: str) -> dict[str, Any] | None:
    """The user's MFA state and method, as lists show them; None where the restore point holds neither."""
    found = [one for name in MFA_TYPES if (one := await point.find(user_id, name)) is not None]
    rows = [dict(zip(COLUMNS, row_of(one, "", ""), strict=True)) for one in found]
    told = {what: next((row[key] for row in rows if row[key]), None)
            for what, key in (("state", "mfaState"), ("method", "mfaMethod"))}
    return told if found else None


async def links_shown(point: Point, record: ObjectRecord, address: Address) -> dict[str, Any]:
    """Every link of the object by name, both ways."""
    shown: dict[str, Any] = {}
    found = await point.forward(record)
    row = OBJECT_TYPES.get(record.object_type)
    declared = row.links if row else ()
    for link in declared:
        if link.reading != "inverse":
            found.setdefault(link.name, [])
    for link in declared:
        if link.reading == "inverse":
            if await is_quick(point, link):
                found[link.name] = await point.backward(record, link)
            else:
                shown[f"{link.name}@nextLink"] = address(link.name, 0)
    for name, targets in found.items():
        shown[name] = [one.as_json() for one in await point.names(targets[:FIRST_LINKS])]
        if len(targets) > FIRST_LINKS:
            shown[f"{name}@nextLink"] = address(name, FIRST_LINKS)
    return shown


async def licences_of(point: Point, record: ObjectRecord) -> list[dict[str, Any]] | None:
    """The licences of a user or a group, each with how it came: directly, or inherited from which groups.

    None for other types. Microsoft Graph, "licenseAssignmentState resource type": `assignedByGroup` is null for a
    licence that was assigned directly.
    """
    body = record.body
    if record.object_type not in ("user", "group"):
        return None
    states = [one for one in body.get("licenseAssignmentStates") or () if isinstance(one, Mapping)]
    assigned = {one.get("skuId"): one for one in body.get("assignedLicenses") or () if isinstance(one, Mapping)}
    skus = dict.fromkeys([*assigned, *(one.get("skuId") for one in states)])
    if not skus:
        return []
    parts = {
        one.body.get("skuId"): one.body.get("skuPartNumber") async for one in point.view("subscribedSku").objects()
    }
    group_ids = sorted({one["assignedByGroup"] for one in states if isinstance(one.get("assignedByGroup"), str)})
    groups = {one.object_id: one.as_json() for one in await point.names((one, "group") for one in group_ids)}
    licences = []
    for sku in skus:
        of_sku = [one for one in states if one.get("skuId") == sku]
        by = [one["assignedByGroup"] for one in of_sku if one.get("assignedByGroup")]
        licences.append({
            "skuId": sku,
            "skuPartNumber": parts.get(sku),
            "direct": any(not one.get("assignedByGroup") for one in of_sku) or not of_sku,
            "inheritedFrom": [groups[one] for one in by],
            "disabledPlans": (assigned.get(sku) or {}).get("disabledPlans", []),
            "states": sorted({str(one.get("state")) for one in of_sku if one.get("state")}),
        })
    return licences


async def is_quick(point: Point, link: Link) -> bool:
    """Whether the holders of an inverse link are found at once: by an index, in sidecars, or among few objects."""
    for holder in link.held_by:
        name, _, what = holder.partition(".")
        is_link = any(one.name == what for one in OBJECT_TYPES[name].links)
        entry = point.manifest.types.get(name)
        many = entry is not None and entry.counts.get("objects", 0) > SCANNED
        if many and not is_link and not await point.has_index(name):
            return False
    return True
