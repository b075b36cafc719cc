"""/tenants/{tenantId}/restores: plan, approve, apply, watch, undo."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.consents import refuse_unconsented
from api.durable import Durable, current_client
from api.guard import GuardedRoute, is_recent, lacks, permit
from api.lists import Fields, ListedBy, listed
from api.one_object import ATTRIBUTES_WITHIN
from api.plan_text import PlanNames, plan_as_text
from api.problems import Problem, WrongField, unprocessable, wrong
from api.restore_shapes import operation_row, plan_as_csv, shown, shown_plan
from api.services import CalledBy, Deployed, Kept, OpenDeployment, Services
from api.starting import IdempotencyKey, started_once, was_sent_before
from shared import operations
from shared.catalog import OBJECT_TYPES
from shared.deployment import Records
from shared.errors import Busy, UnknownRecord
from shared.records.restores import Restore
from shared.records.tasks import Task
from shared.records.times import as_time
from shared.recovery.beside import first_met, met
from shared.recovery.lifecycle import REQUEST, TOUCHED, store_of, why_unsafe
from shared.recovery.options import MOST_IDS, ObjectIds, RestoreRequest, Selection, Source
from shared.recovery.scope import Scope, asked_for, of_row
from shared.recovery.undoing import as_note, touched_by
from shared.recovery.verifying import VERIFICATION, facts_of
from shared.security.callers import Caller
from shared.security.permissions import Permission
from shared.starting import DurableClient, holders, running, start
from shared.tenants.settings import Body

router = APIRouter(prefix="/tenants/{tenant_id}/restores", tags=["restores"], route_class=GuardedRoute)

RECENT = timedelta(hours=1)
FROM_REPORTS: tuple[Permission, ...] = ("restore.fromDifferences",)
FIELDS = Fields("created desc", ("created", "modified", "state"), ("restoreId", "state", "reason", "requestedBy"))
OPERATIONS = Fields(
    "order asc", ("order", "wave", "state", "objectType"),
    ("objectName", "objectType", "objectId", "kind", "state", "error", "path"),
)
FACTS = Fields("place asc", ("place", "objectType", "what"), ("objectType", "objectId", "what", "matches"))
MOST_SHOWN = 1000
NOTHING = Scope(writes=[], brings=[], names=[])
"""Meets only what must run alone."""


class ApplyRequest(Body):
    """The plan that was looked at, by its hash; `force` for one that the safety checks hold back."""

    plan_hash: Annotated[str, Field(min_length=1, max_length=128)]
    force: bool = False


class ApproveRequest(Body):
    """The plan that is approved; without its hash the newest."""

    plan_hash: Annotated[str | None, Field(max_length=128)] = None


class UndoRequest(Body):
    """What to undo; without ids all of it."""

    object_ids: ObjectIds | None = None
    apply: bool = False
    force: bool = False
    reason: Annotated[str, Field(max_length=1000)] = ""


async def refuse_beside_one_alone(request: Request) -> None:
    """409 while a restore of the tenant runs that none may run beside, unless this is the request that started it."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    if await was_sent_before(request, records, request.state.caller):
        return
    await _refuse_meeting(records, current_client.get(), request.path_params["tenant_id"].lower(), NOTHING)


async def _refuse_meeting(records: Records, client: DurableClient, tenant_id: str, scope: Scope | None) -> None:
    """409 while a restore runs that one of this scope may not run beside; looked at again once its lock is held."""
    holder = await first_met(records, tenant_id, scope, await holders(records, client, tenant_id, "restore"))
    if holder:
        raise Busy("A restore of this tenant is running already.", task_id=holder)


async def refuse_while_running(request: Request) -> None:
    """409 while another restore of the tenant runs, unless this is the request that started it."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    if await was_sent_before(request, records, request.state.caller):
        return
    holder = await running(records, current_client.get(), request.path_params["tenant_id"].lower(), "restore")
    if holder is not None:
        raise Busy("A restore of this tenant is running already.", task_id=holder)


async def refuse_unknown_or_running(request: Request) -> None:
    """404 for a restore that is not there, before 403 and 409."""
    await restore_of_kind_allowed(request)
    await refuse_while_running(request)


async def refuse_unknown_or_beside_one_alone(request: Request) -> None:
    """404 for a restore that is not there, before 403 and 409."""
    await restore_of_kind_allowed(request)
    await refuse_beside_one_alone(request)


async def restore_of_kind_allowed(request: Request) -> None:
    """404 for a restore that is not this tenant's, 403 for one from a source that the caller may not restore from."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    restore = await records.restores.get(request.path_params["tenant_id"].lower(), request.path_params["restore_id"])
    if not restore["undoOf"]:  # who may restore at all may take back
        check_source(request.state.caller, from_report="reportId" in restore.get("source", {}))


def check_source(caller: Caller, *, from_report: bool) -> None:
    """403 unless the caller may restore from that kind of source."""
    needed: Permission = "restore.fromDifferences" if from_report else "restore.fromObjects"
    if not caller.may(needed):
        raise lacks(needed)


async def own_restore(request: Request) -> None:
    """404 for a restore that is not this tenant's."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    await records.restores.get(request.path_params["tenant_id"].lower(), request.path_params["restore_id"])


@router.post("", status_code=202)
@permit("restore.fromObjects", refuse=refuse_beside_one_alone, signed_in_within=RECENT, or_else=FROM_REPORTS)
async def start_restore(
    request: Request, tenant_id: str, caller: CalledBy, deployed: Deployed, client: Durable, body: RestoreRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Plan a restore; with `apply: true` plan, check and apply it in one go."""
    tenant_id = tenant_id.lower()
    check_source(caller, from_report=body.source.report_id is not None)
    body, backup_id = await _resolved(deployed, tenant_id, body)
    await refuse_unconsented(deployed, tenant_id)
    _check(body)
    settings = (await deployed.records.tenants.settings(tenant_id)).settings
    if body.apply and settings.approvals.required:
        raise unprocessable(
            wrong("apply", True, "false: this tenant's settings ask for a second person's approval"),
            code="approvalRequired", remedy="Plan with apply: false, have it approved, then apply.",
        )

    async def run(task_id: str) -> Task:
        scope = asked_for(body.selection, body.options)
        await _refuse_meeting(deployed.records, client, tenant_id, scope)
        await _create(
            deployed, tenant_id, task_id, body, backup_id=backup_id, requested_by=caller.subject, scope=scope
        )
        operation = operations.restore(
            tenant_id, task_id, restore_id=task_id, apply=body.apply, requested_by=caller.subject,
            beside=lambda: met(deployed.records, tenant_id, task_id, task_id),
        )
        try:
            return await start(deployed.records, client, operation)
        except Busy as busy:  # another one came at the same moment
            await deployed.records.restores.set(tenant_id, task_id, state="failed", message=str(busy))
            raise

    return await started_once(
        request, deployed, caller, idempotency_key, body.model_dump(mode="json", by_alias=True), run
    )


@router.get("")
@permit("tasks.read")
async def list_restores(request: Request, tenant_id: str, records: Kept, query: ListedBy) -> dict[str, Any]:
    """Restores, newest first."""

    async def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for place, restore in records.restores.stream(tenant_id.lower(), after=after):
            yield place, shown(restore)

    return await listed(request, query, FIELDS, stream)


@router.get("/{restore_id}")
@permit("tasks.read", refuse=own_restore)
async def get_restore(tenant_id: str, restore_id: str, caller: CalledBy, deployed: Deployed) -> dict[str, Any]:
    """One restore; what its verification found has values for who may see attributes."""
    restore = shown(await deployed.records.restores.get(tenant_id.lower(), restore_id))
    differing = (restore["verification"] or {}).get("differing")
    if differing and caller.may("objects.readAttributes") and is_recent(caller, ATTRIBUTES_WITHIN):
        whole = await store_of(deployed, tenant_id.lower(), restore_id).evidence(VERIFICATION)
        if whole is not None:
            restore["verification"] = {name: value for name, value in whole.items() if name != "pages"}
    return restore


@router.get("/{restore_id}/plan")
@permit("objects.readAttributes", refuse=own_restore, signed_in_within=ATTRIBUTES_WITHIN)
async def get_plan(
    request: Request, tenant_id: str, restore_id: str, deployed: Deployed,
    top: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = MOST_SHOWN, after: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """The plan: every request in order, and what is left and why."""
    restore, index, store = await _planned(deployed, tenant_id, restore_id)
    services: Services = request.app.state.services
    link = f"{services.public_root(request)}{request.url.path}"
    return await shown_plan(restore, index, store, top=top, after=after, link=link)


@router.get("/{restore_id}/plan.txt")
@permit("objects.readAttributes", refuse=own_restore, signed_in_within=ATTRIBUTES_WITHIN)
async def get_plan_text(tenant_id: str, restore_id: str, deployed: Deployed) -> Response:
    """The plan for people."""
    restore, index, store = await _planned(deployed, tenant_id, restore_id)
    names = await PlanNames.open(deployed.vault, tenant_id.lower(), index.backup_id)
    return await plan_as_text(restore, index, store, names)


@router.get("/{restore_id}/plan.csv")
@permit("export", refuse=own_restore)
async def get_plan_csv(tenant_id: str, restore_id: str, deployed: Deployed) -> Response:
    """The plan as a table."""
    return await plan_as_csv(*await _planned(deployed, tenant_id, restore_id))


@router.get("/{restore_id}/operations")
@permit("objects.readAttributes", refuse=own_restore, signed_in_within=ATTRIBUTES_WITHIN)
async def list_operations(
    request: Request, tenant_id: str, restore_id: str, deployed: Deployed, query: ListedBy
) -> dict[str, Any]:
    """Every operation with what became of it."""
    restore = await deployed.records.restores.get(tenant_id.lower(), restore_id)
    if not restore["planHash"]:
        return {"value": []}
    _, index, store = await _planned(deployed, tenant_id, restore_id)

    async def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        start_at = int(after) if after else 0
        for number in range(1, len(index.pages) + 1):
            batch = await store.batch(index, number)
            if not batch.operations or batch.operations[-1].order <= start_at:
                continue
            receipts = (await store.journal(number)).receipts
            for one in batch.operations:
                if one.order > start_at:
                    yield f"{one.order:010d}", operation_row(one, receipts.get(one.order), restore)

    return await listed(request, query, OPERATIONS, stream)


@router.get("/{restore_id}/verification")
@permit("objects.readAttributes", refuse=own_restore, signed_in_within=ATTRIBUTES_WITHIN)
async def list_facts(
    request: Request, tenant_id: str, restore_id: str, deployed: Deployed, query: ListedBy
) -> dict[str, Any]:
    """Every attribute and link that was read back after applying: what it should say, and what it says."""
    store = store_of(deployed, tenant_id.lower(), restore_id)

    async def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for place, fact in facts_of(store, after=int(after) if after else 0):
            yield f"{place:010d}", {"place": place, **fact}

    return await listed(request, query, FACTS, stream)


@router.get("/{restore_id}/credentials")
@permit(
    "restore.fromObjects", refuse=restore_of_kind_allowed, signed_in_within=RECENT, or_else=FROM_REPORTS, once=True
)
async def fetch_credentials(tenant_id: str, restore_id: str, caller: CalledBy, deployed: Deployed) -> dict[str, Any]:
    """Passwords and secrets made by this restore: once, and only to the person who asked for it; or where they are, in
    the Key Vault that the tenant's settings name."""
    tenant_id = tenant_id.lower()
    restore = await deployed.records.restores.get(tenant_id, restore_id)
    store = store_of(deployed, tenant_id, restore_id)
    if restore["credentials"] == "keyVault":
        places = [one async for _, one in store.secrets() if "secret" not in one]
        if not places:
            raise Problem(
                410, "credentialsLost", "The list of them is gone with the workspace; they are in the Key Vault.",
                remedy=f"Look there for secrets whose tag cairnRestore is {restore_id}.",
            )
        return {"value": places}
    if caller.app_only or restore["appliedAppOnly"]:
        raise Problem(
            403, "forbidden", "One-time passwords are shown to people only.",
            "An app-only token never sees them.", remedy="Sign in as the person who asked for the restore.",
        )
    if caller.subject != restore["requestedBy"]:
        raise Problem(
            403, "forbidden", "They are shown to the person who asked for the restore.",
            remedy="Reset the passwords of these users if that person cannot fetch them.",
        )
    if restore["credentials"] != "waiting":
        raise UnknownRecord(
            "There are no credentials to fetch: none were made, or they have been fetched."
        )
    value: list[dict[str, Any]] = []
    names, places = [], []
    async for name, one in store.secrets():
        if "secret" not in one:
            places.append(one)
            continue
        secret = await deployed.cipher.decrypt(one["secret"], tenant_id=tenant_id, purpose=one["purpose"])
        names.append(name)
        value.append({
            "kind": one["kind"], "objectType": one["objectType"], "objectId": one["objectId"],
            "userPrincipalName": one.get("userPrincipalName"), one["kind"]: secret,
            **{key: one[key] for key in ("newObjectId", "displayName", "expires", "keyId") if key in one},
        })
    if not value:
        raise Problem(
            410, "credentialsLost", "They are gone: the workspace was lost before anybody fetched them.",
            remedy="Reset the passwords of these users, and make new secrets for these applications.",
        )
    mark = f"fetched {uuid.uuid4()}"
    claimed = await deployed.records.restores.change(
        tenant_id, restore_id,
        lambda now: {"credentials": "keyVault" if places else "fetched", "message": mark}
        if now["credentials"] == "waiting" else None,
    )
    if claimed["message"] != mark:
        raise UnknownRecord("They have been fetched.")
    for name in names:
        await store.forget(name)
    return {"value": [*value, *places]}


@router.post("/{restore_id}/approve")
@permit("restore.approve", refuse=own_restore, signed_in_within=RECENT)
async def approve_restore(
    tenant_id: str, restore_id: str, caller: CalledBy, deployed: Deployed, body: ApproveRequest | None = None
) -> dict[str, Any]:
    """Approve the plan; the approver is never the requester."""
    restore = await deployed.records.restores.get(tenant_id.lower(), restore_id)
    if caller.subject == restore["requestedBy"]:
        raise Problem(
            403, "selfApproval", "A second person must approve.", "The requester cannot approve their own restore.",
            remedy="Ask somebody else who holds restore.approve.",
        )
    if restore["state"] not in ("awaitingApproval", "ready"):
        raise _wrong_state(restore, "awaitingApproval")
    _check_hash(restore, body.plan_hash if body else None)
    _check_age(restore, deployed)
    return shown(await deployed.records.restores.change(
        tenant_id.lower(), restore_id,
        # One that was ready before the settings asked for approval is approved as well.
        lambda now: {"state": "ready", "approvedBy": caller.subject}
        if now["state"] == "awaitingApproval" or (now["state"] == "ready" and not now["approvedBy"]) else None,
    ))


@router.post("/{restore_id}/apply", status_code=202)
@permit("restore.fromObjects", refuse=refuse_unknown_or_beside_one_alone, signed_in_within=RECENT, or_else=FROM_REPORTS)
async def apply_restore(
    request: Request, tenant_id: str, restore_id: str, caller: CalledBy, deployed: Deployed, client: Durable,
    body: ApplyRequest, idempotency_key: IdempotencyKey = None,
) -> Response:
    """Do exactly what the plan of this hash lists."""
    tenant_id = tenant_id.lower()
    restore = await deployed.records.restores.get(tenant_id, restore_id)

    async def run(task_id: str) -> Task:
        if restore["state"] != "ready" and not _was_cut_off(restore):
            raise _wrong_state(restore, "ready")
        _check_hash(restore, body.plan_hash)
        _check_age(restore, deployed)
        settings = (await deployed.records.tenants.settings(tenant_id)).settings
        if settings.approvals.required and not restore["approvedBy"]:
            raise Problem(
                409, "approvalRequired", "A second person must approve it first.",
                remedy="Have POST …/approve called by somebody else.",
            )
        unsafe = why_unsafe(restore, force=body.force)
        if unsafe:
            raise Problem(
                422, "planUnsafe", "The plan is held back by the safety checks.", unsafe,
                errors=[wrong("force", body.force, "true, to apply it all the same")],
                remedy="Look at the plan's findings; apply with force if it is meant.",
            )
        await _refuse_meeting(deployed.records, client, tenant_id, of_row(restore))
        await deployed.records.restores.set(
            tenant_id, restore_id, state="ready", force=body.force, applyTaskId=task_id,
            appliedAppOnly=caller.app_only, message="",
        )
        operation = operations.restore(
            tenant_id, task_id, restore_id=restore_id, apply=True, requested_by=caller.subject,
            plan_hash=restore["planHash"] or "", undo=bool(restore["undoOf"]),
            beside=lambda: met(deployed.records, tenant_id, restore_id, task_id),
        )
        return await start(deployed.records, client, operation)

    return await started_once(
        request, deployed, caller, idempotency_key, {"restoreId": restore_id, **body.model_dump()}, run
    )


@router.post("/{restore_id}/cancel", status_code=202)
@permit("restore.fromObjects", refuse=restore_of_kind_allowed, or_else=FROM_REPORTS)
async def cancel_restore(tenant_id: str, restore_id: str, records: Kept) -> dict[str, Any]:
    """Stop between two operations; what was done stays done and is listed."""
    tenant_id = tenant_id.lower()
    restore = await records.restores.get(tenant_id, restore_id)
    if restore["state"] == "cancelled":
        return shown(restore)
    if restore["state"] in ("done", "failed"):
        raise _wrong_state(restore, "one that has not ended")
    if restore["state"] in ("ready", "awaitingApproval"):
        task_id = restore["applyTaskId"]
        task = await records.tasks.find(task_id) if task_id else None
        if task is None or task["status"] not in ("queued", "running"):
            return shown(await records.restores.set(tenant_id, restore_id, state="cancelled"))
    await records.tasks.request_cancel(restore["applyTaskId"] or restore["taskId"])
    return shown(await records.restores.get(tenant_id, restore_id))


@router.post("/{restore_id}/undo", status_code=202)
@permit("restore.fromObjects", refuse=refuse_unknown_or_running, signed_in_within=RECENT, or_else=FROM_REPORTS)
async def undo_restore(
    request: Request, tenant_id: str, restore_id: str, caller: CalledBy, deployed: Deployed, client: Durable,
    body: UndoRequest | None = None, idempotency_key: IdempotencyKey = None,
) -> Response:
    """Plan the way back to what was there before the restore, for all or for chosen objects."""
    tenant_id, asked = tenant_id.lower(), body or UndoRequest()
    restore = await deployed.records.restores.get(tenant_id, restore_id)
    before = restore["beforeBackupId"]
    if restore["applied"] is not None and before is None:
        raise Problem(
            409, "wrongState", "The restore changed nothing.", "There is nothing to undo.",
            more={"state": restore["state"]}, remedy="Nothing: the tenant is as it was before.",
        )
    if restore["state"] not in ("done", "cancelled", "failed") or before is None:
        raise _wrong_state(restore, "one that was applied")
    store = store_of(deployed, tenant_id, restore_id)
    index = await store.plan(restore["planHash"] or "")
    known = await deployed.records.identity_map.resolved(tenant_id)
    touched = await touched_by(store, index, asked.object_ids, known)
    if not touched:
        raise unprocessable(wrong("objectIds", asked.object_ids, "ids of objects that the restore changed"))
    undo = RestoreRequest.model_validate({
        "source": {"backupId": before},
        "selection": {"objectIds": sorted({object_id for _, object_id in touched})[:MOST_IDS]},  # all: TOUCHED
        "options": {"links": "exact", "newObjects": "softDelete", "conditionalAccessState": "asBackedUp"},
        "apply": asked.apply, "force": asked.force, "reason": asked.reason or f"Undo of {restore_id}",
    })
    settings = (await deployed.records.tenants.settings(tenant_id)).settings
    if undo.apply and settings.approvals.required:
        raise unprocessable(wrong("apply", True, "false: a second person must approve"), code="approvalRequired")

    async def run(task_id: str) -> Task:
        await store_of(deployed, tenant_id, task_id).put_note(TOUCHED, as_note(touched))
        await _create(deployed, tenant_id, task_id, undo, backup_id=before, requested_by=caller.subject,
                      undo_of=restore_id)
        operation = operations.restore(
            tenant_id, task_id, restore_id=task_id, apply=undo.apply, requested_by=caller.subject, undo=True
        )
        return await start(deployed.records, client, operation)

    return await started_once(request, deployed, caller, idempotency_key, asked.model_dump(), run)


# -- within -------------------------------------------------------------------------------------------------------


def _check(body: RestoreRequest) -> None:
    if body.options.delete_existing_hybrid_user:
        raise unprocessable(
            wrong("options.deleteExistingHybridUser", True, "false: it is not built yet"), code="notYetSupported",
            remedy="Restore hybrid users on premises.",
        )
    if body.options.delete_existing_cloud_user and not body.force:
        raise unprocessable(
            wrong("force", False, "true: options.deleteExistingCloudUser deletes users"), code="forceRequired"
        )
    named = [*(body.selection.types or ()), *(body.options.attributes if body.options.attributes != "all" else ())]
    unknown = [name for name in named if name not in OBJECT_TYPES]
    if unknown:
        raise unprocessable(*(
            wrong("selection.types" if name in (body.selection.types or ()) else "options.attributes", name,
                  "a type that GET /api/v1/objectTypes lists") for name in unknown[:20]
        ))
    misspelt = body.options.misspelt()
    if misspelt:
        raise unprocessable(*(
            wrong(f"options.attributes.{object_type}", name,
                  f"an attribute or link that GET /api/v1/objectTypes lists for {object_type}")
            for object_type, name in misspelt[:20]
        ))
    if body.selection.change_ids is not None and body.source.report_id is None:
        raise unprocessable(wrong("source.reportId", None, "the report that the changeIds are from"))


async def _resolved(
    deployed: OpenDeployment, tenant_id: str, body: RestoreRequest
) -> tuple[RestoreRequest, str]:
    """The request with its source by its own id, and the restore point that it means."""
    if body.source.backup_id is None:
        report_id = body.source.report_id or ""
        try:
            report = await deployed.records.reports.get(tenant_id, report_id)
        except UnknownRecord:
            raise _not_there(
                wrong("source.reportId", report_id, "the id of a difference report of this tenant"), "differences"
            ) from None
        if report["status"] not in ("succeeded", "succeededWithWarnings"):
            raise Problem(
                409, "reportNotReady", "The report is not ready.", f"It is {report['status']}.",
                remedy="Wait for its task, or make a new report.", more={"taskId": report["taskId"]},
            )
        return body, await _point(deployed, tenant_id, report["backupId"])
    point = await _point(deployed, tenant_id, body.source.backup_id)
    return body.model_copy(update={"source": Source(backup_id=point)}), point


async def _point(deployed: OpenDeployment, tenant_id: str, backup_id: str) -> str:
    try:
        return (await deployed.records.restore_points.get(tenant_id, backup_id))["backupId"]
    except UnknownRecord:
        raise _not_there(
            wrong("source.backupId", backup_id, "the id of a restore point of this tenant, or latest"), "backups"
        ) from None


def _not_there(error: WrongField, list_name: str) -> Problem:
    """404 for an id in a body: unknown, and foreign alike."""
    return Problem(
        404, "notFound", "There is nothing of that id.", errors=[error], remedy=f"List them with GET …/{list_name}."
    )


async def _create(
    deployed: OpenDeployment, tenant_id: str, restore_id: str, body: RestoreRequest, *, backup_id: str,
    requested_by: str, undo_of: str | None = None, scope: Scope | None = None,
) -> Restore:
    store = store_of(deployed, tenant_id, restore_id)
    await store.put_note(REQUEST, body.model_dump(mode="json", by_alias=True, exclude_none=True))
    return await deployed.records.restores.create(cast(Restore, {
        "restoreId": restore_id, "tenantId": tenant_id, "state": "planning", "planHash": None, "counts": {},
        "results": {}, "stale": 0, "requestedBy": requested_by, "approvedBy": None, "reason": body.reason,
        "source": body.source.model_dump(by_alias=True, exclude_none=True), "selection": _summary(body.selection),
        "options": body.options.model_dump(by_alias=True, mode="json"), "force": body.force, "created": "",
        "modified": "", "planned": None, "applied": None, "taskId": restore_id,
        "applyTaskId": restore_id if body.apply else None, "backupId": backup_id,
        "beforeBackupId": None, "undoOf": undo_of, "undoneBy": None, "findings": [], "missingPermissions": [],
        "credentials": "none", "verification": None, "message": "", "plan": "", "appliedAppOnly": False,
        "scope": scope,
    }))


def _summary(selection: Selection) -> dict[str, Any]:
    """What was chosen, small enough for a row: long lists by their number."""
    found = selection.model_dump(by_alias=True, exclude_none=True)
    return {
        name: value if not isinstance(value, list) or len(value) <= 100 else {"count": len(value)}
        for name, value in found.items()
    }


async def _planned(deployed: OpenDeployment, tenant_id: str, restore_id: str) -> tuple[Restore, Any, Any]:
    restore = await deployed.records.restores.get(tenant_id.lower(), restore_id)
    if not restore["planHash"]:
        raise Problem(
            409, "notPlanned", "There is no plan yet.", f"The restore is {restore['state']}.",
            remedy="Wait for its task.", more={"taskId": restore["taskId"]},
        )
    store = store_of(deployed, tenant_id.lower(), restore_id)
    return restore, await store.plan(restore["planHash"]), store


def _was_cut_off(restore: Restore) -> bool:
    """Whether applying it failed before its end, or before its first write: it may go on from there, since its journal
    knows what was sent."""
    return restore["state"] == "failed" and bool(restore["planHash"]) and restore["applied"] is None


def _check_hash(restore: Restore, plan_hash: str | None) -> None:
    if plan_hash is not None and plan_hash != restore["planHash"]:
        raise Problem(
            409, "planChanged", "That is not the plan of this restore.",
            errors=[wrong("planHash", plan_hash, str(restore["planHash"]))], remedy="Look at the plan again.",
        )


def _check_age(restore: Restore, deployed: OpenDeployment) -> None:
    """409 for a plan that is too old, with whoever approved it; one whose application has begun is gone on with."""
    good_for = timedelta(days=deployed.settings.plan_days)
    if restore["planned"] is None or restore["beforeBackupId"] is not None:
        return
    if deployed.records.clock() - as_time(restore["planned"]) > good_for:
        raise Problem(
            409, "planExpired", "The plan is too old.",
            f"It was made at {restore['planned']}; a plan, and its approval, is good for {good_for.days} days.",
            more={"planned": restore["planned"]},
            remedy="Plan it again with POST …/restores (an undo with POST …/undo), look at the plan, have it approved.",
        )


def _wrong_state(restore: Restore, wanted: str) -> Problem:
    return Problem(
        409, "wrongState", "The restore is in another state.",
        f"It is {restore['state']}; this needs {wanted}.", more={"state": restore["state"]},
        remedy="Look at the restore's state.",
    )
