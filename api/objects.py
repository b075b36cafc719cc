"""/tenants/{tenantId}/objects: the objects of an unpacked restore point, listed, counted, searched, exported."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

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
from api.services import Deployed, OpenDeployment, Services
from shared.browse.columns import MFA_METHODS
from shared.browse.files import index_files
from shared.browse.index import NotUnpacked, find_index
from shared.browse.listing import SHOWN, SORTABLE, Filter, Listing, Place
from shared.browse.packing import newest_unpacked
from shared.browse.search.screens import OBJECTS
from shared.browse.since import Since
from shared.catalog import OBJECT_TYPES
from shared.errors import Missing, UnknownRecord
from shared.expectations import expecting
from shared.records.restore_points import LATEST, RestorePoint
from shared.records.times import as_text
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest
from shared.repository.restore_point import newest_manifest

router = APIRouter(prefix="/tenants/{tenant_id}/objects", tags=["objects"], route_class=GuardedRoute)

FIELDS = Fields("displayName asc", tuple(SORTABLE))

CSV_COLUMNS = (*(name for name in SHOWN if name not in ("removed", "captured", "capturedAt")), "deleted", "lastBackup",
               "lastBackupAt", "backupId")
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
        query=query_of(q, OBJECTS), types=chosen, group_kind=group_kind, user_type=user_type, synced=synced, mfa=mfa,
        mail_enabled=mail_enabled, deleted=deleted,
    )


Chosen = Annotated[Filter, Depends(object_filter)]


async def listing_of(opened: OpenDeployment, tenant_id: str, backup: str | None) -> Listing:
    """The objects of the restore point that a request means; NotUnpacked unless its index is there."""
    point = await restore_point(opened, tenant_id, backup)
    if point["status"] != "unpacked":
        raise NotUnpacked(f"Restore point {point['backupId']} is packed.")
    manifest = await manifest_of(opened, tenant_id, point)
    await find_index(opened.workspace, manifest, known=index_files().known)
    tenant = await opened.records.tenants.get(tenant_id)
    constants: dict[str, Sequence[str]] = {
        "backupDate": [as_text(manifest.started)],
        "tenant": [tenant["displayName"], tenant_id],
    }
    since = Since(opened.vault, manifest, await newest_manifest(opened.vault, tenant_id))
    return Listing(opened.workspace, index_files(), manifest, since, constants)


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
    page, following = await listing.page(chosen, order=order, backwards=backwards, top=query.top, after=after)
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


def _place(start: dict[str, Any], manifest: Manifest) -> Place | None:
    if not start:
        return None
    match start.get("place"):
        case [str(value), str(object_id), str(object_type)] if start.get("backup") == manifest.backup_id:
            return Place(value, object_id, object_type)
    raise bad_continuation()
