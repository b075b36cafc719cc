"""Make every table anew from the vault alone.

1. The deployment's own rows: which tenants there are and were, their settings, access.
2. For each tenant: restore points from their manifests, restores and the identity map, consents, notification channels
   and what became of deliveries, closed tasks, events, the audit trail from its segments. The deployment's own audit
   book comes with the first step.

Nothing is deleted, and what is there already is written over by the same: safe to repeat, and to begin again after a
crash. What changes meanwhile is put again as it is then. Restore points come back packed, save those that the
tables still show as unpacked and whose index is there; what was open when the tables were lost stays lost, and a
restore that was under way is said to have failed: undoing it takes back what it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import orjson

from shared.audit.entry import DEPLOYMENT, AuditEntry
from shared.audit.sealing import audit_prefix
from shared.backup.summary import restore_point_of
from shared.browse.index import NotUnpacked
from shared.browse.packing import index_bytes
from shared.deployment import Deployment, Records, records_over
from shared.errors import Corrupt, UnknownRecord
from shared.rebuild.reading import last_states, newest_names, states_of
from shared.records.events import Event
from shared.records.restore_points import RestorePoint
from shared.records.table import Table
from shared.records.tasks import OPEN, Task
from shared.repository.chain import list_manifests
from shared.repository.format import check_format
from shared.repository.manifest import Manifest
from shared.repository.store import at_once

DEPLOYMENT_TABLES = ("cairnTenants", "cairnAccess")
MOST_ROUNDS = 5
"""As often, what was changed while rows were put back is put again."""
UNDER_WAY = frozenset({"planning", "applying", "verifying"})
CUT_OFF = "It was cut off when the tables were lost. What it had done stands in its operations; undo takes it back."

TENANT_TABLES = ("cairnRestores", "cairnIdentityMap", "cairnConsents", "cairnNotifications")
"""Tables whose rows go back as they were."""


@dataclass(slots=True)
class Rebuilt:
    """How many of each came back."""

    tenants: list[str] = field(default_factory=list)
    rows: int = 0
    restore_points: int = 0
    tasks: int = 0
    events: int = 0
    audit_entries: int = 0

    def __iadd__(self, other: "Rebuilt") -> Self:
        """Both together."""
        self.tenants = sorted({*self.tenants, *other.tenants})
        for name in ("rows", "restore_points", "tasks", "events", "audit_entries"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def counts(self) -> dict[str, int]:
        """The counts by name, for messages."""
        return {
            "tenants": len(self.tenants), "restorePoints": self.restore_points, "tasks": self.tasks,
            "events": self.events, "auditEntries": self.audit_entries, "rows": self.rows,
        }  # fmt: skip


async def rebuild(opened: Deployment, also: Sequence[str] = ()) -> Rebuilt:
    """Return what came back, of all tenants that the vault's registry knows and of those named in `also`."""
    rebuilt = await rebuild_deployment(opened)
    for tenant_id in sorted({*rebuilt.tenants, *(one.lower() for one in also)}):
        rebuilt += await rebuild_tenant(opened, tenant_id)
    return rebuilt


async def rebuild_deployment(opened: Deployment) -> Rebuilt:
    """The registry with its settings, access, and what belongs to no tenant; `tenants` are all that ever were here."""
    await check_format(opened.vault)
    records, rebuilt = _plain(opened), Rebuilt()
    for name in DEPLOYMENT_TABLES:
        rebuilt.rows += await _put_rows(opened, "", name)
    async for tenant_id, _ in records.tenants.stream():
        rebuilt.tenants.append(tenant_id)
    async for former in records.tenants.former():
        rebuilt.tenants.append(former)
    rebuilt.tasks += await _put_tasks(opened, records, "")
    rebuilt.events += await _put_events(opened, records, "")
    rebuilt.audit_entries += await _put_audit(opened, records, DEPLOYMENT)
    return rebuilt


async def rebuild_tenant(opened: Deployment, tenant_id: str) -> Rebuilt:
    """Everything of one tenant but its registration."""
    records, rebuilt = _plain(opened), Rebuilt(tenants=[tenant_id])
    async for manifest in list_manifests(opened.vault, tenant_id):
        await records.restore_points.upsert(await _restore_point(opened, records, manifest))
        rebuilt.restore_points += 1
    for name in TENANT_TABLES:
        rebuilt.rows += await _put_rows(opened, tenant_id, name)
    rebuilt.tasks = await _put_tasks(opened, records, tenant_id)
    await _end_lost_restores(records, tenant_id)
    rebuilt.events = await _put_events(opened, records, tenant_id)
    rebuilt.audit_entries = await _put_audit(opened, records, tenant_id)
    return rebuilt


async def _restore_point(opened: Deployment, records: Records, manifest: Manifest) -> RestorePoint:
    """Its row by its manifest; one that is shown as unpacked stays so, if its index is there."""
    point = restore_point_of(manifest)
    try:
        if (await records.restore_points.get(point["tenantId"], point["backupId"]))["status"] == "unpacked":
            return {**point, "status": "unpacked", "unpackedBytes": await index_bytes(opened.workspace, manifest)}
    except (UnknownRecord, NotUnpacked):
        pass
    return point


def _tables(opened: Deployment) -> Any:
    if opened.tables is None:
        raise Corrupt("this deployment was opened without its tables")
    return opened.tables


def _plain(opened: Deployment) -> Records:
    """Records over the bare tables: what comes from the vault is not written to it again, and alerts nobody."""
    return records_over(_tables(opened), clock=opened.records.clock, alerts_go_out=False)


async def _put_rows(opened: Deployment, owner: str, name: str) -> int:
    table = cast(Table, _tables(opened)(name))
    put, living = dict[str, str](), set[tuple[str, str]]()
    for _ in range(MOST_ROUNDS):
        newest = await newest_names(opened.vault, owner, name)
        changed = {row: blob for row, blob in newest.items() if put.get(row) != blob}
        if not changed:
            break
        states = await states_of(opened.vault, changed.values(), name)
        there = [state for state in states if state.body is not None]
        await at_once(table.upsert(state.row()) for state in there)
        living.update((state.partition, state.key) for state in there)
        put = newest
    return len(living)


async def _end_lost_restores(records: Records, tenant_id: str) -> None:
    async for _, restore in records.restores.stream(tenant_id):
        if restore.get("state") not in UNDER_WAY:
            continue
        tasks = [await records.tasks.find(one) for one in (restore["taskId"], restore["applyTaskId"]) if one]
        if not any(task is not None and task["status"] in OPEN for task in tasks):
            await records.restores.change(
                tenant_id, restore["restoreId"],
                lambda now: {"state": "failed", "message": CUT_OFF} if now["state"] in UNDER_WAY else None,
            )


async def _put_tasks(opened: Deployment, records: Records, owner: str) -> int:
    states = await last_states(opened.vault, owner, "cairnTasks")
    await at_once(records.tasks.put_back(state.key, cast(Task, state.row().body)) for state in states)
    return len(states)


async def _put_events(opened: Deployment, records: Records, owner: str) -> int:
    states = [state.row().body for state in await last_states(opened.vault, owner, "cairnEvents")]
    await at_once(records.events.put_back(str(body["place"]), cast(Event, body["event"])) for body in states)
    return len(states)


async def _put_audit(opened: Deployment, records: Records, book: str) -> int:
    done = 0
    async for entry in opened.vault.list(audit_prefix(book)):
        lines = (await opened.vault.get(entry.name)).splitlines()
        entries = [cast(AuditEntry, orjson.loads(line)) for line in lines]
        await at_once(records.audit.put_back(book, one) for one in entries)
        if entries:
            await records.audit.note_sealed(book, entries[-1]["sequence"])
        done += len(entries)
    return done
