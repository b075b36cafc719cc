"""Seal a backup: from the checkpoints of all lanes, the restore point before and the run's plan, one manifest.

For each type: what was read in full stands alone or over what was before; what failed or was refused keeps the view of
the restore point before, with the outcome that says so; what was not asked for is carried. Then the index row, and an
event where the coverage got worse. Safe to repeat: a run seals once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.backup.checkpoint import Json, TypeCapture, load_checkpoint
from shared.backup.coverage import not_replayed, tell_coverage
from shared.backup.dangling import with_dangling
from shared.backup.run import Run, TypeRun
from shared.backup.summary import not_whole, restore_point_of, story_of
from shared.backup.tallies import tallies_of
from shared.catalog import CATALOG_VERSION, OBJECT_TYPES
from shared.deployment import Deployment
from shared.entra.wanted import wanted
from shared.errors import RepositoryError
from shared.messages import BackupSealed, SealBackup
from shared.repository.chain import read_manifest
from shared.repository.compaction import compact, needs_compaction
from shared.repository.comparison import compare
from shared.repository.coverage import store_coverage
from shared.repository.manifest import Layer, Manifest, TypeEntry
from shared.repository.sealing import seal
from shared.repository.store import at_once
from shared.repository.view import TypeView
from shared.telemetry import measure
from shared.version import VERSION

TYPES_AT_ONCE = 4
"""Types that are looked at together: most need a few blobs each, and a large one's sidecars fill some megabytes."""

COMPACTED_HERE = 300_000
"""Records up to which a type is compacted while sealing; a larger one is read in full at its weekly turn."""


@dataclass(frozen=True, slots=True)
class _TypeResult:
    """What a run has of one type: its reading, and what the closing lane brought after it."""

    capture: TypeCapture | None = None
    closing: TypeCapture | None = None


async def seal_backup(opened: Deployment, run: Run, message: SealBackup) -> BackupSealed:
    """Return the restore point that now exists."""
    previous = await read_manifest(opened.vault, run.tenant_id, run.previous) if run.previous else None
    types = await type_entries(opened, run, previous, message["checkpoints"])
    asked = [types[name] for name, planned in run.types.items() if planned.mode not in ("carried", "off")]
    if not any(entry.outcome in ("complete", "partial") for entry in asked):
        worst = next((entry for entry in asked if entry.reason), None)
        raise RepositoryError(
            f"Nothing could be read, so there is no restore point. {worst.reason if worst else ''}",
            remedy=worst.remedy if worst else None,
        )
    finished = opened.records.clock()
    draft = Manifest(
        tenant_id=run.tenant_id, run_id=run.task_id, kind=run.kind, started=run.started, finished=finished,
        expires=finished + timedelta(days=run.retention_days), catalog_version=CATALOG_VERSION, types=types,
        cairn_version=VERSION,
    )  # fmt: skip
    manifest = await seal(opened.vault, replace(draft, types=await with_dangling(opened.vault, draft, previous)))
    await opened.records.restore_points.upsert(restore_point_of(manifest))
    await opened.records.tenants.quiet.end(run.tenant_id)  # the schedule verifies it, and tells how old it is
    about = {"cairn.tenant": run.tenant_id, "cairn.backup.kind": manifest.kind}
    measure.duration.record((manifest.finished - manifest.started).total_seconds(), about)
    measure.objects.set(sum(manifest.counts.values()), about)
    measure.not_whole.set(len(not_whole(manifest)), about)
    last = await load_checkpoint(opened.workspace, message["checkpoints"][-1])
    await tell_coverage(opened, run, previous, manifest, last)
    return BackupSealed(backupId=manifest.backup_id, warnings=len(not_whole(manifest)), summary=story_of(manifest))


async def type_entries(
    opened: Deployment, run: Run, previous: Manifest | None, checkpoints: Iterable[str], *, compacts: bool = True
) -> dict[str, TypeEntry]:
    """What a manifest says of every type; `compacts` may make a new base of one that reads slowly."""
    results = await _results(opened, checkpoints)
    sealing = _Sealing(opened, run, previous, compacts=compacts)
    entries = await at_once(
        (sealing.entry(name, planned, results.get(name, _TypeResult())) for name, planned in run.types.items()),
        TYPES_AT_ONCE,
    )
    return dict(zip(run.types, entries, strict=True))


async def _results(opened: Deployment, names: Iterable[str]) -> dict[str, _TypeResult]:
    """What the lanes captured; the last checkpoint is the closing lane's."""
    checkpoints = [await load_checkpoint(opened.workspace, name) for name in names]
    results: dict[str, _TypeResult] = {}
    for checkpoint in checkpoints[:-1]:
        for capture in checkpoint.captures:
            results[capture.object_type] = _TypeResult(capture)
    for capture in checkpoints[-1].captures:
        before = results.get(capture.object_type, _TypeResult())
        # Read in full once more: it stands for itself, unless that failed again.
        anew = capture.mode == "full" and capture.outcome in ("complete", "partial")
        results[capture.object_type] = _TypeResult(capture) if anew else replace(before, closing=capture)
    return results


class _Sealing:
    """Makes the entries of a manifest."""

    def __init__(self, opened: Deployment, run: Run, previous: Manifest | None, *, compacts: bool) -> None:
        self._opened, self._run, self._previous, self._compacts = opened, run, previous, compacts

    async def entry(self, name: str, planned: TypeRun, result: _TypeResult) -> TypeEntry:
        """One type's entry."""
        before = self._previous.types.get(name) if self._previous else None
        if planned.anew:  # what is damaged is in no newer restore point: it stays where it is
            before = None
        capture = result.capture
        if planned.mode == "off":
            option = OBJECT_TYPES[name].option
            remedy = f"Turn the option {option} on." if option and option in planned.reason else ""
            return TypeEntry("off", reason=planned.reason, remedy=remedy)
        if planned.mode == "parents" and result.closing is not None:
            capture = result.closing
            result = _TypeResult(capture)
        if planned.mode == "carried" or capture is None:
            return _carried(before, planned.reason) if before else TypeEntry("off", reason=planned.reason)
        if capture.outcome in ("refused", "failed"):
            return await self._not_read(name, planned, capture, before)
        return await self._read(name, planned, result, capture, before)

    async def _not_read(
        self, name: str, planned: TypeRun, capture: TypeCapture, before: TypeEntry | None
    ) -> TypeEntry:
        """The view of before, if there is one, under the outcome that says that it is old."""
        delegated = OBJECT_TYPES[name].delegated_read if capture.outcome == "refused" else ""
        reason = delegated or capture.reason
        remedy = "Keep a copy by hand: no application permission reads it." if delegated else capture.remedy
        if planned.anew:
            reason = f"{reason} It is not shown as it was either: {planned.reason}."
        coverage = [{"what": name, "reason": reason, "remedy": remedy}]
        entry = TypeEntry(
            capture.outcome, reason=reason, remedy=remedy, requests=capture.requests,
            resource_units=round(capture.resource_units),
            coverage=await store_coverage(self._opened.vault, self._run.tenant_id, coverage),
        )  # fmt: skip
        if before is None or not before.layers:
            return entry
        return replace(entry, layers=before.layers, counts=before.counts, read_at=before.read_at)

    async def _read(
        self, name: str, planned: TypeRun, result: _TypeResult, capture: TypeCapture, before: TypeEntry | None
    ) -> TypeEntry:
        closing = result.closing if result.closing and result.closing.outcome in ("complete", "partial") else None
        base = before.layers if before and capture.stored_as == "changes" else ()
        layers = (*base, *(one.layer for one in (capture, closing) if one and one.layer.segments))
        counts = await self._counts(name, layers, capture if not closing or not closing.objects else None, before)
        if self._compacts and needs_compaction(layers) and counts["objects"] + counts["links"] <= COMPACTED_HERE:
            layers = (await compact(self._view(name, layers), self._opened.vault),)
        left_out = self._left_out(name)
        not_read = [*left_out, *capture.not_read, *(closing.not_read if closing else ())]
        if result.closing is not None and closing is None:
            not_read.append(not_replayed(name, result.closing))
        missing = any(one.get("permission") for one in left_out)
        parts = (capture, closing) if closing else (capture,)
        partial = missing or any(one.outcome == "partial" for one in parts)
        why = next((one for one in parts if one.outcome == "partial"), None)
        tokens = (closing.tokens if closing and closing.tokens else None) or capture.tokens
        return TypeEntry(
            "partial" if partial else "complete",
            reason=why.reason if why else ("Some properties need a permission that is missing." if missing else ""),
            remedy=why.remedy if why else ("Grant the permissions that the coverage names." if missing else ""),
            read_at=capture.started,
            full_read_at=capture.started if capture.mode == "full" else (before.full_read_at if before else ""),
            row_digest=planned.digest,
            layers=layers,
            counts=counts,
            requests=sum(one.requests for one in parts),
            resource_units=round(sum(one.resource_units for one in parts)),
            delta_tokens=tokens,
            coverage=await store_coverage(self._opened.vault, self._run.tenant_id, not_read),
        )

    async def _counts(
        self, name: str, layers: tuple[Layer, ...], alone: TypeCapture | None, before: TypeEntry | None
    ) -> dict[str, int]:
        """Objects, links, and what is counted apart; from what changed where the view builds on the one before."""
        if before is not None and before.counts and layers == before.layers:
            return dict(before.counts)
        view = self._view(name, layers)
        if before is not None and before.counts and layers[: len(before.layers)] == before.layers:
            return await self._counts_from(view, before)
        objects, links = await view.count("objects"), await view.count("links")
        tallies = tallies_of(name)
        if alone is not None and alone.object_records == objects:
            return {"objects": objects, "links": links, **alone.tallied}
        counted = dict.fromkeys(tallies, 0)
        if tallies:
            async for batch in view.object_batches():
                for tally_name, tally in tallies.items():
                    counted[tally_name] += sum(tally.counts(one.body) for one in batch)
        return {"objects": objects, "links": links, **counted}

    async def _counts_from(self, view: TypeView, before: TypeEntry) -> dict[str, int]:
        found = await compare(self._view(view.object_type, before.layers), view)
        counts = dict(before.counts)
        counts["objects"] = counts.get("objects", 0) + len(found.added) - len(found.removed)
        counts["links"] = counts.get("links", 0) + len(found.links_added) - len(found.links_removed)
        tallies = tallies_of(view.object_type)
        if tallies:
            async for one in found.objects():
                for tally_name, tally in tallies.items():
                    gained = bool(one.after and tally.counts(one.after.body))
                    lost = bool(one.before and tally.counts(one.before.body))
                    counts[tally_name] = counts.get(tally_name, 0) + gained - lost
        return counts

    def _left_out(self, name: str) -> list[Json]:
        asked = wanted(OBJECT_TYPES[name], self._run.reading(), self._opened.settings.cloud)
        return [
            {"what": one.what, "reason": f"The option {one.name} is off.", "remedy": f"Turn the option {one.name} on."}
            if one.why == "option"
            else {
                "what": one.what, "permission": one.name,
                "reason": f"The permission {one.name} is missing"
                + (": not all of it is shown." if one.partly else "."),
                "remedy": f"Grant {one.name} to Cairn's app and give admin consent.",
            }
            for one in asked.left_out
        ]  # fmt: skip

    def _view(self, name: str, layers: tuple[Layer, ...]) -> TypeView:
        return TypeView(self._opened.vault, self._run.tenant_id, name, layers)


def _carried(before: TypeEntry, reason: str) -> TypeEntry:
    """The type as it was. One that was not whole says so still, and gives no token: it is read in full next time."""
    if before.outcome in ("complete", "off"):
        return before.carried(reason)
    if before.outcome == "carried":
        return before.carried(before.reason or reason, before.remedy)
    why = f"Not asked for this time; when it was read last it was {before.outcome}. {before.reason}".strip()
    return replace(before.carried(why, before.remedy), delta_tokens={})
