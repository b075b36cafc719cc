"""How long reports live: swept with the expiry of restore points, gone at once with their tenant.

Invariants: a report shows nothing of a restore point that has expired; a report that is being made is left alone; its
row goes last, so what a crash leaves is found by the next sweep. Safe to repeat.
"""

from datetime import datetime, timedelta
from typing import Protocol

from shared.deployment import Records
from shared.differences.reports import LIVE, OPEN, Report
from shared.differences.segments import drop, report_prefix
from shared.records.times import as_time
from shared.repository.names import tenant_prefix
from shared.repository.store import BlobStore
from shared.settings import Settings

READING_KEPT = timedelta(days=7)
"""A live reading is kept to be refreshed; its delta tokens are of no use after this ("Use delta query to track changes
in Microsoft Graph data", token duration)."""

LEFT_OVER = timedelta(days=7)
"""What was put aside for a run or a download, and nobody needs any more."""


class Kept(Protocol):
    """What reports are kept in."""

    @property
    def settings(self) -> Settings:
        """The deployment's settings."""

    @property
    def records(self) -> Records:
        """The rows."""

    @property
    def workspace(self) -> BlobStore:
        """The files."""


async def sweep(opened: Kept, tenant_id: str) -> int:
    """How many reports went: those of restore points that are gone, and those asked for that are past their time."""
    records, gone = opened.records, 0
    now = records.clock()
    points = {point["backupId"] async for _, point in records.restore_points.stream(tenant_id)}
    living: set[str] = set()
    async for _, report in records.reports.stream(tenant_id):
        prefix = report_prefix(tenant_id, report["reportId"])
        if await _is_being_made(records, report):
            living.add(prefix)
        elif _is_over(report, points, now, timedelta(days=opened.settings.report_days)):
            await drop(opened.workspace, prefix)
            await records.reports.remove(tenant_id, report["reportId"])
            gone += 1
        else:
            living.add(prefix)
            if _last_made(report) <= now - READING_KEPT:
                await drop(opened.workspace, f"{prefix}live/")
    await _sweep_files(opened.workspace, tenant_id, living, now)
    return gone


async def forget(opened: Kept, tenant_id: str) -> None:
    """Remove every report of the tenant."""
    async for _, report in opened.records.reports.stream(tenant_id):
        await drop(opened.workspace, report_prefix(tenant_id, report["reportId"]))
        await opened.records.reports.remove(tenant_id, report["reportId"])
    await drop(opened.workspace, f"{tenant_prefix(tenant_id)}reports/")


async def _is_being_made(records: Records, report: Report) -> bool:
    if report["status"] not in OPEN:
        return False
    task = await records.tasks.find(report["taskId"])
    return task is not None and task["status"] in OPEN


def _is_over(report: Report, points: set[str], now: datetime, kept: timedelta) -> bool:
    compared = {report["backupId"], report["against"]} - {LIVE}
    return not compared <= points or (report["origin"] == "request" and _last_made(report) <= now - kept)


def _last_made(report: Report) -> datetime:
    return as_time(report["finished"] or report["created"])


async def _sweep_files(workspace: BlobStore, tenant_id: str, living: set[str], now: datetime) -> None:
    """Remove what no report names any more, and what runs and downloads left."""
    root = tenant_prefix(tenant_id)
    depth = len(f"{root}reports/") + 33
    async for entry in workspace.list(f"{root}reports/"):
        if entry.name[:depth] not in living and entry.modified <= now - LEFT_OVER:
            await workspace.delete(entry.name)
    for folder in ("runs/", "exports/"):
        async for entry in workspace.list(root + folder):
            if entry.modified <= now - LEFT_OVER:
                await workspace.delete(entry.name)
