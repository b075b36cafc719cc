"""Restores, plans and operations as callers see them."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from api.backups import csv_of
from shared.records.restores import Restore
from shared.recovery.plan import Operation
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.taking_back import why_not_undone

INNER = frozenset({"plan", "appliedAppOnly", "scope"})


def shown(restore: Restore) -> dict[str, Any]:
    """The restore without what only Cairn needs."""
    return {name: value for name, value in restore.items() if name not in INNER}


def operation_row(one: Operation, receipt: Mapping[str, Any] | None, restore: Restore) -> dict[str, Any]:
    """One operation with what became of it."""
    told = receipt or {}
    state = told.get("state") or ("cancelled" if restore["state"] == "cancelled" else "planned")
    return {
        "order": one.order, "wave": one.wave, "kind": one.kind, "method": one.method, "path": one.path,
        "objectType": one.object_type, "objectId": one.object_id, "objectName": one.object_name,
        "newObjectId": told.get("newObjectId"), "link": one.link or None, "targets": list(one.targets),
        "attributes": list(one.attributes), "state": state, "status": told.get("status"),
        "requestId": told.get("requestId"), "before": told.get("before"), "after": told.get("after"),
        "error": told.get("error"), "remedy": told.get("remedy"), "reason": one.reason, "at": told.get("at"),
    }


async def shown_plan(
    restore: Restore, index: PlanIndex, store: RestoreStore, *, top: int, after: int, link: str
) -> dict[str, Any]:
    """The plan, a page of its operations at a time."""
    rows: list[dict[str, Any]] = []
    lasting: list[dict[str, Any]] = []
    more = False
    async for one in store.operations(index, after):
        if len(rows) == top:
            more = True
            break
        rows.append(one.as_json())
        if why := why_not_undone(one):
            lasting.append({"order": one.order, "objectType": one.object_type, "objectId": one.object_id,
                            "objectName": one.object_name, "reason": why})
    left = [one.as_json() async for one in store.not_restored(index)] if after == 0 else []
    answer: dict[str, Any] = {
        "restoreId": restore["restoreId"], "state": restore["state"], "planHash": index.sha256,
        "backupId": index.backup_id, "options": dict(index.options), "counts": dict(index.counts),
        "findings": [one.as_json() for one in index.findings], "missingPermissions": list(index.missing_permissions),
        "operations": rows, "notRestored": left,
        "notUndone": lasting,
        "identities": [
            {"objectType": one["objectType"], "objectId": one["objectId"], "objectName": one["objectName"],
             "becomes": "a new id"} for one in rows if one["kind"] == "create"
        ],
        "relinked": [
            {"objectType": one["objectType"], "objectId": one["objectId"], "property": prop, "old": old, "new": new}
            for one in rows for prop, old, new in one.get("relinked", ())
        ],
    }
    if more:
        answer["operations@nextLink"] = f"{link}?top={top}&after={rows[-1]['order']}"
    return answer


COLUMNS = (
    "order", "wave", "kind", "objectType", "objectId", "objectName", "method", "path", "link", "targets", "attributes",
    "permission", "reason",
)


async def plan_as_csv(restore: Restore, index: PlanIndex, store: RestoreStore) -> Response:
    """The plan as a table; what is left stands at its end, without an order."""
    rows: list[tuple[Any, ...]] = [
        (one.order, one.wave, one.kind, one.object_type, one.object_id, one.object_name, one.method, one.path, one.link,
         " ".join(one.targets), " ".join(one.attributes), one.permission, one.reason)
        async for one in store.operations(index)
    ]
    rows += [
        ("", "", "leave", each.object_type, each.object_id, each.object_name, "", "", each.what, "", "", "",
         each.reason)
        async for each in store.not_restored(index)
    ]
    return csv_of(f"plan-{restore['restoreId']}", COLUMNS, rows)
