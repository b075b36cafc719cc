"""Begin a backup: look at the restore point before, at what the token may read, and plan every type."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime

import orjson

from shared.backup.damage import damaged_types
from shared.backup.expecting import expected_counts
from shared.backup.native_recovery import recovered_until
from shared.backup.planning import Before, TypePlan, closing_order, lanes, plan_types
from shared.backup.run import Run, TypeRun, save_run
from shared.catalog import OBJECT_TYPES, enabled
from shared.catalog.row import Cloud, ObjectType
from shared.deployment import Deployment
from shared.entra.directory import directory_extensions, held_permissions
from shared.entra.transport import Graph
from shared.entra.wanted import Reading, wanted
from shared.errors import Corrupt, EntraError, Missing
from shared.messages import BackupBegun, BackUpTenant
from shared.records.times import as_time
from shared.repository.chain import manifest_numbers, read_manifest
from shared.repository.format import initialise
from shared.repository.manifest import Manifest
from shared.repository.names import backup_id
from shared.repository.restore_point import RestorePoint

EXTENSION = "extensionProperty"


async def begin(opened: Deployment, graph: Graph, request: BackUpTenant) -> BackupBegun:
    """Return what this run will read. Read-only but for the plan in the workspace; safe to repeat."""
    tenant_id, records = request["tenantId"], opened.records
    await initialise(opened.vault)
    now = records.clock()
    tenant = await records.tenants.get(tenant_id)
    settings = (await records.tenants.settings(tenant_id)).settings
    previous, unreadable = await newest_full_view(opened, tenant_id)
    damaged = await damaged_types(opened, previous) if previous else []
    held = await held_permissions(graph)
    recovered, notes = await recovered_until(graph, now) if previous else (None, [])
    extensions, unlisted = await _extensions(opened, graph, previous)
    reading = Reading(
        options=settings.options, held=held, delta=tenant["kind"] == "workforce", extensions=extensions
    )
    rows = tuple(OBJECT_TYPES.values())
    cloud = opened.settings.cloud
    on = frozenset(row.name for row in enabled(settings.options, cloud))
    digests = {row.name: row_digest(row, reading, cloud) for row in rows}
    plans = plan_types(
        rows,
        before=_before(previous, damaged, recovered),
        digests=digests,
        enabled=on,
        wanted=None if request["types"] is None else frozenset(request["types"]),
        kind=request["kind"],
        cloud=cloud,
        now=now,
    )
    if previous is not None and damaged:
        plans = [_anew(plan, previous) if plan.object_type in damaged and plan.object_type in on else plan
                 for plan in plans]
        notes = [*notes, _note_of(damaged, previous)]
    counted: dict[str, Mapping[str, int]] = {}
    if previous is not None:
        counted = {name: entry.counts for name, entry in previous.types.items() if "objects" in entry.counts}
    unseen = {plan.object_type for plan in plans if plan.mode == "full"}.difference(counted)
    expected = await expected_counts(graph, [row for row in rows if row.name in unseen])
    counted.update({name: {"objects": count} for name, count in expected.items()})
    run = Run(
        tenant_id=tenant_id, task_id=request["taskId"], kind=request["kind"], partial=request["types"] is not None,
        scheduled=request["scheduled"], started=now, retention_days=settings.retention_days,
        options=settings.options, extensions=extensions, delta=reading.delta, held=held,
        previous=previous.sequence if previous else 0,
        types={
            plan.object_type: _type_run(
                plan, digests[plan.object_type], counted.get(plan.object_type, {}), anew=plan.object_type in damaged
            )
            for plan in plans
        },
        closing=tuple(closing_order(rows)),
        notes=(*notes, *unlisted, *unreadable),
    )  # fmt: skip
    name = await save_run(opened.workspace, run)
    return BackupBegun(run=name, kind=run.kind, lanes=lanes(rows, plans))


async def newest_full_view(opened: Deployment, tenant_id: str) -> tuple[Manifest | None, list[str]]:
    """The newest restore point that a backup may build on, or None before the first; and a note of each that is newer
    and cannot be read, since a damaged manifest must not stop the backups that come after it."""
    notes: list[str] = []
    for number in reversed(await manifest_numbers(opened.vault, tenant_id)):
        try:
            manifest = await read_manifest(opened.vault, tenant_id, number)
        except Missing:  # it expired meanwhile
            continue
        except Corrupt as error:
            notes.append(f"Restore point {backup_id(number)} is not built on: {error}. {error.remedy}")
            continue
        if manifest.kind != "beforeRestore":
            return manifest, notes
    return None, notes


async def _extensions(
    opened: Deployment, graph: Graph, previous: Manifest | None
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The tenant's directory extensions, and a note where they could not be listed.

    Then those that the restore point before holds are asked for: a backup that asks for fewer properties than the one
    before would look like a change of every object that has them.
    """
    try:
        return await directory_extensions(graph), []
    except EntraError as error:
        known = await _known_extensions(opened, previous)
        which = "those known from the restore point before were read" if known else "none was read"
        return known, [f"Directory extensions could not be listed, so {which}: {error} {error.remedy}"]


async def _known_extensions(opened: Deployment, previous: Manifest | None) -> dict[str, tuple[str, ...]]:
    if previous is None or EXTENSION not in previous.types:
        return {}
    names: dict[str, set[str]] = {}
    async for record in RestorePoint(opened.vault, previous).view(EXTENSION).objects():
        for target in record.body.get("targetObjects") or ():
            names.setdefault(str(target), set()).add(str(record.body["name"]))
    return {target: tuple(sorted(found)) for target, found in sorted(names.items())}


def row_digest(row: ObjectType, reading: Reading, cloud: Cloud) -> str:
    """What a delta token is good for: the same properties and links, and nothing else."""
    asked = wanted(row, reading, cloud)
    text = orjson.dumps({
        "path": row.path, "version": row.version, "select": asked.select, "byDelta": asked.by_delta,
        "links": [link.name for link in (*asked.delta_links, *asked.expand_links, *asked.each_links)],
        "singly": (*asked.singly, *asked.in_beta),
    })  # fmt: skip
    return hashlib.sha256(text).hexdigest()[:16]


def _anew(plan: TypePlan, previous: Manifest) -> TypePlan:
    return TypePlan(plan.object_type, "full", f"what restore point {previous.backup_id} holds of it is damaged")


def _note_of(damaged: Collection[str], previous: Manifest) -> str:
    return (
        f"Read in full and written anew, since what restore point {previous.backup_id} holds of them is damaged: "
        f"{', '.join(sorted(damaged))}."
    )


def _before(
    previous: Manifest | None, damaged: Collection[str], recovered: datetime | None
) -> dict[str, Before]:
    if previous is None:
        return {}
    return {
        name: Before(
            outcome=entry.outcome,
            read_at=as_time(entry.read_at),
            full_read_at=as_time(entry.full_read_at) if entry.full_read_at else None,
            row_digest=entry.row_digest,
            has_token=bool(entry.delta_tokens),
            recovered_since=recovered is not None and recovered >= as_time(entry.read_at),
        )
        for name, entry in previous.types.items()
        if (entry.layers or entry.read_at) and name not in damaged
    }


def _type_run(plan: TypePlan, digest: str, counts: Mapping[str, int], *, anew: bool) -> TypeRun:
    return TypeRun(plan.mode, plan.reason, digest, counts.get("objects"), counts.get("links"), anew)
