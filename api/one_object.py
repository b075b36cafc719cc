"""/tenants/{tenantId}/objects/{objectId}: one object, its links, its versions, and two of them compared.

All of it works on packed restore points too.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.guard import GuardedRoute, check_recent, permit
from api.lists import PagedBy, address_of, made_for, made_for_address, next_link, start_of
from api.moments import moment
from api.objects import Backup, manifest_of, restore_point
from api.problems import unprocessable, wrong
from api.services import CalledBy, Deployed, OpenDeployment
from shared.browse.comparing import compared
from shared.browse.files import index_files
from shared.browse.one_object import licences_of, links_shown, summary_of
from shared.browse.point import Point
from shared.browse.questions import links_named, questions_of
from shared.browse.remembered import remembered
from shared.browse.since import Since
from shared.browse.timeline import Event, History, Seen, events_of
from shared.catalog import OBJECT_TYPES
from shared.errors import UnknownRecord
from shared.records.times import as_text
from shared.recovery.relink import Ids
from shared.repository.chain import list_manifests, read_manifest
from shared.repository.records import ObjectRecord
from shared.repository.restore_point import newest_manifest
from shared.security.callers import Caller

router = APIRouter(prefix="/tenants/{tenant_id}/objects/{object_id}", tags=["objects"], route_class=GuardedRoute)

ATTRIBUTES_WITHIN = timedelta(days=7)
"""How recently a person must have signed in to see the attributes of users."""

OneType = Annotated[
    str | None, Query(alias="type", max_length=100, description="The object's type; found out where it is not given.")
]


@router.get("")
@permit("objects.readAttributes")
async def get_object(
    request: Request, tenant_id: str, object_id: str, caller: CalledBy, deployed: Deployed, backup: Backup = None,
    object_type: OneType = None,
) -> dict[str, Any]:
    """One object with all attributes and links."""
    point = await _point(deployed, tenant_id, backup)
    record = await point.get(object_id, _checked(object_type))
    check_readable(caller, record.object_type)

    def address(name: str, begin: int) -> str:
        path = f"{request.url.path}/links/{name}"
        asked = [("backup", point.manifest.backup_id), ("type", record.object_type)]
        return address_of(request, path, asked, {"from": begin, "of": made_for_address(path, asked)} if begin else None)

    newest = await newest_manifest(deployed.vault, point.manifest.tenant_id)
    gone = await Since(point.vault, point.manifest, newest).gone_of(record.object_type, [record.object_id])
    licences = await licences_of(point, record)
    return {
        **await summary_of(point, record),
        "deleted": bool(gone),
        "body": record.body,
        "volatile": record.volatile,
        "links": await links_shown(point, record, address),
        **({} if licences is None else {"licences": licences}),
    }


@router.get("/links/{name}")
@permit("objects.read")
async def get_links(
    request: Request, tenant_id: str, object_id: str, name: str, deployed: Deployed, query: PagedBy,
    backup: Backup = None,
    at: Annotated[str | None, Query(max_length=64, description="As it was then: a time, or a date.")] = None,
    object_type: OneType = None,
) -> dict[str, Any]:
    """What a link of the object leads to, in a restore point or at a time; also `transitiveMembers` of a group,
    `holders` of a role, `reachableBy` of an application."""
    start = start_of(query.continuation, made_for(request))
    begin = max(0, start["from"]) if isinstance(start.get("from"), int) else 0
    if at is not None and backup is not None:
        raise unprocessable(wrong("at", at, "either `at` or `backup`, not both"))
    point = await (_point(deployed, tenant_id, backup) if at is None else _point_at(deployed, tenant_id, at))
    record = await point.get(object_id, _checked(object_type))
    answer = await links_named(point, record, name)
    if answer is None:
        row = OBJECT_TYPES.get(record.object_type)
        known = (*(link.name for link in row.links), *questions_of(record.object_type)) if row else ()
        raise UnknownRecord(
            "Objects of this type have no link of that name.", remedy=f"Ask for one of {', '.join(known) or 'none'}."
        )
    page = answer.entries[begin : begin + query.top]
    named = await point.names((target, kind) for target, kind, _ in page)
    via = await point.names((one["via"], "group") for _, _, one in page if "via" in one)
    groups = {one.object_id: one.name for one in via}
    shown = {
        "backupId": point.manifest.backup_id,
        "backupDate": as_text(point.manifest.started),
        "count": len(answer.entries),
        **answer.more,
        "value": [
            {**found.as_json(), **more, **({"viaName": groups.get(more["via"])} if "via" in more else {})}
            for found, (_, _, more) in zip(named, page, strict=True)
        ],
    }
    if begin + query.top < len(answer.entries):
        shown["nextLink"] = next_link(request, {"from": begin + query.top, "of": made_for(request)})
    return shown


@router.get("/versions")
@permit("objects.read")
async def list_versions(
    tenant_id: str, object_id: str, deployed: Deployed, object_type: OneType = None
) -> dict[str, Any]:
    """The object's distinct versions over all restore points, newest first."""
    history, found_type, seen, _ = await _past(deployed, tenant_id, object_id, object_type)
    events = events_of(seen)
    if not events:
        raise UnknownRecord("No restore point of this tenant holds such an object.")
    captured = [event for event in events if event.change != "deleted"]
    return {
        "objectId": object_id,
        "objectType": found_type,
        "restorePoints": len(await history.manifests()),
        "firstSeen": _seen(captured[0].first),
        "lastSeen": _seen(captured[-1].last),
        "lastBackup": captured[-1].first.backup_id,
        "deleted": events[-1].change == "deleted",
        "value": [_version(event) for event in reversed(events)],
    }


@router.get("/compare")
@permit("objects.readAttributes")
async def compare_versions(
    tenant_id: str, object_id: str, caller: CalledBy, deployed: Deployed,
    before: Annotated[
        str | None, Query(alias="from", max_length=64, description="A restore point; default: the version before.")
    ] = None,
    after: Annotated[
        str | None, Query(alias="to", max_length=64, description="A restore point; default: the newest.")
    ] = None,
    only_differences: Annotated[bool, Query(alias="onlyDifferences")] = True,
    object_type: OneType = None,
) -> dict[str, Any]:
    """Two versions of the object, attribute by attribute and link by link."""
    newer = await _named(deployed, tenant_id, after or "latest")
    _, found_type, seen, ids = await _past(deployed, tenant_id, object_id, object_type)
    known = await deployed.records.identity_map.resolved(tenant_id.lower())
    check_readable(caller, found_type)
    older = await (_named(deployed, tenant_id, before) if before else _version_before(deployed, newer, seen))
    one, other = await _newest_of(older, ids, found_type), await _newest_of(newer, ids, found_type)
    if one is None and other is None:
        raise UnknownRecord("Neither restore point holds such an object.")
    return {
        "objectId": object_id,
        "objectType": found_type,
        "from": _side(older, one),
        "to": _side(newer, other),
        **await compared(
            older, newer, one, other, ids=Ids(known.objects, known.applications), only_differences=only_differences
        ),
    }


def check_readable(caller: Caller, object_type: str) -> None:
    """401 for a person who signed in too long ago to see attributes of users, or of what belongs to them."""
    row = OBJECT_TYPES.get(object_type)
    if object_type == "user" or (row is not None and row.parent == "user"):
        check_recent(caller, ATTRIBUTES_WITHIN)


async def _point(deployed: OpenDeployment, tenant_id: str, backup: str | None) -> Point:
    found = await restore_point(deployed, tenant_id.lower(), backup)
    manifest = await manifest_of(deployed, tenant_id.lower(), found)
    return Point(remembered(deployed.vault), manifest, deployed.workspace, index_files())


async def _named(deployed: OpenDeployment, tenant_id: str, backup: str) -> Point:
    return await _point(deployed, tenant_id, backup)


async def _point_at(deployed: OpenDeployment, tenant_id: str, at: str) -> Point:
    """The newest restore point that was begun by then."""
    until = moment("at", at, end=True)
    async for manifest in list_manifests(deployed.vault, tenant_id.lower()):
        if manifest.kind != "beforeRestore" and as_text(manifest.started) <= until:
            return Point(remembered(deployed.vault), manifest, deployed.workspace, index_files())
    raise UnknownRecord("This tenant has no restore point from before that time.")


async def _version_before(deployed: OpenDeployment, newer: Point, seen: list[Seen]) -> Point:
    """The last restore point in which the object was not yet as the newer one has it; else the newer one itself."""
    events = [event for event in events_of(seen) if event.first.backup_id <= newer.manifest.backup_id]
    number = int(events[-2].last.backup_id) if len(events) > 1 else newer.manifest.sequence
    manifest = await read_manifest(deployed.vault, newer.manifest.tenant_id, number)
    return Point(newer.vault, manifest, deployed.workspace, index_files())


async def _past(
    deployed: OpenDeployment, tenant_id: str, object_id: str, object_type: str | None
) -> tuple[History, str, list[Seen], list[str]]:
    """The object's past under all ids that it has had, its type, and these ids, the present one last."""
    history = History(remembered(deployed.vault), tenant_id.lower())
    known = await deployed.records.identity_map.resolved(tenant_id.lower())
    ids = known.all_of(object_id)
    found_type = _checked(object_type) or await history.type_of(object_id)
    return history, found_type, await history.seen(found_type, ids), ids


async def _newest_of(point: Point, ids: list[str], object_type: str) -> ObjectRecord | None:
    """The object under the newest of its ids that the restore point holds."""
    for object_id in reversed(ids):
        found = await point.find(object_id, object_type)
        if found is not None:
            return found
    return None


def _checked(object_type: str | None) -> str | None:
    if object_type is not None and object_type not in OBJECT_TYPES:
        raise unprocessable(wrong("type", object_type, "a type that GET /api/v1/objectTypes lists"))
    return object_type


def _seen(one: Seen) -> dict[str, Any]:
    return {"backupId": one.backup_id, "started": as_text(one.started), "kind": one.kind}


def _version(event: Event) -> dict[str, Any]:
    state = event.first.state
    return {
        "change": event.change,
        "version": state.digest.hex() if state.digest else None,
        "objectId": event.first.object_id,
        "backupId": event.first.backup_id,
        "firstSeen": _seen(event.first),
        "lastSeen": _seen(event.last),
        "attributesChanged": event.attributes_changed and event.change != "deleted",
        "linksChanged": event.links_changed and event.change != "deleted",
        "linkCount": len(state.links),
        "deletedHow": state.removed or None,
    }


def _side(point: Point, record: ObjectRecord | None) -> dict[str, Any]:
    return {
        "backupId": point.manifest.backup_id, "started": as_text(point.manifest.started), "exists": record is not None,
    }
