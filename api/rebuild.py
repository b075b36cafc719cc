"""POST /rebuild: make the tables anew from the vault alone, when they were lost or are not to be believed."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.durable import Durable, current_client
from api.guard import GuardedRoute, permit
from api.problems import Problem, wrong
from api.services import CalledBy, Deployed, Services
from api.starting import IdempotencyKey, started_once, was_sent_before
from shared import operations
from shared.audit.entry import DEPLOYMENT
from shared.errors import Busy
from shared.expectations import expecting
from shared.records.tasks import Task
from shared.security.callers import Caller
from shared.starting import running, start
from shared.tenants.settings import Body, Guid

router = APIRouter(prefix="/rebuild", tags=["rebuild"], route_class=GuardedRoute)


class Rebuild(Body):
    """What to rebuild beside the tenants that the vault's registry knows."""

    tenant_ids: Annotated[list[Guid], Field(max_length=100), expecting("up to 100 GUIDs")] = Field(default_factory=list)


async def refuse_partial_or_rebuilding(request: Request) -> None:
    """403 for a caller that does not manage all tenants, 409 while a rebuild runs."""
    caller: Caller = request.state.caller
    if not caller.may_everywhere("tenants.manage"):
        raise Problem(
            403, "forbidden", "Your roles do not allow this.", "It needs the permission tenants.manage in all tenants.",
            errors=[wrong("permission", None, "tenants.manage in all tenants")],
            remedy="Ask somebody who administers the whole deployment.",
        )
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    if await was_sent_before(request, records, caller):
        return
    holder = await running(records, current_client.get(), DEPLOYMENT, "rebuild")
    if holder is not None:
        raise Busy("A rebuild is running.", task_id=holder)


@router.post("", status_code=202)
@permit("tenants.manage", refuse=refuse_partial_or_rebuilding, everywhere=True)
async def rebuild(
    request: Request,
    caller: CalledBy,
    deployed: Deployed,
    client: Durable,
    body: Rebuild | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Rebuild registry, settings, restore points, tasks, events and the audit trail. Nothing is deleted by it."""
    asked = body or Rebuild()

    async def run(task_id: str) -> Task:
        operation = operations.rebuilding(task_id, tenant_ids=asked.tenant_ids, requested_by=caller.subject)
        return await start(deployed.records, client, operation)

    return await started_once(request, deployed, caller, idempotency_key, asked.model_dump(), run)
