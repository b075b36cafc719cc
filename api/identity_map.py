"""/tenants/{tenantId}/identityMap: which new id stands for which old one."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response

from api.backups import csv_of
from api.guard import GuardedRoute, permit
from api.lists import Fields, ListedBy, listed
from api.services import Kept
from shared.records.identity_map import Identity

router = APIRouter(prefix="/tenants/{tenant_id}", tags=["restores"], route_class=GuardedRoute)

COLUMNS = ("oldId", "newId", "objectType", "oldAppId", "newAppId", "restoreId", "created")
FIELDS = Fields("oldId asc", ("created", "objectType", "oldId", "newId"), COLUMNS)


@router.get("/identityMap")
@permit("tasks.read")
async def list_identities(request: Request, tenant_id: str, records: Kept, query: ListedBy) -> dict[str, Any]:
    """Every object that Cairn made anew: its old id and its new one."""

    def stream(after: str) -> AsyncIterator[tuple[str, Identity]]:
        return records.identity_map.stream(tenant_id.lower(), after=after)

    return await listed(request, query, FIELDS, stream)


@router.get("/identityMap.csv", response_class=Response)
@permit("export")
async def export_identities(tenant_id: str, records: Kept) -> Response:
    """The same as a table, for mending what Cairn does not reach (Azure roles, client configuration)."""
    entries = records.identity_map.stream(tenant_id.lower())
    rows = [[dict(one).get(name) for name in COLUMNS] async for _, one in entries]
    return csv_of("identity-map", COLUMNS, rows)
