"""/tenants/{tenantId}/restorePoints: the restore points that hold all of some objects, as a list or as a calendar."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.guard import GuardedRoute, permit
from api.problems import unprocessable, wrong
from api.services import Deployed
from shared.browse.remembered import remembered
from shared.browse.timeline import History, Seen
from shared.expectations import expecting
from shared.records.times import as_text

router = APIRouter(prefix="/tenants/{tenant_id}/restorePoints", tags=["objects"], route_class=GuardedRoute)

MOST_OBJECTS = 100


@router.get("")
@permit("objects.read")
async def list_restore_points(
    tenant_id: str, deployed: Deployed,
    object_ids: Annotated[
        list[str], Query(alias="objectIds", max_length=MOST_OBJECTS, description="Ids, repeated or with commas.")
    ],
    group_by: Annotated[
        Literal["day"] | None, Query(alias="groupBy"), expecting("day, or nothing")
    ] = None,
) -> dict[str, Any]:
    """The restore points that hold all of these objects, newest first; whole, without further pages. An object that
    was made anew is there under any of its ids."""
    wanted = list(dict.fromkeys(one for ids in object_ids for one in ids.split(",") if one))
    if not 1 <= len(wanted) <= MOST_OBJECTS:
        raise unprocessable(wrong("objectIds", ",".join(wanted), f"1 to {MOST_OBJECTS} ids of objects"))
    history = History(remembered(deployed.vault), tenant_id.lower())
    known = await deployed.records.identity_map.resolved(tenant_id.lower())
    holding: dict[str, Seen] | None = None
    for object_id in wanted:
        seen = await history.seen(await history.type_of(object_id), known.all_of(object_id))
        there = {one.backup_id: one for one in seen if one.state.digest is not None}
        holding = there if holding is None else {key: one for key, one in holding.items() if key in there}
    found = [
        {"backupId": one.backup_id, "kind": one.kind, "started": as_text(one.started)}
        for one in sorted((holding or {}).values(), key=lambda one: one.backup_id, reverse=True)
    ]
    if group_by is None:
        return {"value": found}
    days: dict[str, list[dict[str, Any]]] = {}
    for point in found:
        days.setdefault(point["started"][:10], []).append(point)
    return {"value": [{"date": day, "count": len(points), "restorePoints": points} for day, points in days.items()]}
