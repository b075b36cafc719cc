"""A restore without the durable engine: the same functions in the same order, over stores in memory and the simulator."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.simulator import Simulator
from local.simulator.faults.throttle import Quota
from shared.backup.sessions import GraphSessions
from shared.deployment import Deployment
from shared.entra.governor import WINDOWS, Window
from shared.records.restores import Restore
from shared.recovery import lifecycle
from shared.recovery.options import RestoreRequest
from shared.recovery.plan import Operation
from shared.recovery.store import PlanIndex
from shared.recovery.undoing import as_note, touched_by
from shared.recovery.verifying import verify_slice
from tests.shared.backup.conftest import Backups
from tests.simulated import protecting


@dataclass
class Restores:
    """Runs restores of one simulated tenant."""

    opened: Deployment
    simulator: Simulator
    backups: Backups
    sessions: GraphSessions = field(default_factory=GraphSessions)

    @property
    def tenant_id(self) -> str:
        return self.simulator.tenant_id

    async def plan(
        self, object_ids: list[str] | None = None, *, backup_id: str = "latest", types: list[str] | None = None,
        touched: Any = None, undo_of: str | None = None, scope: Any = None, report: Any = None,
        change_ids: list[str] | None = None, **options: Any,
    ) -> Restore:
        restore_id = str(uuid.uuid4())
        source = {"reportId": report["reportId"]} if report else None
        if report:
            backup_id = report["backupId"]
        if backup_id == "latest":
            backup_id = (await self.opened.records.restore_points.get(self.tenant_id, "latest"))["backupId"]
        selection: dict[str, Any] = {"all": True}
        if object_ids is not None:
            selection = {"objectIds": object_ids}
        elif types is not None:
            selection = {"types": types}
        elif change_ids is not None:
            selection = {"changeIds": change_ids}
        request = RestoreRequest.model_validate(
            {"source": source or {"backupId": backup_id}, "selection": selection, "options": options}
        )
        store = lifecycle.store_of(self.opened, self.tenant_id, restore_id)
        await store.put_note("request", request.model_dump(mode="json", by_alias=True, exclude_none=True))
        if touched is not None:
            await store.put_note("touched", as_note(touched))
        await self.opened.records.tasks.create(
            task_id=restore_id, tenant_id=self.tenant_id, type="restore", name="Restore", requested_by="test",
            result={"restoreId": restore_id},
        )
        await self.opened.records.restores.create({  # type: ignore[typeddict-item]
            "restoreId": restore_id, "tenantId": self.tenant_id, "state": "planning", "planHash": None, "counts": {},
            "results": {}, "stale": 0, "requestedBy": "test", "approvedBy": None, "reason": "", "source": {},
            "selection": {}, "options": {}, "force": False, "planned": None, "applied": None, "taskId": restore_id,
            "applyTaskId": None, "backupId": backup_id, "beforeBackupId": None, "undoOf": undo_of, "undoneBy": None,
            "findings": [], "missingPermissions": [], "credentials": "none", "verification": None, "message": "",
            "plan": "", "appliedAppOnly": False, "scope": scope,
        })
        async with self.sessions.restoring(self.opened.settings, self.tenant_id) as graph:
            await self.planned(graph, restore_id)
        return await self.restore(restore_id)

    async def planned(self, graph: Any, restore_id: str) -> int:
        """Plan slice by slice, as the orchestrator does, and say how many there were."""
        message: Any = {"tenantId": self.tenant_id, "taskId": restore_id, "restoreId": restore_id, "apply": False}
        while not (await lifecycle.plan(self.opened, graph, message))["finished"]:
            message["slice"] = message.get("slice", 0) + 1
        return message.get("slice", 0) + 1

    async def apply(self, restore: Restore) -> Restore:
        restore_id = restore["restoreId"]
        step = {"tenantId": self.tenant_id, "taskId": restore_id, "restoreId": restore_id,
                "planHash": restore["planHash"]}
        async with self.sessions.restoring(self.opened.settings, self.tenant_id) as graph:
            sealing: Any = dict(step)
            while not (begun := await lifecycle.begin(self.opened, graph, sealing))["finished"]:
                sealing["slice"] = sealing.get("slice", 0) + 1
            for wave in begun["waves"]:
                await asyncio.gather(*(self._lane(graph, step, first, last) for first, last in wave))
            verified: Any = {"finished": False, "next": 0}
            while not verified["finished"]:
                verified = await verify_slice(self.opened, graph, {**step, "start": verified["next"]})  # type: ignore[typeddict-item]
        await lifecycle.finish(self.opened, {**step, "outcome": "applied", "summary": ""})  # type: ignore[typeddict-item]
        return await self.restore(restore_id)

    async def _lane(self, graph: Any, step: dict[str, Any], first: int, last: int) -> None:
        for batch in range(first, last + 1):
            while not (await lifecycle.apply_batch(self.opened, graph, {**step, "batch": batch}))["finished"]:  # type: ignore[typeddict-item]
                pass

    async def run(self, object_ids: list[str] | None = None, **options: Any) -> Restore:
        return await self.apply(await self.plan(object_ids, **options))

    async def undo(self, restore: Restore, object_ids: list[str] | None = None) -> Restore:
        store = lifecycle.store_of(self.opened, self.tenant_id, restore["restoreId"])
        known = await self.opened.records.identity_map.resolved(self.tenant_id)
        touched = await touched_by(store, await store.plan(restore["planHash"] or ""), object_ids, known)
        planned = await self.plan(
            sorted({one for _, one in touched}), backup_id=restore["beforeBackupId"] or "", touched=touched,
            undo_of=restore["restoreId"], links="exact", newObjects="softDelete", conditionalAccessState="asBackedUp",
        )
        return await self.apply(planned)

    async def restore(self, restore_id: str) -> Restore:
        return await self.opened.records.restores.get(self.tenant_id, restore_id)

    async def operations(self, restore: Restore) -> list[tuple[Operation, dict[str, Any]]]:
        store = lifecycle.store_of(self.opened, self.tenant_id, restore["restoreId"])
        index: PlanIndex = await store.plan(restore["planHash"] or "")
        receipts = await store.all_receipts(index)
        return [(one, receipts.get(one.order, {})) async for one in store.operations(index)]

    async def left(self, restore: Restore) -> list[dict[str, Any]]:
        store = lifecycle.store_of(self.opened, self.tenant_id, restore["restoreId"])
        index = await store.plan(restore["planHash"] or "")
        return [one.as_json() async for one in store.not_restored(index)]

    async def new_id(self, old_id: str) -> str:
        return (await self.opened.records.identity_map.resolved(self.tenant_id)).objects[old_id]


@pytest.fixture
async def restores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Restores]:
    monkeypatch.setitem(WINDOWS, "conditionalAccess", Window(1000, 1.0))
    async with Simulator(users=40, groups=12, seed=7) as simulator:
        simulator.tenant.throttle.quotas["conditionalAccess"] = Quota(1000, 1)
        opened = await protecting(simulator, tmp_path)
        yield Restores(opened, simulator, Backups(opened, simulator))
