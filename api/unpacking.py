"""/tenants/{tenantId}/backups/{backupId}/unpack and /pack: whether a restore point has a browsable index."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.backups import shown
from api.durable import Durable, current_client
from api.guard import GuardedRoute, permit
from api.problems import Problem, wrong
from api.services import CalledBy, Deployed, OpenDeployment, Services
from api.starting import IdempotencyKey, started_once, was_sent_before
from shared import operations
from shared.browse.packing import pack
from shared.catalog.noise import NOISE_RULES
from shared.differences.reports import LIVE
from shared.errors import Busy
from shared.expectations import expecting
from shared.records.restore_points import RestorePoint
from shared.records.tasks import Task
from shared.starting import DurableClient, running, start
from shared.tenants.settings import Body

router = APIRouter(
    prefix="/tenants/{tenant_id}/backups/{backup_id}", tags=["backups"], route_class=GuardedRoute
)

_REPORTS = uuid.UUID("0b7e4a52-3f0f-4c8c-9b52-6a5b6a0c8d11")
"""Makes the id of a report from the id of the task that it is made beside."""


class Unpack(Body):
    """How to unpack."""

    clear_previous: Annotated[bool, expecting("true or false")] = False
    """Whether the tenant's other restore points are packed when this one stands."""
    differences: Annotated[bool, expecting("true or false")] = False
    """Whether a report of the differences to the live tenant is made as well."""


async def refuse_unknown_or_unpacking(request: Request) -> None:
    """404 for a restore point that is not there, 409 while one of the tenant is being unpacked."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    tenant_id = request.path_params["tenant_id"].lower()
    await records.restore_points.get(tenant_id, request.path_params["backup_id"])
    if await was_sent_before(request, records, request.state.caller):
        return
    holder = await running(records, current_client.get(), tenant_id, "unpack")
    if holder is not None:
        raise Busy("A restore point of this tenant is being unpacked.", task_id=holder)


@router.post("/unpack", status_code=202)
@permit("backups.unpack", refuse=refuse_unknown_or_unpacking)
async def unpack_backup(
    request: Request,
    tenant_id: str,
    backup_id: str,
    caller: CalledBy,
    deployed: Deployed,
    client: Durable,
    body: Unpack | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make the browsable index of a restore point."""
    asked = body or Unpack()
    if asked.differences and not caller.may("differences.run"):
        raise Problem(
            403, "forbidden", "Your roles do not allow this.", "`differences` needs the permission differences.run.",
            errors=[wrong("permission", None, "differences.run")],
            remedy="Unpack without `differences`, or ask an administrator for a role that holds differences.run.",
        )
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)

    async def run(task_id: str) -> Task:
        report_id = str(uuid.uuid5(_REPORTS, task_id)) if asked.differences else ""
        operation = operations.unpacking(
            tenant_id.lower(), task_id, backup_id=point["backupId"], clear_previous=asked.clear_previous,
            requested_by=caller.subject, report_id=report_id,
        )
        task = await start(deployed.records, client, operation)
        if report_id:
            await _report(deployed, client, point, report_id, caller.subject)
        return task

    wanted = {"backupId": point["backupId"], **asked.model_dump()}
    return await started_once(request, deployed, caller, idempotency_key, wanted, run)


@router.post("/pack")
@permit("backups.unpack", refuse=refuse_unknown_or_unpacking)
async def pack_backup(tenant_id: str, backup_id: str, deployed: Deployed) -> dict[str, Any]:
    """Drop the browsable index of a restore point, which stays as it is; a repetition changes nothing."""
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)
    await pack(deployed.records, deployed.vault, deployed.workspace, tenant_id.lower(), point["backupId"])
    return shown(await deployed.records.restore_points.get(tenant_id.lower(), point["backupId"]))


async def _report(
    deployed: OpenDeployment, client: DurableClient, point: RestorePoint, report_id: str, by: str
) -> None:
    """Start the report of what separates the restore point from the live tenant. Safe to repeat."""
    await deployed.records.reports.create({
        "reportId": report_id, "tenantId": point["tenantId"], "origin": "request", "backupId": point["backupId"],
        "against": LIVE, "taskId": report_id, "requestedBy": by, "types": None, "objectCount": None, "scope": "",
        "noise": dict.fromkeys(NOISE_RULES, True),
    })
    operation = operations.differences(
        point["tenantId"], report_id, report_id=report_id, name=f"Differences {point['backupId']} to the live tenant",
        requested_by=by,
    )
    await start(deployed.records, client, operation)
