"""/tenants/{tenantId}/backups: start them, list restore points, verify them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.durable import Durable, current_client
from api.guard import GuardedRoute, permit
from api.lists import Fields, ListedBy, listed
from api.moments import moment
from api.problems import unprocessable, wrong
from api.services import CalledBy, Deployed, Kept, Services
from api.starting import IdempotencyKey, started_once, was_sent_before
from shared import operations
from shared.browse.search.screens import BACKUPS
from shared.csv_cells import cell
from shared.errors import Busy
from shared.expectations import expecting
from shared.records.restore_points import RestorePoint
from shared.records.tasks import Task
from shared.starting import running, start
from shared.tenants.settings import Body

router = APIRouter(prefix="/tenants/{tenant_id}/backups", tags=["backups"], route_class=GuardedRoute)

FIELDS = Fields(
    "started desc",
    ("started", "finished", "sizeBytes", "durationSeconds", "kind", "outcome", "expires"),
    BACKUPS,
)

Moment = Annotated[str | None, Query(max_length=64)]


class StartBackup(Body):
    """What to back up, and how; without `types` everything."""

    kind: Annotated[Literal["incremental", "full"], expecting("one of incremental, full")] = "incremental"
    types: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None


async def refuse_while_running(request: Request) -> None:
    """409 while a backup of the tenant runs, unless this is the request that started it."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    if await was_sent_before(request, records, request.state.caller):
        return
    holder = await running(records, current_client.get(), request.path_params["tenant_id"].lower(), "backup")
    if holder is not None:
        raise Busy("A backup of this tenant is running already.", task_id=holder)


@router.post("", status_code=202)
@permit("backups.run", refuse=refuse_while_running)
async def run_backup(
    request: Request,
    tenant_id: str,
    caller: CalledBy,
    deployed: Deployed,
    client: Durable,
    body: StartBackup | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Start a backup."""
    asked = body or StartBackup()
    _check_types(asked.types)

    async def run(task_id: str) -> Task:
        operation = operations.backup(
            tenant_id.lower(), task_id, kind=asked.kind, types=asked.types, requested_by=caller.subject
        )
        return await start(deployed.records, client, operation)

    return await started_once(request, deployed, caller, idempotency_key, asked.model_dump(), run)


@router.get("")
@permit("backups.read")
async def list_backups(
    request: Request,
    tenant_id: str,
    records: Kept,
    query: ListedBy,
    since: Annotated[Moment, Query(alias="from", description="Started then or later (RFC 3339, or a date).")] = None,
    until: Annotated[Moment, Query(alias="to", description="Started then or before; a date counts whole.")] = None,
    status: Annotated[
        Literal["packed", "unpacked"] | None, expecting("one of packed, unpacked")
    ] = None,
) -> dict[str, Any]:
    """Restore points, newest first."""
    earliest, latest = moment("from", since, end=False), moment("to", until, end=True)

    async def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for place, point in records.restore_points.stream(tenant_id.lower(), after=after):
            yield place, shown(point)

    def matches(point: dict[str, Any]) -> bool:
        return earliest <= point["started"] <= latest and status in (None, point["status"])

    return await listed(request, query, FIELDS, stream, matches=matches)


@router.get("/{backup_id}")
@permit("backups.read")
async def get_backup(tenant_id: str, backup_id: str, records: Kept) -> dict[str, Any]:
    """One restore point; `latest` is the newest."""
    return shown(await records.restore_points.get(tenant_id.lower(), backup_id))


@router.post("/{backup_id}/verify", status_code=202)
@permit("backups.run")
async def verify_backup(
    request: Request,
    tenant_id: str,
    backup_id: str,
    caller: CalledBy,
    deployed: Deployed,
    client: Durable,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Re-read and re-hash all that a restore point names."""
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)

    async def run(task_id: str) -> Task:
        operation = operations.verification(
            tenant_id.lower(), task_id, backup_id=point["backupId"], requested_by=caller.subject
        )
        return await start(deployed.records, client, operation)

    return await started_once(request, deployed, caller, idempotency_key, {"backupId": point["backupId"]}, run)


def shown(point: RestorePoint) -> dict[str, Any]:
    """The restore point without its coverage in detail; `when` is its start, under the name that searches use."""
    kept = {name: value for name, value in point.items() if name != "coverageDetails"}
    return {**kept, "when": point["started"]}


def csv_of(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    """A CSV file (RFC 4180) whose cells no spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[cell(value) for value in row] for row in rows])
    return Response(
        text.getvalue().encode(), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _check_types(types: Sequence[str] | None) -> None:
    if types is None:
        return
    from shared.catalog import OBJECT_TYPES

    unknown = [name for name in types if name not in OBJECT_TYPES]
    if unknown:
        raise unprocessable(
            *(wrong("types", name, "a type that GET /api/v1/objectTypes lists") for name in unknown[:20])
        )
