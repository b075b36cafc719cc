"""How long reports live: as long as what they compare, and no longer than was asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.deployment import Deployment, records_over
from shared.differences.life import READING_KEPT, forget, sweep
from shared.differences.segments import report_prefix
from shared.records.memory_table import MemoryTable
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.settings import Settings

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def opened(clock: Clock, tmp_path: Any) -> Deployment:
    made = Deployment(
        Settings(report_days=30), records_over(lambda _: MemoryTable(), clock=clock), MemoryBlobStore(now=clock),
        MemoryBlobStore(now=clock), LocalTokenCipher(tmp_path / "key"),
    )
    for tenant_id in (TENANT, OTHER):
        for backup_id in ("00000001", "00000002"):
            await made.records.restore_points.upsert({
                "backupId": backup_id, "tenantId": tenant_id, "kind": "full", "started": "2026-11-20T08:00:00Z",
                "expires": "2026-12-20T08:00:00Z",
            })  # type: ignore[typeddict-item]
    return made


async def report(
    opened: Deployment, name: str, against: str = "live", *, tenant_id: str = TENANT, **more: Any
) -> None:
    prefix = report_prefix(tenant_id, name)
    for path in ("found/a", "live/segments/b"):
        await opened.workspace.put(prefix + path, b"x")
    await opened.records.reports.create({
        "reportId": name, "tenantId": tenant_id, "origin": "request", "backupId": "00000001", "against": against,
        "taskId": name, "requestedBy": "test", "types": None, "objectCount": None, "noise": {}, "status": "succeeded",
        "finished": "2026-11-21T08:00:00Z", **more,
    })


async def left(opened: Deployment, tenant_id: str = TENANT) -> dict[str, set[str]]:
    """Report → what its folder holds."""
    found = {}
    async for _, one in opened.records.reports.stream(tenant_id):
        prefix = report_prefix(tenant_id, one["reportId"])
        found[one["reportId"]] = {
            entry.name.removeprefix(prefix) async for entry in opened.workspace.list(prefix)
        }
    return found


async def files(opened: Deployment) -> list[str]:
    return [entry.name async for entry in opened.workspace.list("")]


async def test_a_report_asked_for_goes_after_its_days_and_the_history_stays(opened: Deployment, clock: Clock) -> None:
    await report(opened, "asked")
    await report(opened, "watched", "00000002", origin="watch")
    clock.now += timedelta(days=29)
    assert await sweep(opened, TENANT) == 0
    assert set(await left(opened)) == {"asked", "watched"}
    clock.now += timedelta(days=2)
    assert await sweep(opened, TENANT) == 1
    assert set(await left(opened)) == {"watched"}
    assert not [name for name in await files(opened) if name.startswith(report_prefix(TENANT, "asked"))]


async def test_a_report_goes_with_the_first_of_its_restore_points(opened: Deployment) -> None:
    await report(opened, "older", "00000002", origin="watch")
    await report(opened, "live", backupId="00000002")
    await opened.records.restore_points.remove(TENANT, "00000001")
    assert await sweep(opened, TENANT) == 1
    assert set(await left(opened)) == {"live"}


async def test_a_live_reading_goes_when_its_tokens_are_of_no_use_and_the_report_stays(
    opened: Deployment, clock: Clock
) -> None:
    await report(opened, "asked")
    clock.now += READING_KEPT - timedelta(hours=1)
    await sweep(opened, TENANT)
    assert (await left(opened))["asked"] == {"found/a", "live/segments/b"}
    clock.now += timedelta(hours=2)
    await sweep(opened, TENANT)
    assert (await left(opened))["asked"] == {"found/a"}


async def test_a_report_that_is_being_made_is_left_alone(opened: Deployment, clock: Clock) -> None:
    await report(opened, "made", status="running")
    await opened.records.tasks.create(
        task_id="made", tenant_id=TENANT, type="differences", name="Differences", requested_by="test"
    )
    clock.now += timedelta(days=400)
    assert await sweep(opened, TENANT) == 0
    await opened.records.tasks.close("made", "failed", "It went wrong.")
    assert await sweep(opened, TENANT) == 1


async def test_what_a_crash_left_goes_after_some_days(opened: Deployment, clock: Clock) -> None:
    gone = [f"{report_prefix(TENANT, 'nobody')}found/a", f"tenants/{TENANT}/runs/x/1.json",
            f"tenants/{TENANT}/exports/1.csv"]  # fmt: skip
    for name in gone:
        await opened.workspace.put(name, b"x")
    await sweep(opened, TENANT)
    assert sorted(await files(opened)) == sorted(gone)
    clock.now += timedelta(days=8)
    await opened.workspace.put(f"tenants/{TENANT}/runs/y/1.json", b"x")
    await sweep(opened, TENANT)
    assert await files(opened) == [f"tenants/{TENANT}/runs/y/1.json"]


async def test_a_removed_tenant_takes_its_reports_along_and_nobody_elses(opened: Deployment) -> None:
    await report(opened, "asked")
    await report(opened, "watched", "00000002", origin="watch")
    await report(opened, "other", tenant_id=OTHER)
    for _ in range(2):
        await forget(opened, TENANT)
    assert await left(opened) == {}
    assert set(await left(opened, OTHER)) == {"other"}
    assert all(name.startswith(f"tenants/{OTHER}/") for name in await files(opened))
