"""The registry keeps each tenant once, with settings and history that survive concurrent changes."""

import asyncio
from datetime import UTC, datetime

import pytest

from shared.deployment import Records, records_in_memory
from shared.errors import DuplicateTenant, UnknownTenant
from shared.records.table import RowChanged
from shared.tenants.settings import Schedule, TenantSettings

T = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def records() -> Records:
    return records_in_memory()


async def register(records: Records, tenant_id: str = T) -> None:
    await records.tenants.register(
        tenant_id=tenant_id, display_name="Contoso", cloud="global", kind="workforce", created_by="me"
    )


async def test_a_tenant_is_registered_once(records: Records) -> None:
    await register(records)
    with pytest.raises(DuplicateTenant):
        await register(records)
    assert [place async for place, _ in records.tenants.stream()] == [T]


async def test_an_id_may_be_written_in_capitals(records: Records) -> None:
    await register(records, T)
    assert (await records.tenants.get(T.upper()))["tenantId"] == T


async def test_what_was_unregistered_is_gone_with_its_settings(records: Records) -> None:
    await register(records)
    await records.tenants.set_settings(T, TenantSettings(retention_days=5), by="me")
    assert await records.tenants.unregister(T)
    assert not await records.tenants.unregister(T)
    with pytest.raises(UnknownTenant):
        await records.tenants.get(T)
    await register(records)
    assert (await records.tenants.settings(T)).settings == TenantSettings()


@pytest.mark.parametrize("tenant_id", ["", "x", "a/b", f"{T}/..", "é" * 40])
async def test_an_id_that_is_no_guid_is_unknown(records: Records, tenant_id: str) -> None:
    assert await records.tenants.find(tenant_id) is None
    assert not await records.tenants.unregister(tenant_id)


async def test_changes_at_the_same_time_are_all_kept(records: Records) -> None:
    await register(records)
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9)]
    await asyncio.gather(*(records.tenants.backup_started(T, moment) for moment in reversed(moments)))
    history = await records.tenants.history(T)
    assert (history.first_started, history.last_started) == (moments[0], moments[-1])


async def test_changing_the_schedule_starts_it_anew_and_changing_the_rest_does_not(records: Records) -> None:
    await register(records)
    created = (await records.tenants.history(T)).since
    await asyncio.sleep(0.002)
    await records.tenants.set_settings(T, TenantSettings(retention_days=5), by="me")
    assert (await records.tenants.history(T)).since == created
    await records.tenants.set_settings(T, TenantSettings(schedule=Schedule(enabled=True)), by="me")
    assert (await records.tenants.history(T)).since > created


async def test_settings_with_an_old_etag_are_refused(records: Records) -> None:
    await register(records)
    first = await records.tenants.settings(T)
    await records.tenants.set_settings(T, TenantSettings(retention_days=5), by="me", etag=first.etag)
    with pytest.raises(RowChanged):
        await records.tenants.set_settings(T, TenantSettings(retention_days=6), by="me", etag=first.etag)
    assert (await records.tenants.settings(T)).settings.retention_days == 5
