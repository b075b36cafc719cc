"""Microsoft Entra Backup and Recovery, which changes objects without leaving delta records.

Source: Microsoft Entra Backup and Recovery overview; recoveryJobBase resource type. So a type that was last read before
one of its jobs ended is not read by changes, however that ended: a job that failed or was abandoned may have done half.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.entra.listing import Asking, pages
from shared.entra.transport import Graph
from shared.errors import EntraError, NotFound, NotPermitted, Rejected
from shared.records.times import as_time

JOBS = "/directory/recovery/jobs"

ENDED = frozenset({"successful", "failed", "abandoned"})

MARGIN = timedelta(minutes=30)
"""Clocks differ, and Graph's replicas lag behind a job; no bound is published, twenty minutes were seen."""


async def recovered_until(graph: Graph, now: datetime) -> tuple[datetime | None, list[str]]:
    """Until when Microsoft's own recovery may have changed the tenant, None if it never ran; and what is not known.

    A tenant or cloud without the feature answers 404 or 400. What cannot be read may be going on now.
    """
    latest: datetime | None = None
    try:
        asking = Asking(asked="recovery jobs", permission="EntraBackup.Read.All")
        async for page in pages(graph, JOBS, asking):
            for job in page.values:
                until = _until(job, now)
                latest = until if latest is None or (until and until > latest) else latest
    except (NotFound, Rejected):
        return None, []
    except NotPermitted:
        return None, ["Whether Microsoft's own recovery ran cannot be seen without EntraBackup.Read.All."]
    except EntraError as error:
        return now, [f"Whether Microsoft's own recovery ran could not be read ({error}); everything is read in full."]
    return latest, []


def _until(job: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the job stopped changing objects, with a margin; None for a preview, which changes none."""
    if "Preview" in str(job.get("@odata.type", "")):
        return None
    ended = job.get("jobCompletionDateTime") or job.get("completedDateTime")
    if job.get("status") not in ENDED or not ended:
        return now
    return as_time(str(ended)) + MARGIN
