"""Activities of a difference report: what is read of the live tenant, then the comparison, then the end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from activities.boundary import answering
from shared.backup.capturing import capture_slice
from shared.backup.closing import close_lane
from shared.backup.run import load_run
from shared.backup.sessions import sessions
from shared.browse.exporting import export_name
from shared.deployment import Deployment, deployment
from shared.differences import audit, live
from shared.differences.listing import ChangeFilter, write_csv
from shared.differences.reports import LIVE, Report
from shared.differences.watching import watch
from shared.differences.working import Work, load_progress, scope_of, story_of
from shared.entra.transport import Graph
from shared.errors import EntraError, SettingsError
from shared.messages import (
    BackupWatched,
    ChangesExported,
    CloseReport,
    CompareStates,
    DifferencesBegun,
    DifferencesFound,
    ExportChanges,
    LiveSealed,
    ReadLive,
    ReportDifferences,
    SealLive,
    SliceCaptured,
    StatesCompared,
    WatchBackup,
)
from shared.records.tasks import OPEN, TaskStatus
from shared.records.times import as_text
from shared.repository.restore_point import RestorePoint
from shared.starting import close


@answering
async def begin_differences(message: ReportDifferences) -> DifferencesBegun:
    """Decide what is read of the live tenant; say that the task has begun."""
    opened = await deployment()
    report = await _report(opened, message)
    await opened.records.tasks.start(message["taskId"])
    await opened.records.reports.set(
        message["tenantId"], message["reportId"], status="running", taskId=message["taskId"], finished=None
    )
    if report["against"] != LIVE:
        return DifferencesBegun(run="", lanes=[])
    report = {**report, "taskId": message["taskId"]}
    scope = await scope_of(opened, report)
    async with sessions.reading(opened.settings, message["tenantId"]) as graph:
        kinds = await live.kinds_of(opened, graph, report, scope)
        begun = await live.begin_live(opened, graph, report, live.types_of(report, kinds), kinds)
    return DifferencesBegun(run=begun["run"], lanes=begun["lanes"])


@answering
async def read_live_slice(message: ReadLive) -> SliceCaptured:
    """Read a lane of the live tenant for a bounded time."""
    opened = await deployment()
    over = live.beside(opened, await _report(opened, message))
    run = await load_run(opened.workspace, message["run"])
    async with sessions.reading(opened.settings, message["tenantId"], share=message["lane"]["share"]) as graph:
        return await (close_lane if message.get("closing") else capture_slice)(over, graph, run, message)


@answering
async def seal_live(message: SealLive) -> LiveSealed:
    """Make the live state, and say what it cost."""
    opened = await deployment()
    report = await _report(opened, message)
    run = await load_run(opened.workspace, message["run"])
    manifest = await live.seal_live(opened, run, report, message["checkpoints"])
    await opened.records.reports.set(
        message["tenantId"], message["reportId"], comparedAt=as_text(manifest.finished), costs=live.costs(run, manifest)
    )
    return LiveSealed(live=manifest.backup_id)


@answering
async def compare_states(message: CompareStates) -> StatesCompared:
    """Compare type by type for a bounded time."""
    opened = await deployment()
    async with _work(opened, message) as work:
        progress, finished = await work.compare(await load_progress(opened, message["checkpoint"]))
        return StatesCompared(checkpoint=await work.saved(progress), finished=finished)


@answering
async def finish_differences(message: CompareStates) -> DifferencesFound:
    """Put changes under their causes, say who made them, and count."""
    opened = await deployment()
    progress = await load_progress(opened, message["checkpoint"])
    async with _work(opened, message) as work:
        told = await audit.read(work)
        more = {} if message["live"] else {"comparedAt": as_text(work.after.manifest.finished)}
        figures = await work.finished(progress, told.index, {"attribution": told.missing, **more})
        warnings = len(progress.not_compared) if work.report["types"] else progress.lost
    return DifferencesFound(summary=story_of(figures), warnings=warnings)


@answering
async def close_report(message: CloseReport) -> dict[str, bool]:
    """End report and task; safe to repeat: what has ended stays so."""
    opened = await deployment()
    task = await opened.records.tasks.get(message["taskId"])
    if task["status"] in OPEN:  # first, since whoever has seen the task end asks for the report at once
        await _report_ended(opened, message, message["status"])
    closed = await close(
        opened.records, task, message["status"], message["summary"],
        code="differencesFailed" if message["status"] == "failed" else "differencesFound",
        result={"reportId": message["reportId"]},
    )  # fmt: skip
    ended = (await opened.records.tasks.get(message["taskId"]))["status"]
    await _report_ended(opened, message, ended)
    return {"closed": closed}


async def _report_ended(opened: Deployment, message: CloseReport, status: TaskStatus) -> None:
    await opened.records.reports.change(
        message["tenantId"], message["reportId"],
        lambda report: {"status": status, "finished": as_text(opened.records.clock())}
        if report["taskId"] == message["taskId"] else {},
    )  # fmt: skip


@answering
async def write_changes(message: ExportChanges) -> ChangesExported:
    """Write the file. Safe to repeat: it is written anew."""
    opened = await deployment()
    await opened.records.tasks.start(message["taskId"])
    report = await _report(opened, message)
    chosen = ChangeFilter(**message["filter"])
    name = export_name(message["tenantId"], message["taskId"])
    with TemporaryFile() as content:
        text = TextIOWrapper(content, encoding="utf-8", newline="")
        rows = await write_csv(opened.workspace, report, chosen, text)
        text.flush()
        await opened.workspace.delete(name)
        content.seek(0)
        await opened.workspace.put_new(name, cast(BinaryIO, content))
        text.detach()
    return ChangesExported(rows=rows)


@answering
async def watch_backup(message: WatchBackup) -> BackupWatched:
    """Keep what separates the new restore point from the one before it, and raise what the tenant's rules ask for."""
    opened = await deployment()
    tenant_id = message["tenantId"]
    async with _reaching(opened, tenant_id, must=False) as graph:
        alarms = await watch(opened, graph, tenant_id, message["taskId"], message["backupId"])
    return BackupWatched(alarms=alarms)


async def _report(
    opened: Deployment, message: ReportDifferences | ReadLive | SealLive | CompareStates | ExportChanges
) -> Report:
    return await opened.records.reports.get(message["tenantId"], message["reportId"])


@asynccontextmanager
async def _work(opened: Deployment, message: CompareStates) -> AsyncIterator[Work]:
    report: Report = {**await _report(opened, message), "taskId": message["taskId"]}
    if message["live"]:
        after = await live.live_state(opened, report, message["live"])
    else:
        after = await RestorePoint.open(opened.vault, report["tenantId"], report["against"])
    async with _reaching(opened, report["tenantId"], must=report["against"] == LIVE) as graph:
        yield Work(opened, report, graph, after)


@asynccontextmanager
async def _reaching(opened: Deployment, tenant_id: str, *, must: bool) -> AsyncIterator[Graph | None]:
    """A session with the tenant; None where it cannot be reached and need not be."""
    async with AsyncExitStack() as stack:
        graph: Graph | None = None
        try:
            graph = await stack.enter_async_context(sessions.reading(opened.settings, tenant_id))
            await graph.token()
        except (SettingsError, EntraError):
            if must:
                raise
            graph = None
        yield graph
