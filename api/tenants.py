"""/tenants: which tenants are protected here."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.guard import GuardedRoute, no_such_tenant, permit
from api.lists import Fields, ListedBy, listed
from api.problems import Problem, unprocessable, wrong
from api.services import CalledBy, Deployed, Kept, Services
from shared.browse.search.screens import TENANTS
from shared.differences.life import forget as forget_reports
from shared.expectations import expecting
from shared.records.tasks import OPEN
from shared.settings import GUID
from shared.tenants.registry import Tenant
from shared.tenants.settings import Body, Guid

router = APIRouter(prefix="/tenants", tags=["tenants"], route_class=GuardedRoute)

FIELDS = Fields("tenantId asc", ("tenantId", "displayName", "created", "cloud", "kind"),
                TENANTS)

Cloud = Annotated[
    Literal["global", "usGovL4", "usGovL5", "china"], expecting("one of global, usGovL4, usGovL5, china")
]
Kind = Annotated[Literal["workforce", "b2c", "external"], expecting("one of workforce, b2c, external")]
UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""Controls, separators of lines, and what turns the direction of text around: a name with them reads as another."""
Name = Annotated[
    str, Field(min_length=1, max_length=256, pattern=rf"^[^{UNSEEN}]*[^\s{UNSEEN}][^{UNSEEN}]*$"),
    expecting("text of 1 to 256 characters on one line"),
]


class NewTenant(Body):
    """A tenant to protect; without `cloud` it is in the deployment's own."""

    tenant_id: Annotated[Guid, expecting("a GUID")]
    display_name: Name | None = None
    cloud: Cloud | None = None
    kind: Kind = "workforce"


class TenantChange(Body):
    """What may be changed of a tenant."""

    display_name: Name | None = None
    kind: Kind | None = None


async def refuse_duplicate(request: Request) -> None:
    """409 for a tenant that is registered already, before the rest of the body is looked at."""
    services: Services = request.app.state.services
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return
    tenant_id = body.get("tenantId") if isinstance(body, dict) else None
    if not isinstance(tenant_id, str) or not GUID.fullmatch(tenant_id):
        return
    if not request.state.caller.sees(tenant_id):
        raise no_such_tenant(tenant_id)
    if await (await services.deployment()).records.tenants.find(tenant_id) is not None:
        raise duplicate(tenant_id)


def duplicate(tenant_id: str) -> Problem:
    """409 for a tenant that is registered already."""
    return Problem(
        409, "duplicateTenant", "This tenant is registered already.",
        errors=[wrong("tenantId", tenant_id, "a tenant that is not registered yet")],
        remedy="Change it with PATCH /api/v1/tenants/{tenantId}.",
    )


@router.get("")
@permit("backups.read")
async def list_tenants(request: Request, caller: CalledBy, records: Kept, query: ListedBy) -> dict[str, Any]:
    """The tenants that the caller may see."""

    async def stream(after: str) -> AsyncIterator[tuple[str, Tenant]]:
        async for place, tenant in records.tenants.stream(after=after):
            if caller.sees(place):
                yield place, tenant

    return await listed(request, query, FIELDS, stream)


@router.post("", status_code=201)
@permit("tenants.manage", refuse=refuse_duplicate)
async def register_tenant(
    body: NewTenant, caller: CalledBy, deployed: Deployed, response: Response
) -> Tenant:
    """Protect a tenant from now on; its schedule is off until its settings switch it on."""
    if not caller.sees(body.tenant_id):
        raise no_such_tenant(body.tenant_id)
    own_cloud = deployed.settings.cloud
    if body.cloud not in (None, own_cloud):
        raise unprocessable(
            wrong("cloud", body.cloud, f"{own_cloud}, the cloud of this deployment"), code="otherCloud",
            remedy=f"Deploy Cairn in {body.cloud}, or register an app there and set its certificate in this one.",
        )
    tenant = await deployed.records.tenants.register(
        tenant_id=body.tenant_id, display_name=body.display_name or body.tenant_id, cloud=own_cloud, kind=body.kind,
        created_by=caller.subject,
    )
    response.headers["Location"] = f"/api/v1/tenants/{body.tenant_id}"
    return tenant


@router.get("/{tenant_id}")
@permit("backups.read")
async def get_tenant(tenant_id: str, records: Kept) -> Tenant:
    """One tenant."""
    return await records.tenants.get(tenant_id)


@router.patch("/{tenant_id}")
@permit("tenants.manage")
async def change_tenant(tenant_id: str, body: TenantChange, records: Kept) -> Tenant:
    """Change a tenant's name or kind."""

    def change(tenant: Tenant) -> Tenant:
        return {
            **tenant, "displayName": body.display_name or tenant["displayName"], "kind": body.kind or tenant["kind"],
        }

    return await records.tenants.change(tenant_id, change)


@router.delete("/{tenant_id}", status_code=204)
@permit("tenants.manage")
async def unregister_tenant(tenant_id: str, deployed: Deployed) -> None:
    """Stop protecting a tenant; its restore points stay until they expire, its difference reports go. Refused while a
    task of it runs."""
    records = deployed.records
    async for _, task in records.tasks.stream([tenant_id.lower()], only_open=True):
        if task["status"] in OPEN:
            raise Problem(
                409, "busy", "An operation of this tenant is running.", more={"taskId": task["taskId"]},
                remedy="Wait for the running task, or cancel it.",
            )
    await forget_reports(deployed, tenant_id.lower())  # first, so that a failure leaves something to repeat
    await records.tenants.unregister(tenant_id)
    await records.assignments.forget(tenant_id)
    await records.consents.forget(tenant_id)
    await records.notifications.forget(tenant_id)
