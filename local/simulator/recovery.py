"""Microsoft's own Entra Backup and Recovery: a snapshot a day, kept five, and jobs that put things back.

Its recoveries change objects without leaving delta records, which is why Cairn must not trust delta blindly. A
snapshot is a position in the change log, so it costs nothing; recovering plays the log backwards to it for the types
and properties it covers (Entra Backup and Recovery: recoverable objects): objects that were soft-deleted are brought
back, changed ones updated, created ones soft-deleted, members of assigned groups set back. Hard-deleted objects are
beyond it, and so are managers, owners, dynamic groups and what is mastered on premises. That members are covered
follows from their absence in the list of what is not: unconfirmed.
"""

from __future__ import annotations

import base64
import uuid
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from local.simulator.clock import written
from local.simulator.errors import GraphError, not_found
from local.simulator.http_types import Request, Response, json_response
from local.simulator.routing import Target
from local.simulator.store import Actor, Body, Change

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

KEPT_DAYS = 5
DAY = 86400
RUNS_SECONDS = 5.0  # real ones take minutes to hours
COVERED = (
    "user", "group", "conditionalAccessPolicy", "namedLocation", "application", "servicePrincipal",
    "oAuth2PermissionGrant", "appRoleAssignment", "authorizationPolicy", "authenticationStrengthPolicy",
    "authenticationMethodsPolicy",
)  # fmt: skip
SOFT = frozenset(["user", "group", "conditionalAccessPolicy", "namedLocation", "application", "servicePrincipal"])
TYPE_NAMES = {"namedLocation": "namedLocationPolicy", "authenticationMethodsPolicy": "authenticationMethodPolicy"}
JOB = "entraRecoveryServices.recoveryJobBase"
SNAPSHOT = "entraRecoveryServices.snapshot"


def refresh(tenant: Tenant) -> None:
    """Let the snapshots be there that exist now: one at each midnight UTC of the last days; end jobs that are done."""
    store = tenant.store
    _finish(tenant)
    now = tenant.clock.now()
    midnight = now - now % DAY
    wanted = {_id(stamp): stamp for back in range(KEPT_DAYS - 1, -1, -1) if (stamp := written(midnight - back * DAY))}
    recording, store.recording = store.recording, False
    try:
        if not store.table("entraRecoveryServices.recovery").live:
            store.create("entraRecoveryServices.recovery", {"id": "recovery"})
        for record in list(store.all(SNAPSHOT)):
            if record.read()["id"] not in wanted:
                store.delete(record.key, soft=False)
        for key, stamp in wanted.items():
            if store.get(store.key(SNAPSHOT, key)) is None:
                store.create(SNAPSHOT, {"id": key, "createdDateTime": stamp})
    finally:
        store.recording = recording


def _id(stamp: str) -> str:
    """A snapshot's id is its moment in base64 (snapshot resource type)."""
    return base64.urlsafe_b64encode(stamp.encode()).decode().rstrip("=")


def _finish(tenant: Tenant) -> None:
    for record in list(tenant.store.all(JOB)):
        body = record.read()
        if body["status"] == "running" and body["jobCompletionDateTime"] <= tenant.clock.stamp():
            tenant.store.update(record.key, body | {"status": "successful"})


def start(tenant: Tenant, request: Request, target: Target) -> Response:
    """Start a recovery or preview from a snapshot: 201 with the job, which runs a while; 409 while another runs."""
    snapshot = target.parent
    if snapshot is None:
        raise not_found("snapshots")
    at = datetime.fromisoformat(snapshot.read()["createdDateTime"]).timestamp()
    preview = target.navigation is not None and target.navigation.name == "recoveryPreviewJobs"
    said = request.json() if request.body.strip() else {}
    criteria = said.get("filteringCriteria")
    job = recover(
        tenant, at, preview=preview, snapshot=snapshot.key, runs_seconds=RUNS_SECONDS, criteria=criteria,
        wanted=_filter(criteria),
    )  # fmt: skip
    context = f"{request.root}/{target.version}/$metadata#{target.template}/$entity"
    return json_response(201, {"@odata.context": context, **job})


def _filter(criteria: Any) -> Callable[[str, str], bool]:
    """Which objects a job is about, by table and key (recoveryJobEntityNamesFilter, …NameAndIdsFilter)."""
    if criteria is None:
        return lambda _table, _key: True
    names = {TYPE_NAMES.get(table, table): table for table in COVERED}
    try:
        if "entityTypes" in criteria:
            tables = {names[each] for each in criteria["entityTypes"]}
            return lambda table, _key: table in tables
        ids = {(names[each["entityType"]], key) for each in criteria["filterValues"] for key in each["entityIds"]}
    except (KeyError, TypeError) as error:
        raise GraphError(400, "BadRequest", "The filteringCriteria of the job cannot be read.") from error
    return lambda table, key: (table, key) in ids


def recover(
    tenant: Tenant, at: float, *, preview: bool = False, snapshot: str = "", runs_seconds: float = 0.0,
    criteria: Any = None, wanted: Callable[[str, str], bool] = lambda _table, _key: True,
) -> Body:  # fmt: skip
    """Put the covered objects back to a moment, silently; returns the job, which is done after `runs_seconds`."""
    _finish(tenant)
    if any(each.read()["status"] == "running" for each in tenant.store.all(JOB)):
        raise GraphError(409, "Conflict", "Another recovery or preview job is in progress.")
    store = tenant.store
    log = store.log
    start = bisect_right(log, at, key=lambda change: change.at)
    first: dict[str, Any] = {}
    since = log[start:]
    for change in since:
        if change.table in COVERED and change.kind not in ("link", "unlink") and wanted(change.table, change.key):
            first.setdefault(change.key, change)
    told: list[Body] = []
    actor, store.actor = store.actor, Actor("app", "", "Microsoft Entra Backup and Recovery")
    store.in_delta = False
    try:
        for key, change in first.items():
            one = _judged(tenant, key, change)
            if one is not None:
                told.append(one)
                if not preview and not one["failureMessage"]:
                    _put_back(tenant, key, one["recoveryAction"], change.before)
        links = [each for each in _links(tenant, since) if wanted("group", each.key)]
        for change in () if preview else links:
            if change.kind == "link":
                store.unlink(change.key, change.name, change.target)
            else:
                store.link(change.key, change.name, change.target)
    finally:
        store.in_delta, store.actor = True, actor
    done = 0 if preview else sum(1 for one in told if not one["failureMessage"])
    job = {
        "@odata.type": f"#microsoft.graph.entraRecoveryServices.{'recoveryPreviewJob' if preview else 'recoveryJob'}",
        "id": str(uuid.uuid4()), "status": "running" if runs_seconds else "successful",
        "targetStateDateTime": written(at),
        "jobStartDateTime": tenant.clock.stamp(), "jobCompletionDateTime": written(tenant.clock.now() + runs_seconds),
        "totalChangedObjectsCalculated": len(told), "totalChangedLinksCalculated": len(links),
        "filteringCriteria": criteria,
    }  # fmt: skip
    if not preview:
        job |= {"totalObjectsModified": done, "totalLinksModified": len(links), "totalFailedChanges": len(told) - done}
    link = "recoveryPreviewJobs" if preview else "recoveryJobs"
    store.create(JOB, job, snapshot, link if snapshot else "")
    tenant.recovery_changes[str(job["id"])] = told
    return job


def changes(tenant: Tenant, request: Request, target: Target, *, failed: bool) -> Response:
    """What a job changed or would change (getChanges, getFailedChanges)."""
    told = tenant.recovery_changes.get(target.record.key if target.record else "", [])
    value = [one for one in told if bool(one["failureMessage"]) == failed]
    return json_response(200, {"@odata.context": f"{request.root}/{target.version}/$metadata#{target.template}",
                               "value": value})  # fmt: skip


def _links(tenant: Tenant, since: list[Change]) -> list[Change]:
    """The first change of each membership that is not as it was."""
    store, first = tenant.store, dict[tuple[str, str], Change]()
    for change in since:
        if change.name == "members" and change.table == "group":
            first.setdefault((change.key, change.target), change)
    wrong = []
    for (key, target), change in first.items():
        group = store.get(key)
        if group is None or store.get(target) is None:
            continue
        body = group.read()
        fixed = body.get("onPremisesSyncEnabled") or "DynamicMembership" in (body.get("groupTypes") or ())
        if not fixed and store.link_set("members").has(key, target) == (change.kind == "link"):
            wrong.append(change)
    return wrong


def _judged(tenant: Tenant, key: str, change: Change) -> Body | None:
    """What recovery would do to an object; None when it is as it was."""
    store = tenant.store
    record, entry = store.get(key), store.bin.get(key)
    if change.kind in ("create", "restore"):
        if record is None:
            return None
        return _one(record.read(), change, "softDelete", "")
    if record is not None and record.body == change.before:
        return None
    was: Body = orjson.loads(change.before or b"{}")
    action = "restore" if record is None else "update"
    why = ""
    if was.get("onPremisesSyncEnabled"):
        why = "Synchronized objects are not recovered."
    elif record is None and entry is None:
        why = "The object was deleted for good."
    return _one(was, change, action, why)


def _one(body: Body, change: Change, action: str, why: str) -> Body:
    return {"id": change.key, "displayName": body.get("displayName"), "recoveryAction": action,
            "entityTypeName": TYPE_NAMES.get(change.table, change.table), "failureMessage": why or None}  # fmt: skip


def _put_back(tenant: Tenant, key: str, action: str, before: bytes | None) -> None:
    store = tenant.store
    if action == "softDelete":
        store.delete(key, soft=store.records[key].table in SOFT)
        return
    if action == "restore":
        store.restore(key)
    if before is not None:
        store.update(key, orjson.loads(before))
