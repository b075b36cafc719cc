"""Microsoft's own Entra Backup and Recovery: a snapshot a day, kept five, and jobs that put things back.

Its recoveries change objects without leaving delta records, which is why Cairn must not trust delta blindly. A
snapshot is a position in the change log, so it costs nothing; recovering plays the log backwards to it for the types
and properties it covers (Entra Backup and Recovery: recoverable objects): objects that were soft-deleted are brought
back, changed ones updated, created ones soft-deleted. Hard-deleted objects are beyond it, and so are links.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from local.simulator.clock import written
from local.simulator.errors import not_found
from local.simulator.http_types import Request, Response, json_response
from local.simulator.routing import Target
from local.simulator.store import Actor, Body

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

KEPT_DAYS = 5
DAY = 86400
COVERED = (
    "user", "group", "conditionalAccessPolicy", "namedLocation", "application", "servicePrincipal",
    "oAuth2PermissionGrant", "appRoleAssignment", "authorizationPolicy",
)  # fmt: skip
SOFT = frozenset(["user", "group", "conditionalAccessPolicy", "namedLocation", "application", "servicePrincipal"])
JOB = "entraRecoveryServices.recoveryJobBase"
SNAPSHOT = "entraRecoveryServices.snapshot"


def refresh(tenant: Tenant) -> None:
    """Let the snapshots be there that exist now: one at each midnight UTC of the last days."""
    store = tenant.store
    now = tenant.clock.now()
    midnight = now - now % DAY
    wanted = {written(midnight - back * DAY) for back in range(KEPT_DAYS - 1, -1, -1)}
    recording, store.recording = store.recording, False
    try:
        if not store.table("entraRecoveryServices.recovery").live:
            store.create("entraRecoveryServices.recovery", {"id": "recovery"})
        for record in list(store.all(SNAPSHOT)):
            if record.read()["id"] not in wanted:
                store.delete(record.key, soft=False)
        for stamp in sorted(wanted):
            if store.get(store.key(SNAPSHOT, stamp)) is None:
                store.create(SNAPSHOT, {"id": stamp, "createdDateTime": stamp})
    finally:
        store.recording = recording


def start(tenant: Tenant, request: Request, target: Target) -> Response:
    """Start a recovery or preview from a snapshot; it is finished when the answer goes out."""
    snapshot = target.parent
    if snapshot is None:
        raise not_found("snapshots")
    at = datetime.fromisoformat(snapshot.read()["createdDateTime"]).timestamp()
    preview = target.navigation is not None and target.navigation.name == "recoveryPreviewJobs"
    job = recover(tenant, at, preview=preview, snapshot=snapshot.key)
    context = f"{request.root}/{target.version}/$metadata#{target.template}/$entity"
    return json_response(201, {"@odata.context": context, **job})


def recover(tenant: Tenant, at: float, *, preview: bool = False, snapshot: str = "") -> Body:
    """Put the covered objects back to a moment, silently; returns the finished job."""
    store = tenant.store
    log = store.log
    start = bisect_right(log, at, key=lambda change: change.at)
    first: dict[str, Any] = {}
    for change in log[start:]:
        if change.table in COVERED and change.kind not in ("link", "unlink"):
            first.setdefault(change.key, change)
    counts = {"restored": 0, "updated": 0, "softDeleted": 0, "failed": 0}
    actor, store.actor = store.actor, Actor("app", "", "Microsoft Entra Backup and Recovery")
    store.in_delta = False
    try:
        for key, change in first.items() if not preview else ():
            _put_back(tenant, key, change.kind, change.before, counts)
    finally:
        store.in_delta, store.actor = True, actor
    job = {
        "@odata.type": f"#microsoft.graph.entraRecoveryServices.{'recoveryPreviewJob' if preview else 'recoveryJob'}",
        "id": str(uuid.uuid4()),
        "status": "successful", "targetStateDateTime": written(at), "jobStartDateTime": tenant.clock.stamp(),
        "jobCompletionDateTime": tenant.clock.stamp(), "totalChangedObjectsCalculated": len(first),
        "totalObjectsModified": counts["restored"] + counts["updated"] + counts["softDeleted"],
        "totalFailedChanges": counts["failed"], "filteringCriteria": None,
    }  # fmt: skip
    link = "recoveryPreviewJobs" if preview else "recoveryJobs"
    store.create(JOB, job, snapshot, link if snapshot else "")
    return job


def _put_back(tenant: Tenant, key: str, kind: str, before: bytes | None, counts: dict[str, int]) -> None:
    store = tenant.store
    record = store.get(key)
    if kind in ("create", "restore"):
        if record is not None:
            store.delete(key, soft=record.table in SOFT)
            counts["softDeleted"] += 1
        return
    if record is None and key in store.bin:
        record = store.restore(key)
        counts["restored"] += 1
    if record is None or before is None:
        counts["failed"] += 1
        return
    was = orjson.loads(before)
    if was.get("onPremisesSyncEnabled"):
        counts["failed"] += 1  # synchronized objects are reported, not recovered
        return
    if record.read() != was:
        store.update(key, was)
        counts["updated"] += 1
