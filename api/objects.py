"""/tenants/{tenantId}/objects: the objects of an unpacked restore point, listed, counted, searched, exported."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.durable import Durable
from api.guard import GuardedRoute, permit
from api.lists import (
    Fields,
    ListedBy,
    bad_continuation,
    made_for,
    next_link,
    order_of,
    query_of,
    start_of,
)
from api.problems import unprocessable, wrong
from api.services import CalledBy, Deployed, OpenDeployment, Services
from api.starting import IdempotencyKey, started_once
from shared import operations
from shared.browse.columns import MFA_METHODS
from shared.browse.exporting import csv_bytes, message_of
from shared.browse.index import NotUnpacked
from shared.browse.listing import SORTABLE, Filter, Listing, Place
from shared.browse.opening import open_listing
from shared.browse.packing import newest_unpacked
from shared.browse.search.screens import OBJECTS
from shared.catalog import OBJECT_TYPES
from shared.errors import Missing, UnknownRecord
from shared.expectations import expecting
from shared.records.restore_points import LATEST, RestorePoint
from shared.records.tasks import Task
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest
from shared.starting import start

router = APIRouter(prefix="/tenants/{tenant_id}/objects", tags=["objects"], route_class=GuardedRoute)

FIELDS = Fields("displayName asc", tuple(SORTABLE))

MOST_CHOSEN = 200
"""Ids that one request may choose; more do not fit an orchestration's message."""

MOST_ROWS_AT_ONCE = 50_000
"""Rows of a CSV that are sent as the answer; a longer one becomes a task."""

MFA = ("enforced", "enabled", "disabled", *MFA_METHODS.values(), *MFA_METHODS)

Backup = Annotated[
    str | None,
    Query(max_length=64, description="A restore point's id, or `latest`; without it the newest unpacked one."),
]


async def restore_point(opened: OpenDeployment, tenant_id: str, backup: str | None) -> RestorePoint:
    """The restore point that a request means: the one named, or the newest unpacked one, or the newest."""
    named = backup or await newest_unpacked(opened.records, tenant_id) or LATEST
    return await opened.records.restore_points.get(tenant_id, named)


async def manifest_of(opened: OpenDeployment, tenant_id: str, point: RestorePoint) -> Manifest:
    """The restore point's manifest; UnknownRecord if it has expired meanwhile."""
    try:
        return await read_manifest(opened.vault, tenant_id, int(point["backupId"]))
    except Missing:
        raise UnknownRecord(f"Restore point {point['backupId']} is not in the vault any more.") from None


async def refuse_packed(request: Request) -> None:
    """404 for a restore point that is not there, 409 for one that is packed."""
    services: Services = request.app.state.services
    opened = await services.deployment()
    point = await restore_point(opened, request.path_params["tenant_id"].lower(), request.query_params.get("backup"))
    if point["status"] != "unpacked":
        raise NotUnpacked(f"Restore point {point['backupId']} is packed.")


async def object_filter(
    q: Annotated[str | None, Query(description="A search; see the search language.")] = None,
    types: Annotated[
        list[str] | None, Query(alias="type", max_length=200, description="Types as /objectTypes lists them.")
    ] = None,
    group_kind: Annotated[
        Literal["security", "microsoft365", "dynamic", "mailEnabledSecurity", "distribution"] | None,
        Query(alias="groupKind"),
        expecting("one of security, microsoft365, dynamic, mailEnabledSecurity, distribution"),
    ] = None,
    user_type: Annotated[
        Literal["member", "guest", "b2cLocal", "social"] | None, Query(alias="userType"),
        expecting("one of member, guest, b2cLocal, social"),
    ] = None,
    synced: bool | None = None,
    mfa: Annotated[
        str | None, Query(max_length=64, description="enforced, enabled, disabled, or a method such as OneWaySMS.")
    ] = None,
    mail_enabled: Annotated[bool | None, Query(alias="mailEnabled")] = None,
    deleted: Annotated[Literal["false", "true", "any"], expecting("one of false, true, any")] = "false",
) -> Filter:
    """Which objects a request is about; 400 for a search that cannot be read, 422 for an unknown type."""
    chosen = tuple(dict.fromkeys(name for one in types or () for name in one.split(",") if name))
    unknown = [name for name in chosen if name not in OBJECT_TYPES]
    if unknown:
        raise unprocessable(
            *(wrong("type", name, "a type that GET /api/v1/objectTypes lists") for name in unknown[:20])
        )
    if mfa is not None and mfa not in MFA:
        raise unprocessable(wrong("mfa", mfa, "one of " + ", ".join(MFA)))
    return Filter(
        query=query_of(q, OBJECTS), text=q or "", types=chosen, group_kind=group_kind, user_type=user_type,
        synced=synced, mfa=mfa, mail_enabled=mail_enabled, deleted=deleted,
    )


Chosen = Annotated[Filter, Depends(object_filter)]


async def listing_of(opened: OpenDeployment, tenant_id: str, backup: str | None) -> Listing:
    """The objects of the restore point that a request means; NotUnpacked unless its index is there."""
    point = await restore_point(opened, tenant_id, backup)
    if point["status"] != "unpacked":
        raise NotUnpacked(f"Restore point {point['backupId']} is packed.")
    manifest = await manifest_of(opened, tenant_id, point)
    return await open_listing(opened.records, opened.vault, opened.workspace, manifest)


@router.get("")
@permit("objects.read", refuse=refuse_packed)
async def list_objects(
    request: Request, tenant_id: str, deployed: Deployed, query: ListedBy, chosen: Chosen, backup: Backup = None
) -> dict[str, Any]:
    """Objects of an unpacked restore point, by name."""
    order, backwards = order_of(query.order_by or FIELDS.order, FIELDS)
    asked = made_for(request)
    listing = await listing_of(deployed, tenant_id.lower(), backup)
    start = start_of(query.continuation, asked)
    after = _place(start, listing.manifest)
    chosen = replace(chosen, order=order, backwards=backwards)
    page, following = await listing.page(chosen, top=query.top, after=after)
    answer: dict[str, Any] = {"backupId": listing.manifest.backup_id, "value": page}
    if following is not None:
        mark = {"place": [following.value, following.object_id, following.object_type],
                "backup": listing.manifest.backup_id, "of": asked}
        answer["nextLink"] = next_link(request, mark)
    return answer


@router.get("/summary")
@permit("objects.read", refuse=refuse_packed)
async def summarise_objects(
    tenant_id: str, deployed: Deployed, chosen: Chosen, backup: Backup = None
) -> dict[str, Any]:
    """How many objects there are, by type, kind, user type and each other property that lists are filtered by."""
    listing = await listing_of(deployed, tenant_id.lower(), backup)
    return {"backupId": listing.manifest.backup_id, **await listing.summary(chosen)}


@router.get(".csv", response_class=Response)
@permit("export", refuse=refuse_packed)
async def export_objects(
    request: Request, tenant_id: str, caller: CalledBy, deployed: Deployed, client: Durable, chosen: Chosen,
    backup: Backup = None,
    object_ids: Annotated[
        list[str] | None, Query(alias="objectIds", max_length=MOST_CHOSEN, description="Only these: ids with commas.")
    ] = None,
    order_by: Annotated[str | None, Query(alias="orderBy", max_length=64)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The objects as CSV, as the list has them; more than 50,000 rows become a task, whose download is the file."""
    ids = tuple(dict.fromkeys(one for ids in object_ids or () for one in ids.split(",") if one))
    if len(ids) > MOST_CHOSEN:
        raise unprocessable(wrong("objectIds", len(ids), f"at most {MOST_CHOSEN} ids"))
    order, backwards = order_of(order_by or FIELDS.order, FIELDS)
    chosen = replace(chosen, object_ids=ids, order=order, backwards=backwards)
    listing = await listing_of(deployed, tenant_id.lower(), backup)
    backup_id = listing.manifest.backup_id
    if await listing.count(chosen) <= MOST_ROWS_AT_ONCE:
        return Response(
            await csv_bytes(listing, chosen), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="objects-{backup_id}.csv"'},
        )
    message = message_of(chosen)

    async def run(task_id: str) -> Task:
        operation = operations.export(
            tenant_id.lower(), task_id, backup_id=backup_id, chosen=message, requested_by=caller.subject
        )
        return await start(deployed.records, client, operation)

    return await started_once(request, deployed, caller, idempotency_key, {"backupId": backup_id, **message}, run)


def _place(start: dict[str, Any], manifest: Manifest) -> Place | None:
    if not start:
        return None
    match start.get("place"):
        case [str(value), str(object_id), str(object_type)] if start.get("backup") == manifest.backup_id:
            return Place(value, object_id, object_type)
    raise bad_continuation()
