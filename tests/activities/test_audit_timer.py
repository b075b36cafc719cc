"""The timer of the audit trail seals what is new, and tells of what was tampered with."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

import activities.audit
from shared.audit.entry import Deed
from shared.deployment import Records, records_in_memory
from shared.repository.memory_store import MemoryBlobStore

TENANT = "11111111-1111-4111-8111-111111111111"


@dataclass
class Opened:
    """A deployment in memory."""

    records: Records
    vault: MemoryBlobStore


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    made = Opened(records_in_memory(clock=lambda: datetime(2026, 11, 21, 3, 1, tzinfo=UTC)), MemoryBlobStore())

    async def open_it() -> Opened:
        return made

    monkeypatch.setattr(activities.audit, "deployment", open_it)
    return made


async def test_what_is_new_is_sealed_and_what_was_tampered_with_is_told(opened: Opened) -> None:
    deed = Deed(
        tenantId=TENANT, actor="a", actorType="user", action="putSettings", method="PUT", path="/", targets={},
        outcome="done", status=200, code="", details={},
    )  # fmt: skip
    await opened.records.audit.append(deed)
    await activities.audit.seal_audit()
    assert [blob.name async for blob in opened.vault.list("")] == [f"tenants/{TENANT}/audit/000000000001.ndjson"]
    assert [event async for event in opened.records.events.stream(None)] == []
    table = opened.records.audit._table
    row = (await table.query(f"chain|{TENANT}"))[0]
    await table.upsert(row.with_body({**row.body, "actor": "b"}))
    await activities.audit.seal_audit()
    (found,) = [event async for _, event in opened.records.events.stream([TENANT])]
    assert (found["code"], found["severity"]) == ("auditTampered", "error")
