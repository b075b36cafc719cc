"""/tenants/{tenantId}/differences: reports of what separates two states, and their changes.

Values of people's attributes are shown to those who may see attributes and have signed in of late; to others they are
masked, also in searches.
"""

import io
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.auditing import note
from api.durable import Durable
from api.guard import GuardedRoute, check_recent, permit
from api.lists import Fields, ListedBy, bad_continuation, listed, made_for, query_of, start_of
from api.one_object import ATTRIBUTES_WITHIN
from api.problems import Problem, unprocessable, wrong
from api.services import CalledBy, Deployed, Kept, OpenDeployment, Services
from api.starting import IdempotencyKey, started_once
from shared import operations
from shared.browse.search.screens import DIFFERENCES
from shared.catalog import OBJECT_TYPES
from shared.catalog.noise import NOISE_RULES
from shared.deployment import Records
from shared.differences.listing import ChangeFilter, changes_of, generation_of, is_personal, write_csv
from shared.differences.reports import HIDDEN, LIVE, OPEN, Report
from shared.differences.working import store_scope
from shared.errors import UnknownRecord
from shared.expectations import expecting
from shared.records.restore_points import RestorePoint
from shared.records.tasks import Task
from shared.records.times import as_text
from shared.recovery.difference import ChangeType
from shared.security.callers import Caller
from shared.starting import start, stop
from shared.tenants.settings import Body

router = APIRouter(prefix="/tenants/{tenant_id}/differences", tags=["differences"], route_class=GuardedRoute)

MOST_OBJECTS = 10_000
MOST_ROWS = 50_000
REPORTS = Fields(
    "created desc", ("created", "status", "backupId", "against", "origin", "total"), ("backupId", "against")
)
CHANGES = Fields(
    "objectType asc",
    ("objectType", "objectName", "changeType", "changedAttribute", "changedAt", "changedBy", "targetName"),
    DIFFERENCES,
)
OneChangeType = Annotated[
    ChangeType | None, Query(alias="changeType"),
    expecting("one of changed, linkAdded, linkRemoved, newObject, softDeleted, hardDeleted"),
]
Text = Annotated[str | None, Query(max_length=200)]
_PLACE = re.compile(r"[0-9a-f]{12}-[0-9]{1,9}-[0-9]{1,9}")
Collapsed = Annotated[Literal["false", "true", "any"], expecting("one of false, true, any")]


class StartReport(Body):
    """What is compared with what."""

    backup_id: Annotated[str, Field(min_length=1, max_length=64)]
    against: Annotated[str, Field(min_length=1, max_length=64)] = LIVE
    types: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    object_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=MOST_OBJECTS),
        expecting(f"1 to {MOST_OBJECTS} ids"),
    ] | None = None  # fmt: skip
    noise: dict[str, bool] = Field(default_factory=dict)
    """Noise rules to switch off (or on), by their names; what is not named is on."""


async def refuse_unknown_report(request: Request) -> None:
    """404 for a report that is not there."""
    services: Services = request.app.state.services
    records = (await services.deployment()).records
    await records.reports.get(request.path_params["tenant_id"].lower(), request.path_params["report_id"])


@router.post("", status_code=202)
@permit("differences.run")
async def report_differences(
    request: Request, tenant_id: str, caller: CalledBy, deployed: Deployed, client: Durable, body: StartReport,
    idempotency_key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """Start a difference report."""
    records, tenant_id = deployed.records, tenant_id.lower()
    point = await _point(records, tenant_id, "backupId", body.backup_id)
    against = body.against
    if against != LIVE:
        against = (await _point(records, tenant_id, "against", against))["backupId"]
    _check(body)
    if against == point["backupId"]:
        raise unprocessable(wrong("against", body.against, "live, or another restore point than backupId"))

    async def run(task_id: str) -> Task:
        ids = sorted(set(body.object_ids)) if body.object_ids is not None else None
        scope = await store_scope(deployed, tenant_id, task_id, ids) if ids is not None else ""
        await records.reports.create({
            "reportId": task_id, "tenantId": tenant_id, "origin": "request", "backupId": point["backupId"],
            "against": against, "taskId": task_id, "requestedBy": caller.subject,
            "types": None if body.types is None else sorted(set(body.types)),
            "objectCount": None if ids is None else len(ids), "scope": scope,
            "noise": {name: body.noise.get(name, True) for name in NOISE_RULES},
        })
        return await _started(deployed, client, tenant_id, task_id, task_id, caller.subject)

    return await started_once(request, deployed, caller, idempotency_key, body.model_dump(), run)


async def _point(records: Records, tenant_id: str, field: str, backup_id: str) -> RestorePoint:
    try:
        return await records.restore_points.get(tenant_id, backup_id)
    except UnknownRecord as error:
        raise Problem(
            404, "notFound", "There is nothing of that id.", str(error),
            errors=[wrong(field, backup_id, "the id of a restore point of this tenant, or latest")],
            remedy=f"List them with GET /api/v1/tenants/{tenant_id}/backups.",
        ) from None


@router.get("")
@permit("differences.read")
async def list_reports(
    request: Request, tenant_id: str, records: Kept, query: ListedBy,
    backup: Text = None, against: Text = None,
    origin: Annotated[Literal["request", "watch"] | None, expecting("one of request, watch")] = None,
) -> dict[str, Any]:  # fmt: skip
    """Reports, newest first."""

    async def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for place, report in records.reports.stream(tenant_id.lower(), after=after):
            yield place, shown(await _settled(records, report))

    def matches(report: dict[str, Any]) -> bool:
        return (
            backup in (None, report["backupId"]) and against in (None, report["against"])
            and origin in (None, report["origin"])
        )  # fmt: skip

    return await listed(request, query, REPORTS, stream, matches=matches)


@router.get("/{report_id}")
@permit("differences.read")
async def get_report(tenant_id: str, report_id: str, records: Kept) -> dict[str, Any]:
    """One report: its figures, what it cost, and what it does not say."""
    return shown(await _settled(records, await records.reports.get(tenant_id.lower(), report_id)))


@router.get("/{report_id}/changes")
@permit("differences.read", refuse=refuse_unknown_report)
async def list_changes(
    request: Request, tenant_id: str, report_id: str, caller: CalledBy, deployed: Deployed, query: ListedBy,
    change_type: OneChangeType = None, type: Text = None,  # noqa: A002 - the parameter's name in the interface
    attribute: Text = None, caused_by: Annotated[Text, Query(alias="causedBy")] = None,
    restorable: Annotated[bool | None, expecting("true or false")] = None, collapsed: Collapsed = "false",
) -> dict[str, Any]:  # fmt: skip
    """The changes of a report, by object type; those set aside under others only where they are asked for."""
    report = await _made(deployed, tenant_id, report_id)
    query_of(query.q, DIFFERENCES)
    _check_type(type)
    masked = _masked(caller)
    chosen = ChangeFilter(
        change_type, type, attribute, caused_by, restorable, collapsed, query.q or "", masked=bool(masked)
    )
    generation = _generation(request, query, report)

    def stream(after: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        return changes_of(deployed.workspace, report, chosen, after, generation)

    page = await listed(request, replace(query, q=None), CHANGES, stream)
    personal = [one for one in page["value"] if one["attribute"] and is_personal(one["objectType"])]
    if personal and not masked:
        note(request, userAttributes=len(personal))
    return {**page, **({"masked": masked} if any(one["masked"] for one in personal) else {})}


@router.get("/{report_id}/changes.csv", response_class=Response)
@permit("export", refuse=refuse_unknown_report)
async def get_changes_csv(
    request: Request, tenant_id: str, report_id: str, caller: CalledBy, deployed: Deployed, client: Durable,
    change_type: OneChangeType = None, type: Text = None,  # noqa: A002 - the parameter's name in the interface
    attribute: Text = None, q: str | None = None, caused_by: Annotated[Text, Query(alias="causedBy")] = None,
    restorable: Annotated[bool | None, expecting("true or false")] = None, collapsed: Collapsed = "false",
    idempotency_key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """The changes as CSV; more than 50,000 rows become a task, whose download is the file."""
    report = await _made(deployed, tenant_id, report_id)
    query_of(q, DIFFERENCES)
    _check_type(type)
    chosen = ChangeFilter(
        change_type, type, attribute, caused_by, restorable, collapsed, q or "", masked=bool(_masked(caller))
    )
    text = io.StringIO()
    if await write_csv(deployed.workspace, report, chosen, text, most=MOST_ROWS) <= MOST_ROWS:
        name = f"differences-{report['backupId']}-{report['against']}.csv"
        return Response(
            text.getvalue().encode(), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def run(task_id: str) -> Task:
        operation = operations.change_export(
            report["tenantId"], task_id, report_id=report_id, backup_id=report["backupId"], chosen=asdict(chosen),
            requested_by=caller.subject,
        )
        return await start(deployed.records, client, operation)

    wanted = {"reportId": report_id, **asdict(chosen)}
    return await started_once(request, deployed, caller, idempotency_key, wanted, run)


@router.post("/{report_id}/refresh", status_code=202)
@permit("differences.run", refuse=refuse_unknown_report)
async def refresh_report(
    request: Request, tenant_id: str, report_id: str, caller: CalledBy, deployed: Deployed, client: Durable,
    idempotency_key: IdempotencyKey = None,
) -> Response:  # fmt: skip
    """Make the report anew; of the live tenant only what is new since is read. What it said stays until then."""
    records = deployed.records
    report = await _settled(records, await records.reports.get(tenant_id.lower(), report_id))

    async def run(task_id: str) -> Task:
        if report["status"] in OPEN:
            return await records.tasks.get(report["taskId"])
        await records.reports.set(report["tenantId"], report_id, status="queued", taskId=task_id)
        return await _started(deployed, client, report["tenantId"], task_id, report_id, caller.subject)

    return await started_once(request, deployed, caller, idempotency_key, {"reportId": report_id}, run)


@router.post("/{report_id}/cancel", status_code=202)
@permit("differences.run", refuse=refuse_unknown_report)
async def cancel_report(
    tenant_id: str, report_id: str, caller: CalledBy, records: Kept, client: Durable
) -> dict[str, Any]:
    """Stop a report that is being made; a repetition changes nothing."""
    report = await _settled(records, await records.reports.get(tenant_id.lower(), report_id))
    if report["status"] == "cancelled":
        return shown(report)
    if report["status"] not in OPEN:
        raise Problem(
            409, "taskEnded", "The report has ended.", f"It {report['status']}, and cannot be cancelled any more.",
            more={"taskId": report["taskId"]},
        )
    task = await stop(records, client, await records.tasks.get(report["taskId"]), by=caller.subject)
    new = {"status": task["status"], "finished": as_text(records.clock())}
    return shown(await records.reports.set(report["tenantId"], report_id, **new))


def shown(report: Report) -> dict[str, Any]:
    """The report without what only Cairn needs."""
    return {name: value for name, value in report.items() if name not in HIDDEN}


def _masked(caller: Caller) -> str:
    """Why the caller does not see the values of people's attributes; empty where it does."""
    if not caller.may("objects.readAttributes"):
        return "Values of people's attributes need the permission objects.readAttributes."
    try:
        check_recent(caller, ATTRIBUTES_WITHIN)
    except Problem:
        return f"Values of people's attributes need a sign-in of the last {ATTRIBUTES_WITHIN.days} days."
    return ""


def _generation(request: Request, query: ListedBy, report: Report) -> str:
    """The making of the report that the list, or the page before this one, was begun on; 410 where it is gone."""
    start = start_of(query.continuation, made_for(request))
    value = start.get("value")
    place = start.get("after") or (value[2] if isinstance(value, list) and len(value) == 3 else "")
    if not isinstance(place, str) or not (place == "" or _PLACE.fullmatch(place)):
        raise bad_continuation()
    generation = generation_of(report, place)
    if generation is None:
        raise Problem(
            410, "reportRefreshed", "The report was refreshed meanwhile.",
            "These pages are of what it said before, which is not kept any longer.", remedy="Start the list anew.",
        )
    return generation


async def _started(
    deployed: OpenDeployment, client: Any, tenant_id: str, task_id: str, report_id: str, by: str
) -> Task:
    report = await deployed.records.reports.get(tenant_id, report_id)
    against = "the live tenant" if report["against"] == LIVE else report["against"]
    operation = operations.differences(
        tenant_id, task_id, report_id=report_id, name=f"Differences {report['backupId']} to {against}", requested_by=by
    )
    return await start(deployed.records, client, operation)


async def _made(deployed: OpenDeployment, tenant_id: str, report_id: str) -> Report:
    """The report; 409 for one that was never finished: a list of nothing would say that nothing differs."""
    report = await deployed.records.reports.get(tenant_id.lower(), report_id)
    if not report["counts"]:
        raise Problem(
            409, "reportNotReady", "The report has not been made yet.",
            f"It is {(await _settled(deployed.records, report))['status']}.", more={"taskId": report["taskId"]},
            remedy="Wait until its task has ended, or refresh the report if that did not end well.",
        )
    return report


async def _settled(records: Any, report: Report) -> Report:
    """The report with the status of its task, where that has ended by other ways."""
    if report["status"] not in OPEN:
        return report
    task = await records.tasks.find(report["taskId"])
    if task is None or task["status"] in OPEN:
        return report
    return {**report, "status": task["status"], "finished": task["finished"]}


def _check(body: StartReport) -> None:
    unknown = [name for name in body.types or () if name not in OBJECT_TYPES]
    rules = [name for name in body.noise if name not in NOISE_RULES]
    errors = [wrong("types", name, "a type that GET /api/v1/objectTypes lists") for name in unknown[:20]]
    errors += [wrong(f"noise.{name}", name, f"one of {', '.join(NOISE_RULES)}") for name in rules[:20]]
    if errors:
        raise unprocessable(*errors)


def _check_type(name: str | None) -> None:
    """422 for a type that there is not: a misspelt one would look as if nothing of it had changed."""
    if name is not None and name not in OBJECT_TYPES:
        raise unprocessable(wrong("type", name, "a type that GET /api/v1/objectTypes lists"))
