"""The directory audit log, read for a report: who did what to which object since the older state.

Source: Microsoft Graph "List directoryAudits". The log is kept 30 days (7 without a P1 licence), is read newest first,
and its requests have a narrow limit of their own, so a report reads so many pages and says where it stopped.
"""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.differences.working import Work
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.records.times import as_text, as_time
from shared.recovery.attribution import AuditEntry, AuditIndex, entry_of
from shared.repository.manifest import Manifest

KEPT = timedelta(days=30)
PAGE = 999
MOST_PAGES = 50
"""Pages a report: with 5 requests in 10 seconds ("service-specific throttling limits", reports) under two minutes."""
PERMISSION = "AuditLog.Read.All"


@dataclass(frozen=True, slots=True)
class Told:
    """What the log told, and what it could not; `missing` is empty where it told all."""

    index: AuditIndex
    missing: str = ""

    @staticmethod
    def nothing() -> "Told":
        """Where there is nothing to tell of."""
        return Told(AuditIndex())


async def read(work: Work) -> Told:
    """The entries between the two states, by the objects that they name."""
    since = _read_at((await work.comparing()).before.manifest)
    until = None if work.report["against"] == "live" else work.after.manifest.finished
    if work.graph is None:
        return Told(AuditIndex(), "The tenant could not be reached, so who changed what is not known.")
    now = work.opened.records.clock()
    missing = ""
    if since < now - KEPT:
        since, missing = now - KEPT, f"The audit log is kept {KEPT.days} days: what is older has no author."
    try:
        entries, whole = await _entries(work.graph, since, until)
    except EntraError as error:
        if error.retryable:
            raise
        return Told(AuditIndex(), f"The audit log could not be read: {error} {error.remedy}")
    if not whole:
        missing = f"Only the newest {len(entries)} entries of the audit log were read: what is older has no author."
    return Told(AuditIndex.of(entries), missing)


def _read_at(manifest: Manifest) -> datetime:
    """When the oldest of its types was read; to the second, since entries may say no more."""
    times = [as_time(entry.read_at) for entry in manifest.types.values() if entry.read_at]
    return min([manifest.started, *times]).replace(microsecond=0)


async def _entries(graph: Graph, since: datetime, until: datetime | None) -> tuple[list[AuditEntry], bool]:
    wanted = f"activityDateTime ge {as_text(since)}" + (f" and activityDateTime le {as_text(until)}" if until else "")
    path = with_query("/auditLogs/directoryAudits", filter=wanted, top=PAGE)
    asking = Asking(asked="the directory audit log", permission=PERMISSION)
    entries: list[AuditEntry] = []
    count = 0
    async with aclosing(pages(graph, path, asking)) as listed:
        async for page in listed:
            entries += [entry for value in page.values if (entry := entry_of(value)) is not None]
            count += 1
            if count >= MOST_PAGES and page.next_link:
                return entries, False
    return entries, True
