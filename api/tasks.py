"""/tasks: what runs and what ran."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Query, Request, Response

from api.durable import Durable
from api.guard import GuardedRoute, check_recent, lacks, permit
from api.lists import Fields, ListedBy, listed
from api.one_object import ATTRIBUTES_WITHIN
from api.problems import Problem
from api.services import CalledBy, Deployed, Kept, Services
from api.starting import accepted
from shared.browse.exporting import LINK_VALID, Linking, export_name
from shared.browse.search.screens import TASKS
from shared.errors import UnknownRecord
from shared.expectations import expecting
from shared.records.tasks import OPEN, Task
from shared.security.callers import Caller
from shared.security.permissions import Permission
from shared.starting import stop

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=GuardedRoute)

FIELDS = Fields(
    "created desc",
    ("created", "modified", "name", "type", "status"),
    TASKS,
)

OneStatus = Annotated[
    Literal["queued", "running", "succeeded", "succeededWithWarnings", "failed", "cancelled"],
    expecting("one of queued, running, succeeded, succeededWithWarnings, failed, cancelled"),
]
OneType = Annotated[
    Literal["backup", "unpack", "differences", "restore", "undo", "verify", "expiry", "rebuild", "export"],
    expecting("one of backup, unpack, differences, restore, undo, verify, expiry, rebuild, export"),
]


def tenants_asked(caller: Caller, tenant: str | None) -> list[str] | None:
    """The tenants that a list across tenants covers: one, the caller's own, or (None) all."""
    if tenant is not None:
        return [tenant.lower()]
    return None if caller.tenants is None else sorted(caller.tenants)


async def task_of_caller(request: Request, task_id: str) -> Task:
    """The task; raises UnknownRecord if it is not there, or of a tenant that is not the caller's."""
    services: Services = request.app.state.services
    task = await (await services.deployment()).records.tasks.get(task_id)
    if not request.state.caller.sees(task["tenantId"]):
        raise UnknownRecord(f"There is no task {task_id[:64]!r}.")
    return task


async def own_task(request: Request) -> None:
    """Refuses a task that is not the caller's."""
    await task_of_caller(request, request.path_params["task_id"])


@router.get("")
@permit("tasks.read")
async def list_tasks(
    request: Request,
    caller: CalledBy,
    records: Kept,
    query: ListedBy,
    tenant: Annotated[str | None, Query(max_length=64)] = None,
    status: OneStatus | None = None,
    type: OneType | None = None,  # noqa: A002 - the parameter's name in the interface
) -> dict[str, Any]:
    """Tasks, newest first."""
    tenants = tenants_asked(caller, tenant)

    def stream(after: str) -> AsyncIterator[tuple[str, Task]]:
        return records.tasks.stream(tenants, after=after, only_open=status in OPEN)

    def matches(task: Task) -> bool:
        return status in (None, task["status"]) and type in (None, task["type"])

    return await listed(request, query, FIELDS, stream, matches=matches)


@router.get("/{task_id}")
@permit("tasks.read", refuse=own_task)
async def get_task(task_id: str, records: Kept, response: Response) -> Task:
    """One task, with its progress."""
    task = await records.tasks.get(task_id)
    if task["status"] in OPEN:
        response.headers["Retry-After"] = "2"
    return task


@router.get("/{task_id}/download", status_code=302, response_class=Response)
@permit("export", refuse=own_task)
async def download_export(task_id: str, caller: CalledBy, deployed: Deployed) -> Response:
    """Go to the file that the task made, by an address that holds for 15 minutes and is kept nowhere."""
    task = await deployed.records.tasks.get(task_id)
    if task["type"] != "export" or task["status"] != "succeeded":
        raise Problem(
            409, "noDownload", "This task has no download.", f"It is of type {task['type']} and {task['status']}.",
            remedy="Wait until an export has succeeded.",
        )
    if task["result"].get("userAttributes"):  # as for the list that the file is of
        if "objects.readAttributes" not in caller.permissions_in(task["tenantId"]):
            raise lacks("objects.readAttributes")
        check_recent(caller, ATTRIBUTES_WITHIN)
    name = export_name(task["tenantId"], task_id)
    if await deployed.workspace.properties(name) is None:
        raise UnknownRecord("The file is not there any more.", remedy="Export the list again.")
    file_name = f"objects-{task['result'].get('backupId', 'export')}.csv"
    store = cast(Linking, deployed.workspace)
    return Response(
        status_code=302,
        headers={"Location": await store.link(name, file_name=file_name, valid=LINK_VALID)},
    )


ENDED: Mapping[str, str] = {
    "succeeded": "succeeded", "succeededWithWarnings": "succeeded with warnings", "failed": "failed",
}

CANCELLED_BY: Mapping[str, Permission] = {
    "restore": "restore.fromObjects", "undo": "restore.fromObjects", "differences": "differences.run",
    "unpack": "backups.unpack", "rebuild": "tenants.manage",
}
"""What cancelling asks for beside `backups.run`, by the task's type: as much as starting it."""


async def own_task_to_cancel(request: Request) -> None:
    """404 for a task that is not the caller's, 403 for one that it might not have started."""
    task = await task_of_caller(request, request.path_params["task_id"])
    needed = CANCELLED_BY.get(task["type"])
    if needed is not None and needed not in request.state.caller.permissions_in(task["tenantId"]):
        raise lacks(needed)


@router.post("/{task_id}/cancel", status_code=202)
@permit("backups.run", refuse=own_task_to_cancel)
async def cancel_task(task_id: str, caller: CalledBy, records: Kept, client: Durable) -> Response:
    """Stop a task; a repetition changes nothing."""
    task = await records.tasks.get(task_id)
    if task["status"] == "cancelled":
        return accepted(task)
    if task["status"] not in OPEN:
        raise Problem(
            409, "taskEnded", "The task has ended.", f"It {ENDED[task['status']]}, and cannot be cancelled any more.",
            remedy="Nothing is left to cancel; look at what it did, and undo that where it is not wanted.",
            more={"taskId": task_id},
        )
    return accepted(await stop(records, client, task, by=caller.subject))
