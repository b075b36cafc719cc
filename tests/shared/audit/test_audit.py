"""Laws of the audit trail: nothing is lost, everything is in order, and whoever changes it is found out."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shared.audit.entry import DEPLOYMENT, Deed, hash_of
from shared.audit.sealing import seal_book, segment_name
from shared.audit.trail import MOST_ENTRIES, AuditTrail
from shared.audit.verification import verify_book
from shared.errors import AlreadyWritten, Immutable
from shared.records.memory_table import MemoryTable
from shared.records.table import Row
from shared.repository.lawful_store import LawfulStore
from shared.repository.memory_store import MemoryBlobStore

TENANT = "11111111-1111-4111-8111-111111111111"


def deed(action: str = "putSettings", tenant_id: str | None = TENANT) -> Deed:
    return Deed(
        tenantId=tenant_id, actor="aaaaaaaa-0000-4000-8000-000000000001", actorType="user", action=action,
        method="PUT", path="/tenants/{tenantId}/settings", targets={}, outcome="done", status=200, code="", details={},
    )


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def trail(table: MemoryTable) -> AuditTrail:
    return AuditTrail(table)


@pytest.fixture
def vault() -> Any:
    return LawfulStore(MemoryBlobStore())


async def test_entries_written_at_once_make_one_chain_without_a_gap(table: MemoryTable, vault: Any) -> None:
    one, other = AuditTrail(table), AuditTrail(table)
    await asyncio.gather(*((one, other)[n % 2].append(deed(str(n))) for n in range(40)))
    report = await verify_book(one, vault, TENANT)
    assert (report.entries, report.intact) == (40, True)
    assert {entry["action"] async for _, entry in one.stream([TENANT])} == {str(n) for n in range(40)}


async def test_each_tenant_has_a_book_of_its_own_and_the_deployment_too(trail: AuditTrail) -> None:
    await trail.append(deed())
    await trail.append(deed("putRoles", None))
    assert await trail.books() == [TENANT, DEPLOYMENT]
    assert [entry["action"] async for _, entry in trail.stream([TENANT])] == ["putSettings"]
    assert [entry["action"] async for _, entry in trail.stream(None)] == ["putRoles", "putSettings"]


async def test_sealing_writes_each_entry_once_and_for_good(trail: AuditTrail, vault: Any) -> None:
    for n in range(3):
        await trail.append(deed(str(n)))
    assert await seal_book(trail, vault, TENANT) == 3
    assert await seal_book(trail, vault, TENANT) == 0
    await trail.append(deed("later"))
    assert await seal_book(trail, vault, TENANT) == 1
    names = [blob.name async for blob in vault.list("")]
    assert names == [segment_name(TENANT, 1), segment_name(TENANT, 4)]
    for name in names:
        with pytest.raises(Immutable):
            await vault.delete(name)
        with pytest.raises(AlreadyWritten):
            await vault.put_new(name, b"other")
    assert (await verify_book(trail, vault, TENANT)).intact


async def test_a_sealer_that_died_before_it_noted_its_work_is_no_harm(
    table: MemoryTable, trail: AuditTrail, vault: Any
) -> None:
    await trail.append(deed())
    await seal_book(trail, vault, TENANT)
    await trail.note_sealed(TENANT, 0)
    await trail.append(deed("later"))
    await seal_book(trail, vault, TENANT)
    report = await verify_book(trail, vault, TENANT)
    assert (report.entries, report.sealed, report.intact) == (2, 2, True)


def _row(number: int) -> tuple[str, str]:
    return f"chain|{TENANT}", f"{MOST_ENTRIES - number:012d}"


async def changed(table: MemoryTable, number: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    row = await table.get(*_row(number))
    assert row is not None
    await table.upsert(Row(row.partition, row.key, change(dict(row.body))))


def other_actor(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "actor": "somebody else"}


def rehashed(entry: dict[str, Any]) -> dict[str, Any]:
    made = other_actor(entry)
    return {**made, "hash": hash_of(made)}


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("change", [other_actor, rehashed])
async def test_a_changed_entry_is_found(
    table: MemoryTable, trail: AuditTrail, vault: Any, sealed: bool, change: Any
) -> None:
    for n in range(4):
        await trail.append(deed(str(n)))
    if sealed:
        await seal_book(trail, vault, TENANT)
    await changed(table, 2, change)
    report = await verify_book(trail, vault, TENANT)
    assert not report.intact
    assert {finding.sequence for finding in report.findings} <= {2, 3}


@pytest.mark.parametrize("number", [1, 2])
async def test_a_removed_entry_is_found(table: MemoryTable, trail: AuditTrail, vault: Any, number: int) -> None:
    for n in range(4):
        await trail.append(deed(str(n)))
    await table.delete(*_row(number))
    assert not (await verify_book(trail, vault, TENANT)).intact


async def test_an_end_that_was_cut_off_and_a_book_made_anew_are_found_by_the_vault(
    table: MemoryTable, trail: AuditTrail, vault: Any
) -> None:
    for n in range(3):
        await trail.append(deed(str(n)))
    await seal_book(trail, vault, TENANT)
    await table.delete(*_row(3))
    assert [finding.what for finding in (await verify_book(trail, vault, TENANT)).findings] == [
        "it is in the vault and gone from the tables"
    ]
    anew = AuditTrail(MemoryTable())
    for n in range(3):
        await anew.append(deed(f"harmless {n}"))
    assert len((await verify_book(anew, vault, TENANT)).findings) == 3
