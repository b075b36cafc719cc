"""The live tenant as a state that can be compared: what a backup would read now, kept beside the report.

The same steps make it as make a backup, over a store that writes to the workspace: delta from the newest restore
point's tokens (or from the report's own last reading, when it is refreshed), a full read where there are none. So its
cost follows what changed, and nothing of it is a restore point.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import orjson

from shared.backup.beginning import begin
from shared.backup.run import Run, load_run, save_run
from shared.backup.sealing import type_entries
from shared.catalog import CATALOG_VERSION, KINDS, OBJECT_TYPES
from shared.deployment import Deployment
from shared.differences.by_ids import ByIds
from shared.differences.overlay import OverlayStore
from shared.differences.reports import Cost, Report
from shared.differences.segments import report_prefix
from shared.entra.transport import Graph
from shared.messages import BackupBegun, BackUpTenant, Lane
from shared.records.times import as_time
from shared.recovery.relink import GUID
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest, TypeEntry
from shared.repository.restore_point import RestorePoint
from shared.repository.sealing import seal
from shared.version import VERSION

KEPT = timedelta(days=1)

type Kinds = Mapping[str, frozenset[str]]
"""Id → the types of the objects that have it: what there is one of for each user has the user's id."""

BY_IDS = 1_000
"""Ids in one getByIds request."""


def beside(opened: Deployment, report: Report) -> Deployment:
    """The deployment whose vault can be read only, and what is written lies with the report."""
    prefix = f"{report_prefix(report['tenantId'], report['reportId'])}live/"
    return replace(opened, vault=OverlayStore(opened.vault, opened.workspace, prefix))


async def begin_live(
    opened: Deployment, graph: Graph, report: Report, types: list[str], kinds: Kinds | None = None
) -> BackupBegun:
    """What is read of the live tenant for this report, and how; `kinds` are the only objects that it is about. What of
    them is read by their ids is read here. Safe to repeat."""
    request = BackUpTenant(
        tenantId=report["tenantId"], taskId=report["taskId"], kind="incremental", types=types,
        requestedBy=report["requestedBy"], scheduled=False,
    )  # fmt: skip
    over = beside(opened, report)
    begun = await begin(over, graph, request)
    if kinds is None or not report["noise"].get("serverChurn", True):  # reading by ids leaves out what churns
        return begun
    run = await load_run(opened.workspace, begun["run"])
    if not run.previous:
        return begun
    previous = await read_manifest(over.vault, run.tenant_id, run.previous)
    entries = await ByIds(over, graph, run, previous, {one: _first(types) for one, types in kinds.items()}).entries()
    if not entries:
        return begun
    await opened.workspace.put(_by_ids_name(report), orjson.dumps({
        name: entry.as_json() for name, entry in entries.items()
    }))
    planned = {
        name: replace(one, mode="carried", reason=f"by the ids asked for, since {one.reason}")
        if name in entries else one for name, one in run.types.items()
    }
    name = await save_run(opened.workspace, replace(run, types=planned))
    lanes = [Lane(name=one["name"], types=[each for each in one["types"] if each not in entries], share=one["share"])
             for one in begun["lanes"]]
    return BackupBegun(run=name, kind=begun["kind"], lanes=[one for one in lanes if one["types"]])


def _by_ids_name(report: Report) -> str:
    """Where what was read by ids lies until the live state is sealed."""
    prefix = report_prefix(report["tenantId"], report["reportId"])
    return f"{prefix}live/byIds/{report['taskId']}.json"


def _first(types: frozenset[str]) -> str:
    """What an object of this id is linked to as: what hangs on a user goes by the user's id."""
    return min(types, key=lambda name: (OBJECT_TYPES[name].reading != "delta", name))


async def kinds_of(
    opened: Deployment, graph: Graph, report: Report, scope: frozenset[str] | None
) -> Kinds | None:
    """The objects that the report is about, as the restore point has them or else Graph; None for all."""
    if scope is None:
        return None
    point = await RestorePoint.open(beside(opened, report).vault, report["tenantId"], report["backupId"])
    held: dict[str, set[str]] = {}
    for name in point.manifest.types:
        if name in OBJECT_TYPES:
            for one in await point.view(name).hashes_of(scope):
                held.setdefault(one, set()).add(name)
    for one, name in (await _kinds(graph, sorted(scope - held.keys()))).items():
        held.setdefault(one, set()).add(name)
    return {one: frozenset(names) for one, names in held.items()}


def types_of(report: Report, kinds: Kinds | None) -> list[str]:
    """The types that this report reads: those asked for, or all that are not for reference only.

    A report about some objects reads the types that hold them, and those whose delta shows links to such types.
    """
    if report["types"] is not None:
        return report["types"]
    if kinds is None:
        return [name for name, row in OBJECT_TYPES.items() if not row.reference_only]
    found = {name for names in kinds.values() for name in names}
    linking = {
        name for name, row in OBJECT_TYPES.items()
        if any(link.reading == "delta" and (not link.targets or found & set(link.targets)) for link in row.links)
    }
    return sorted(found | linking)


async def _kinds(graph: Graph, ids: list[str]) -> dict[str, str]:
    """Id → type of those of these objects that the tenant has; ids that are none of a directory object are left out.

    Source: Microsoft Graph "directoryObject: getByIds", which takes 1,000 ids and leaves out what it does not find.
    """
    guids = [one for one in ids if GUID.fullmatch(one)]
    kinds: dict[str, str] = {}
    for at in range(0, len(guids), BY_IDS):
        answer = await graph.post_json(
            "/directoryObjects/getByIds?$select=id", orjson.dumps({"ids": guids[at : at + BY_IDS]}),
            asked="objects by id", permission="Directory.Read.All",
        )  # fmt: skip
        kinds |= {
            str(one["id"]): KINDS[shown] for one in answer.get("value", [])
            if (shown := str(one.get("@odata.type")).removeprefix("#microsoft.graph.")) in KINDS
        }
    return kinds


async def seal_live(opened: Deployment, run: Run, report: Report, checkpoints: list[str]) -> Manifest:
    """The live state, as a manifest over the report's own store. Safe to repeat."""
    over = beside(opened, report)
    previous = await read_manifest(over.vault, run.tenant_id, run.previous) if run.previous else None
    types = await type_entries(over, run, previous, checkpoints, compacts=False)
    if await opened.workspace.properties(_by_ids_name(report)) is not None:
        found = orjson.loads(await opened.workspace.get(_by_ids_name(report)))
        types |= {name: TypeEntry.from_json(entry) for name, entry in found.items()}
    finished = opened.records.clock()
    draft = Manifest(
        tenant_id=run.tenant_id, run_id=run.task_id, kind="incremental", started=run.started, finished=finished,
        expires=finished + KEPT, catalog_version=CATALOG_VERSION, types=types, cairn_version=VERSION,
    )  # fmt: skip
    return await seal(over.vault, draft)


async def live_state(opened: Deployment, report: Report, backup_id: str) -> RestorePoint:
    """The live state that was sealed under this id."""
    over = beside(opened, report)
    return RestorePoint(over.vault, await read_manifest(over.vault, report["tenantId"], int(backup_id)))


def costs(run: Run, manifest: Manifest) -> list[Cost]:
    """What each type that was read took, and how it was read in the end."""
    found = []
    for name, planned in run.types.items():
        if planned.mode == "off" or name not in manifest.types or name not in OBJECT_TYPES:
            continue
        entry, mode, why = manifest.types[name], str(planned.mode), planned.reason
        if mode == "carried" and entry.outcome == "carried":
            continue
        if mode == "carried":
            mode = "byIds"
        if mode == "changes" and entry.full_read_at and as_time(entry.full_read_at) >= run.started:
            mode, why = "full", "its delta token was not taken any more"
        found.append(Cost(
            type=name, mode=mode, why=why, requests=entry.requests, resourceUnits=entry.resource_units,
        ))  # fmt: skip
    return found

