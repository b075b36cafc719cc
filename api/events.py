"""/events: what happened."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from api.guard import GuardedRoute, permit
from api.lists import Fields, ListedBy, listed
from api.services import CalledBy, Kept
from api.tasks import task_of_caller, tenants_asked
from shared.browse.search.screens import EVENTS
from shared.errors import UnknownRecord
from shared.expectations import expecting
from shared.records.events import Event

router = APIRouter(prefix="/events", tags=["events"], route_class=GuardedRoute)

FIELDS = Fields(
    "timestamp desc",
    ("timestamp", "severity", "code", "message"),
    EVENTS,
)

OneSeverity = Annotated[
    Literal["error", "warning", "information"], expecting("one of error, warning, information")
]


async def own_task(request: Request) -> None:
    """404 for a task that is not there, and for one of a tenant that is not the caller's."""
    for task_id in request.query_params.getlist("task"):
        await task_of_caller(request, task_id)


@router.get("")
@permit("events.read", refuse=own_task)
async def list_events(
    request: Request,
    caller: CalledBy,
    records: Kept,
    query: ListedBy,
    tenant: Annotated[str | None, Query(max_length=64)] = None,
    severity: OneSeverity | None = None,
    task: Annotated[str | None, Query(max_length=128, description="A task's id.")] = None,
) -> dict[str, Any]:
    """Events, newest first."""
    tenants = tenants_asked(caller, tenant)
    def stream(after: str) -> AsyncIterator[tuple[str, Event]]:
        return records.events.stream(tenants, after=after, severity=severity, task_id=task)

    return await listed(request, query, FIELDS, stream)


@router.get("/{event_id}")
@permit("events.read")
async def get_event(event_id: str, caller: CalledBy, records: Kept) -> Event:
    """One event."""
    event = await records.events.get(event_id)
    if not caller.sees(event["tenantId"]):
        raise UnknownRecord(f"There is no event {event_id!r}.")
    return event
