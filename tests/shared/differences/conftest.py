"""Difference reports without the durable engine: the same activities in the same order, over the simulator."""

import uuid
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

import activities.differences as steps
from shared.catalog.noise import NOISE_RULES
from shared.differences.reports import LIVE, Report
from shared.differences.segments import read_lines, read_list
from shared.differences.working import store_scope
from tests.shared.backup.conftest import Backups, backups

__all__ = ["backups"]


@dataclass
class Differences:
    """Makes reports of one simulated tenant."""

    backups: Backups

    @property
    def store(self) -> Any:
        return self.backups.simulator.tenant.store

    async def report(
        self, backup_id: str, against: str = LIVE, *, types: list[str] | None = None,
        object_ids: list[str] | None = None, noise: dict[str, bool] | None = None,
    ) -> Report:
        report_id, opened = str(uuid.uuid4()), self.backups.opened
        tenant_id = self.backups.simulator.tenant_id
        scope = await store_scope(opened, tenant_id, report_id, object_ids) if object_ids else ""
        await opened.records.reports.create({
            "reportId": report_id, "tenantId": tenant_id, "origin": "request", "backupId": backup_id,
            "against": against, "taskId": "", "requestedBy": "test", "types": types,
            "objectCount": len(object_ids) if object_ids else None, "scope": scope,
            "noise": dict.fromkeys(NOISE_RULES, True) | (noise or {}),
        })
        return await self.make(report_id)

    async def make(self, report_id: str) -> Report:
        """What the orchestrator does, in its order; again, to refresh a report."""
        opened, tenant_id, task_id = self.backups.opened, self.backups.simulator.tenant_id, str(uuid.uuid4())
        await opened.records.tasks.create(
            task_id=task_id, tenant_id=tenant_id, type="differences", name="Differences", requested_by="test"
        )
        request = {"tenantId": tenant_id, "taskId": task_id, "reportId": report_id}
        begun = _answered(await steps.begin_differences(request))
        live = ""
        if begun["run"]:
            checkpoints = [await self._lane({**request, "run": begun["run"], "lane": lane}) for lane in begun["lanes"]]
            closing = {"name": "closing", "types": [], "share": 1.0}
            checkpoints.append(await self._lane({
                **request, "run": begun["run"], "lane": closing, "closing": True, "after": checkpoints,
            }))
            sealed = await steps.seal_live({**request, "run": begun["run"], "checkpoints": checkpoints})
            live = _answered(sealed)["live"]
        compared = {"checkpoint": "", "finished": False}
        while not compared["finished"]:
            compared = _answered(
                await steps.compare_states({**request, "live": live, "checkpoint": compared["checkpoint"]})
            )
        found = _answered(
            await steps.finish_differences({**request, "live": live, "checkpoint": compared["checkpoint"]})
        )
        status = "succeededWithWarnings" if found["warnings"] else "succeeded"
        await steps.close_report({**request, "status": status, "summary": found["summary"]})
        return await opened.records.reports.get(tenant_id, report_id)

    async def changes(self, report: Report, *, collapsed: bool | None = False) -> list[dict[str, Any]]:
        """The report's changes; those set aside too with None."""
        found = [
            orjson.loads(line) for name in await read_list(self.backups.opened.workspace, report["found"])
            for line in await read_lines(self.backups.opened.workspace, name)
        ]
        return [one for one in found if collapsed is None or bool(one["noise"]) == collapsed]

    async def _lane(self, message: dict[str, Any]) -> str:
        while True:
            captured = _answered(await steps.read_live_slice(message))
            if captured["finished"]:
                return captured["checkpoint"]
            message = {**message, "checkpoint": captured["checkpoint"]}


def _answered(answer: dict[str, Any]) -> dict[str, Any]:
    assert "failure" not in answer, answer
    return answer


@pytest.fixture
async def differences(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> Differences:
    async def opened() -> Any:
        return backups.opened

    monkeypatch.setattr(steps, "deployment", opened)
    monkeypatch.setattr(steps, "sessions", backups.sessions)
    return Differences(backups)
