"""The steps of a report as its activities call them: what is compared with what, slice by slice, then the end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.backup.checkpoint import load_json, store_json
from shared.deployment import Deployment
from shared.differences.comparing import Bins, Comparing
from shared.differences.finishing import Figures, finish
from shared.differences.names import Names
from shared.differences.reports import LIVE, NotCompared, Report
from shared.differences.segments import ChangeWriter, read_list, report_prefix, store_list
from shared.entra.transport import Graph
from shared.recovery.attribution import AuditIndex
from shared.recovery.relink import Ids
from shared.repository.restore_point import RestorePoint

SLICE_SECONDS = 200.0
"""No new type is begun after this."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been compared so far."""

    done: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    lost: int = 0
    """Types that the older state has and the newer one could not read."""

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Progress":
        """The inverse of as_json."""
        return Progress(
            tuple(value["done"]), tuple(value["segments"]), tuple(value["notCompared"]), value["lost"]
        )

    def as_json(self) -> dict[str, Any]:
        """As it lies in the workspace."""
        return {
            "done": list(self.done), "segments": list(self.segments), "notCompared": list(self.not_compared),
            "lost": self.lost,
        }


async def load_progress(opened: Deployment, name: str) -> Progress:
    """The progress of that name, or none for an empty one."""
    return Progress.from_json(await load_json(opened.workspace, name)) if name else Progress()


@dataclass(slots=True)
class Work:
    """One report being made."""

    opened: Deployment
    report: Report
    graph: Graph | None
    after: RestorePoint

    @property
    def prefix(self) -> str:
        """Where the report's files lie."""
        return report_prefix(self.report["tenantId"], self.report["reportId"])

    async def comparing(self) -> Comparing:
        """The two states."""
        report, opened = self.report, self.opened
        before = await RestorePoint.open(self.after.store, report["tenantId"], report["backupId"])
        known = await opened.records.identity_map.resolved(report["tenantId"])
        return Comparing(
            before=before, after=self.after, live=report["against"] == LIVE, bins=Bins(self.graph),
            now=opened.records.clock(), ids=Ids(known.objects, known.applications),
            scope=await scope_of(opened, report),
            churn=not report["noise"].get("serverChurn", True),
        )  # fmt: skip

    async def compare(self, progress: Progress) -> tuple[Progress, bool]:
        """(what has been compared now, whether that is all)."""
        comparing = await self.comparing()
        names = Names(comparing.after, comparing.before)
        types = comparing.types(self.report["types"])
        began = time.monotonic()
        for name in types:
            if name in progress.done:
                continue
            if time.monotonic() - began > SLICE_SECONDS:
                return progress, False
            why = comparing.not_compared(name)
            short = why or comparing.told_short(name)
            if short is not None:
                lost = progress.lost + comparing.is_lost(name)
                progress = replace(progress, not_compared=(*progress.not_compared, short), lost=lost)
            if why is not None:
                progress = replace(progress, done=(*progress.done, name))
                continue
            writer = ChangeWriter(self.opened.workspace, f"{self.prefix}found/")
            await comparing.write(name, writer, names)
            progress = replace(
                progress, done=(*progress.done, name), segments=(*progress.segments, *await writer.finish())
            )
            if self.report["origin"] == "request":
                await self.opened.records.tasks.progress(
                    self.report["taskId"], "types", done=len(progress.done), total=len(types), unit="types"
                )
        return progress, True

    async def saved(self, progress: Progress) -> str:
        """The name under which the progress now lies."""
        return await store_json(self.opened.workspace, f"{self.prefix}progress/", progress.as_json())

    async def finished(self, progress: Progress, audit: AuditIndex, told: Mapping[str, Any]) -> Figures:
        """The figures, with the report's row saying the same; nothing is changed where another task makes it now."""
        workspace = self.opened.workspace
        names, figures = await finish(
            workspace, self.prefix, list(progress.segments), rules=self.report["noise"], audit=audit
        )
        found = await store_list(workspace, self.prefix, names)

        def new(report: Report) -> Mapping[str, Any]:
            if report["taskId"] != self.report["taskId"]:
                return {}
            return {
                "found": found, "foundBefore": report["foundBefore"] if report["found"] == found else report["found"],
                "counts": figures.counts, "countsByType": dict(sorted(figures.by_type.items())),
                "topAttributes": figures.top_attributes, "collapsed": dict(sorted(figures.by_rule.items())),
                "total": figures.total, "notCompared": list(progress.not_compared), **told,
            }  # fmt: skip

        made = await self.opened.records.reports.change(self.report["tenantId"], self.report["reportId"], new)
        if made["taskId"] == self.report["taskId"]:
            await self._sweep(made)
        return figures

    async def _sweep(self, made: Report) -> None:
        """Leave what the report and its last generation need, and the live reading."""
        workspace = self.opened.workspace
        keep = {made["scope"], made["found"], made["foundBefore"]}
        for generation in (made["found"], made["foundBefore"]):
            keep |= set(await read_list(workspace, generation))
        async for entry in workspace.list(self.prefix):
            if entry.name not in keep and not entry.name.startswith(f"{self.prefix}live/"):
                await workspace.delete(entry.name)


async def store_scope(opened: Any, tenant_id: str, report_id: str, object_ids: list[str]) -> str:
    """Where the list of ids now lies."""
    prefix = report_prefix(tenant_id, report_id)
    return await store_json(opened.workspace, f"{prefix}scope/", {"objectIds": sorted(set(object_ids))})


async def scope_of(opened: Deployment, report: Report) -> frozenset[str] | None:
    """The ids that the report is about, with all others that these objects have had; or None for all."""
    if not report["scope"]:
        return None
    asked = frozenset((await load_json(opened.workspace, report["scope"]))["objectIds"])
    known = await opened.records.identity_map.resolved(report["tenantId"])
    present = {known.objects.get(one, one) for one in asked}
    return asked | present | {old for old, new in known.objects.items() if new in present}


def story_of(figures: Figures) -> str:
    """What the report found, in one line."""
    counts = {kind: count for kind, count in figures.counts.items() if count}
    if not figures.total:
        return "No differences." + (f" {figures.by_rule.total()} changes were set aside." if figures.by_rule else "")
    words = {
        "changed": "changed attributes", "linkAdded": "links added", "linkRemoved": "links removed",
        "newObject": "new objects", "softDeleted": "soft-deleted objects", "hardDeleted": "hard-deleted objects",
    }  # fmt: skip
    told = ", ".join(f"{count} {words[kind]}" for kind, count in counts.items())
    aside = f" {figures.by_rule.total()} changes follow from others." if figures.by_rule else ""
    return f"{figures.total} differences: {told}.{aside}"

