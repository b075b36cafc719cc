"""A backup without the durable engine: the same functions in the same order, over memory and the simulator."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.simulator import Simulator
from local.simulator.faults.throttle import Quota
from shared.backup.beginning import begin
from shared.backup.capturing import capture_slice
from shared.backup.closing import close_lane
from shared.backup.run import load_run
from shared.backup.sealing import seal_backup
from shared.backup.sessions import GraphSessions
from shared.deployment import Deployment
from shared.entra.governor import WINDOWS, Window
from shared.messages import BackUpTenant, CaptureLane, SealBackup
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from tests.simulated import protecting

NARROW = ("conditionalAccess", "keyCredentials")


@dataclass
class Backups:
    """Runs backups of one simulated tenant."""

    opened: Deployment
    simulator: Simulator
    sessions: GraphSessions = field(default_factory=GraphSessions)

    async def run(self, kind: str = "incremental", types: list[str] | None = None) -> Manifest:
        task_id = str(uuid.uuid4())
        tenant_id = self.simulator.tenant_id
        await self.opened.records.tasks.create(
            task_id=task_id, tenant_id=tenant_id, type="backup", name="Backup", requested_by="test"
        )
        request = BackUpTenant(
            tenantId=tenant_id, taskId=task_id, kind=kind, types=types, requestedBy="test", scheduled=False
        )
        async with self.sessions.reading(self.opened.settings, tenant_id) as graph:
            begun = await begin(self.opened, graph, request)
            run = await load_run(self.opened.workspace, begun["run"])
            messages = [
                CaptureLane(tenantId=tenant_id, taskId=task_id, run=begun["run"], lane=lane) for lane in begun["lanes"]
            ]
            checkpoints = [await self._lane(graph, run, message) for message in messages]
            closing = CaptureLane(
                tenantId=tenant_id, taskId=task_id, run=begun["run"], closing=True, after=checkpoints,
                lane={"name": "closing", "types": [], "share": 1.0},
            )
            checkpoints.append(await self._lane(graph, run, closing))
        sealed = await seal_backup(
            self.opened, run,
            SealBackup(tenantId=tenant_id, taskId=task_id, run=begun["run"], checkpoints=checkpoints),
        )
        return (await RestorePoint.open(self.opened.vault, tenant_id, sealed["backupId"])).manifest

    async def _lane(self, graph: Any, run: Any, message: CaptureLane) -> str:
        work = close_lane if message.get("closing") else capture_slice
        while True:
            captured = await work(self.opened, graph, run, message)
            if captured["finished"]:
                return captured["checkpoint"]
            message = {**message, "checkpoint": captured["checkpoint"]}

    async def view(self, manifest: Manifest) -> dict[str, Any]:
        """Everything that a restore point holds, as plain values, for comparing two of them."""
        point = RestorePoint(self.opened.vault, manifest)
        found: dict[str, Any] = {}
        for name, entry in manifest.types.items():
            view = point.view(name)
            objects = {record.object_id: record.body async for record in view.objects()}
            links = {(record.source_id, record.link, record.target_id) async for record in view.links()}
            found[name] = {"outcome": entry.outcome, "objects": objects, "links": links}
        return found


@pytest.fixture
async def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Backups]:
    # Narrow buckets are Graph's law and not this test's subject: both ends allow more.
    for bucket in NARROW:
        monkeypatch.setitem(WINDOWS, bucket, Window(1000, 1.0))
    async with Simulator(users=60, groups=12, seed=7) as simulator:
        simulator.tenant.throttle.quotas.update(dict.fromkeys(NARROW, Quota(1000, 1)))
        yield Backups(await protecting(simulator, tmp_path), simulator)
