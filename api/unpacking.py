"""/tenants/{tenantId}/backups/{backupId}/unpack and /pack: whether a restore point has a browsable index."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.backups import shown
from api.durable import Durable, current_client
from api.guard import GuardedRoute, permit
from api.services import CalledBy, Deployed, Services
from api.starting import IdempotencyKey, started_once, was_sent_before
from shared import operations
from shared.browse.packing import pack
from shared.errors import Busy
from shared.expectations import expecting
from shared.records.tasks import Task
from shared.starting import running, start
from shared.tenants.settings import Body

router = APIRouter(
    prefix="/tenants/{tenant_id}/backups/{backup_id}", tags=["backups"], route_class=GuardedRoute
)


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
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)

    async def run(task_id: str) -> Task:
        operation = operations.unpacking(
            tenant_id.lower(), task_id, backup_id=point["backupId"], clear_previous=asked.clear_previous,
            requested_by=caller.subject,
        )
        return await start(deployed.records, client, operation)

    wanted = {"backupId": point["backupId"], **asked.model_dump()}
    return await started_once(request, deployed, caller, idempotency_key, wanted, run)


@router.post("/pack")
@permit("backups.unpack", refuse=refuse_unknown_or_unpacking)
async def pack_backup(tenant_id: str, backup_id: str, deployed: Deployed) -> dict[str, Any]:
    """Drop the browsable index of a restore point, which stays as it is; a repetition changes nothing."""
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)
    await pack(deployed.records, deployed.vault, deployed.workspace, tenant_id.lower(), point["backupId"])
    return shown(await deployed.records.restore_points.get(tenant_id.lower(), point["backupId"]))
