"""A simulated tenant protected by Cairn's own orchestrators and activities, over storage that can be made to fail."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import activities.backup
import activities.differences
import activities.retention
import activities.tasks
import activities.verify
from local.simulator import Simulator
from local.simulator.faults.rules import parse
from local.simulator.faults.throttle import DOCUMENTED, Quota
from shared import operations
from shared.backup import sessions
from shared.catalog.options import OPTIONS
from shared.deployment import Deployment, records_over
from shared.entra import governor, transport
from shared.entra.governors import Governors
from shared.records.memory_table import MemoryTable
from shared.records.tasks import OPEN, Task
from shared.records.times import utc_now
from shared.repository.chain import list_manifests
from shared.repository.lawful_store import LawfulStore
from shared.repository.manifest import Manifest
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.repository.verification import verify
from shared.scheduling import watch
from shared.starting import MOST_TAKE_UPS, running, start
from shared.tenants.settings import TenantSettings
from tests.laws.driver import Engine
from tests.laws.stores import Misfortune, UnluckyStore, UnluckyTable
from tests.laws.views import View, apart, view_of
from tests.simulated import registered, settings_for

PATIENCE = transport.Limits(first_wait_seconds=0.001, wait_seconds_max=0.002, request_seconds=5.0, silence_seconds=5.0)
"""As many tries as ever, without the waiting."""


@dataclass
class Protected:
    """One simulated tenant and the Cairn that protects it."""

    simulator: Simulator
    opened: Deployment
    misfortune: Misfortune
    engine: Engine = field(default_factory=Engine)

    @property
    def tenant_id(self) -> str:
        return self.simulator.tenant_id

    @property
    def store(self) -> Any:
        return self.simulator.tenant.store

    @property
    def truth(self) -> MemoryBlobStore:
        """The vault's blobs, past every misfortune."""
        return self.opened.vault.inner

    def faults(self, *rules: dict[str, Any]) -> None:
        """These faults from now on, and no others."""
        self.simulator.tenant.faults.rules[:] = [parse(rule) for rule in rules]
        if not rules:  # whatever pause was asked for is over
            sessions.GOVERNORS = Governors()

    def pass_time(self, time: timedelta) -> None:
        """On both ends."""
        self.simulator.tenant.clock.move(time.total_seconds())

    async def begin(self, kind: Any = "incremental", types: list[str] | None = None) -> str:
        """The id of a backup that has been started."""
        operation = operations.backup(self.tenant_id, str(uuid.uuid4()), kind=kind, types=types, requested_by="test")
        await start(self.opened.records, self.engine, operation)
        return operation.task_id

    async def back_up(self, kind: Any = "incremental", types: list[str] | None = None) -> Task:
        """The task of a backup that has ended."""
        task_id = await self.begin(kind, types)
        await self.engine.ended(task_id)
        return await self.opened.records.tasks.get(task_id)

    async def read_everything(self) -> None:
        """Turn on every option of the catalog."""
        settings = TenantSettings(options=dict.fromkeys(OPTIONS, True))
        await self.opened.records.tenants.set_settings(self.tenant_id, settings, by="test")

    async def backed_up(self, kind: Any = "incremental", types: list[str] | None = None) -> Manifest:
        """The restore point of a backup that ended well; what is whole in it is for `apart_now` to say."""
        task = await self.back_up(kind, types)
        assert task["status"] in ("succeeded", "succeededWithWarnings"), task["lastResultDescription"]
        return await self.manifest(task)

    async def manifest(self, task: Task) -> Manifest:
        """The restore point that the task made."""
        return next(one for one in await self.restore_points() if one.backup_id == task["result"]["backupId"])

    async def restore_points(self) -> list[Manifest]:
        """All that the vault shows, newest first."""
        return [one async for one in list_manifests(self.truth, self.tenant_id)]

    async def view(self, manifest: Manifest) -> View:
        """What a restore point shows."""
        return await view_of(self.truth, manifest)

    async def restarted(self) -> None:
        """Cairn starts again after a crash, and its watchdog looks after what was cut off, until all has ended."""
        self.pass_time(timedelta(minutes=2))
        for _ in range(MOST_TAKE_UPS + 2):
            await watch(self.opened.records, self.engine)
            still = await self.opened.records.tasks.still_open()
            if not still:
                return
            await asyncio.gather(*(self.engine.ended(task["taskId"]) for task in still))
        raise AssertionError("a task stays open though nothing runs")

    async def assert_sound(self) -> None:
        """The index shows what the vault holds, all of it passes verification, and nothing is held or runs."""
        held = {one.backup_id for one in await self.restore_points()}
        shown = {point["backupId"] async for _, point in self.opened.records.restore_points.stream(self.tenant_id)}
        assert shown == held
        for one in held:
            assert not await verify(self.truth, self.tenant_id, one)
        tasks = [task async for _, task in self.opened.records.tasks.stream(None)]
        assert not [task for task in tasks if task["status"] in OPEN]
        # A crash before its task was written leaves a lock behind that the next one takes over: nobody holds it.
        assert await running(self.opened.records, self.engine, self.tenant_id, "backup") is None

    async def tenant_now(self) -> tuple[View, dict[str, str]]:
        """What the tenant holds now, and what can be read of it, as a first backup without any fault sees it."""
        rules, self.simulator.tenant.faults.rules = self.simulator.tenant.faults.rules, []
        try:
            other = await protection(self.simulator, self.opened.cipher, Misfortune())
            settings = (await self.opened.records.tenants.settings(self.tenant_id)).settings
            await other.opened.records.tenants.set_settings(self.tenant_id, settings, by="test")
            with pytest.MonkeyPatch.context() as patch:
                serve(other.opened, patch)
                manifest = await other.backed_up("full")
                return await other.view(manifest), outcomes(manifest)
        finally:
            self.simulator.tenant.faults.rules = rules

    async def apart_now(self, manifest: Manifest) -> str:
        """What separates a restore point from the tenant as it is now, a line each: outcomes, objects and links."""
        now, readable = await self.tenant_now()
        lines = [
            f"{name}: {outcome} though it can be {readable[name]}: {manifest.types[name].reason}"
            for name, outcome in outcomes(manifest).items() if outcome != readable[name]
        ]
        return "\n".join((lines + apart(await self.view(manifest), now))[:40])


def outcomes(manifest: Manifest) -> dict[str, str]:
    """How the reading of each type ended."""
    return {name: entry.outcome for name, entry in manifest.types.items()}


def serve(opened: Deployment, patch: pytest.MonkeyPatch) -> None:
    """Give this deployment to the activities, with sessions of its own."""

    async def deployment() -> Deployment:
        return opened

    adapters = (
        activities.backup, activities.differences, activities.retention, activities.tasks, activities.verify,
    )
    for module in adapters:
        patch.setattr(module, "deployment", deployment)
    patch.setattr(activities.backup, "sessions", sessions.GraphSessions())


async def protection(simulator: Simulator, cipher: Any, misfortune: Misfortune) -> Protected:
    """A new Cairn for the tenant, empty; its clock is the tenant's."""

    def now() -> datetime:
        return utc_now() + timedelta(seconds=simulator.tenant.clock.ahead_seconds)

    records = records_over(lambda _: UnluckyTable(MemoryTable(), misfortune), clock=now)
    opened = Deployment(
        settings_for(simulator), await registered(records, simulator),
        UnluckyStore(LawfulStore(MemoryBlobStore(now=now), now=now), misfortune),
        UnluckyStore(MemoryBlobStore(now=now), misfortune), cipher,
    )
    return Protected(simulator, opened, misfortune)



@pytest.fixture
async def protected(tmp_path: Path) -> AsyncIterator[Protected]:
    async with protected_tenant(tmp_path) as made:
        yield made


@asynccontextmanager
async def protected_tenant(folder: Path, *, users: int = 24, groups: int = 8, seed: int = 7) -> AsyncIterator[Protected]:
    """A tenant of its own, for tests that need more than one."""
    with pytest.MonkeyPatch.context() as patch:
        without_waiting(patch)
        async with Simulator(users=users, groups=groups, seed=seed) as simulator:
            simulator.tenant.throttle.quotas.update(dict.fromkeys(DOCUMENTED, Quota(1_000_000, 1)))
            made = await protection(simulator, LocalTokenCipher(folder / "key"), Misfortune())
            serve(made.opened, patch)
            yield made
            await made.engine.crash()


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a turn, and retries follow at once."""
    # Quotas are Graph's law and not the subject here: both ends are told of so much that nobody waits for a turn.
    for name in governor.WINDOWS:
        monkeypatch.setitem(governor.WINDOWS, name, governor.Window(100_000, 1.0))
    monkeypatch.setitem(governor.ResourceUnitBucket.__init__.__kwdefaults__, "seconds", 0.001)
    monkeypatch.setattr(sessions, "GOVERNORS", Governors())
    monkeypatch.setattr(governor, "UNKNOWN_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(governor, "UNKNOWN_WAIT_SECONDS_MAX", 0.02)
    monkeypatch.setattr(transport, "Limits", lambda: PATIENCE)
