"""What goes into the audit trail, and who may read it."""

import csv
import io
import re
from typing import Any

import httpx
import pytest

from api.guard import access_of
from api.rates import REFUSALS_A_MINUTE
from shared.deployment import Records
from shared.errors import StoreUnavailable
from tests.api.conftest import OTHER, TENANT, Mint
from tests.api.test_guard import ME, routes


async def entries(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/audit{query}")
    assert answer.status_code == 200, answer.text
    value: list[dict[str, Any]] = answer.json()["value"]
    return value


async def test_a_change_is_recorded_with_who_did_it_to_what(client: httpx.AsyncClient, tenant: str) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={"retentionDays": 30})
    (entry,) = await entries(client)
    assert entry["action"] == "putSettings"
    assert (entry["tenantId"], entry["actor"], entry["actorType"]) == (TENANT, ME, "user")
    assert (entry["method"], entry["path"]) == ("PUT", "/tenants/{tenantId}/settings")
    assert (entry["outcome"], entry["status"], entry["code"]) == ("done", 200, "")


def test_whatever_gives_attributes_credentials_or_an_export_is_recorded() -> None:
    grave = re.compile(r"credentials|\.csv$|/compare$|^/tenants/{tenant_id}/objects/{object_id}$")
    for method, path, route in routes():
        if method == "GET" and grave.search(path):
            assert access_of(route.endpoint).audited, path


async def test_a_change_that_was_no_valid_request_and_plain_reading_leave_no_entry(
    client: httpx.AsyncClient, tenant: str
) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={"retentionDays": 0})
    await client.get(f"/tenants/{TENANT}")
    assert await entries(client) == []


async def test_an_export_is_recorded(client: httpx.AsyncClient, tenant: str) -> None:
    await client.get("/audit.csv")
    assert [entry["action"] for entry in await entries(client)] == ["getAuditCsv"]


async def test_a_refused_call_is_recorded_and_a_foreign_tenant_in_no_tenant_s_book(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, tenant: str
) -> None:
    await anonymous.get("/tasks")
    for token, path in ((mint(roles=["Reader"]), "/audit"), (mint(tenants=[OTHER]), f"/tenants/{TENANT}")):
        await anonymous.get(path, headers={"Authorization": f"Bearer {token}"})
    found = [entry async for _, entry in records.audit.stream(None)]
    assert {(entry["status"], entry["code"], entry["tenantId"], entry["actor"]) for entry in found} == {
        (401, "unauthenticated", None, ""), (403, "forbidden", None, ME), (404, "unknownTenant", None, ME),
    }
    assert all(entry["outcome"] == "refused" for entry in found)


async def test_refusals_of_one_caller_are_bounded_and_counted(
    anonymous: httpx.AsyncClient, records: Records, services: Any
) -> None:
    for _ in range(REFUSALS_A_MINUTE + 5):
        await anonymous.get("/tasks")
    found = [entry async for _, entry in records.audit.stream(None)]
    assert len(found) == REFUSALS_A_MINUTE
    services.refusals.clock = lambda: 1e9
    await anonymous.get("/tasks")
    newest, *_ = [entry async for _, entry in records.audit.stream(None)]
    assert newest["details"] == {"refusalsNotRecorded": 5}


async def test_a_caller_reads_of_its_own_tenants_only(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, tenant: str
) -> None:
    await records.tenants.register(
        tenant_id=OTHER, display_name="Other", cloud="global", kind="workforce", created_by="test"
    )
    admin = {"Authorization": f"Bearer {mint()}"}
    for tenant_id in (TENANT, OTHER):
        await anonymous.put(f"/tenants/{tenant_id}/settings", json={}, headers=admin)
    await anonymous.put("/roles", json={"value": []}, headers=admin)
    anonymous.headers["Authorization"] = f"Bearer {mint(tenants=[TENANT])}"
    for path in ("/audit", "/audit.csv", "/audit/verification", "/audit?q=putRoles", f"/audit?q=tenantId:{OTHER}"):
        answer = await anonymous.get(path)
        assert answer.status_code == 200, answer.text
        assert OTHER not in answer.text, path
        assert "putRoles" not in answer.text, path
    assert (await anonymous.get(f"/audit?tenant={OTHER}")).status_code == 404


async def test_the_trail_is_searched_and_ordered(client: httpx.AsyncClient, tenant: str) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={})
    await client.put("/roles", json={"value": []})
    assert [one["action"] for one in await entries(client)] == ["putRoles", "putSettings"]
    assert [one["action"] for one in await entries(client, "?q=action:putSettings")] == ["putSettings"]
    assert [one["action"] for one in await entries(client, "?orderBy=action desc")] == ["putSettings", "putRoles"]
    first = await client.get("/audit?top=1")
    second = await client.get(first.json()["nextLink"])
    assert [one["action"] for one in second.json()["value"]] == ["putSettings"]


async def test_the_export_holds_what_the_list_holds(client: httpx.AsyncClient, tenant: str) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={})
    listed = await entries(client)
    rows = list(csv.DictReader(io.StringIO((await client.get("/audit.csv")).text)))
    assert [(row["auditId"], row["hash"]) for row in rows] == [(one["auditId"], one["hash"]) for one in listed]


async def test_tampering_shows_over_http(client: httpx.AsyncClient, records: Records, tenant: str) -> None:
    await client.put(f"/tenants/{TENANT}/settings", json={})
    assert (await client.get("/audit/verification")).json()["intact"] is True
    row = (await records.audit._table.query(f"chain|{TENANT}"))[0]
    await records.audit._table.upsert(row.with_body({**row.body, "actor": "nobody"}))
    found = (await client.get(f"/audit/verification?tenant={TENANT}")).json()
    assert found["intact"] is False
    assert found["value"][0]["findings"] == [{"sequence": 1, "what": "its content is not what its hash says"}]


async def test_nothing_is_told_that_could_not_be_recorded(
    client: httpx.AsyncClient, records: Records, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_: Any) -> Any:
        raise StoreUnavailable("the table did not answer")

    monkeypatch.setattr(type(records.audit), "append", lambda _, deed: gone(deed))
    assert (await client.get("/audit.csv")).status_code == 503
    assert (await client.get("/audit")).status_code == 200
    assert (await client.get(f"/tenants/{OTHER}")).status_code == 404


async def test_no_name_stands_in_the_trail(client: httpx.AsyncClient, records: Records, tenant: str) -> None:
    await client.patch(f"/tenants/{TENANT}", json={"displayName": "Lanosrep"})
    await client.get("/tenants/Lanosrep")
    found = [entry async for _, entry in records.audit.stream(None)]
    assert len(found) == 2
    assert "Pat Person" not in str(found)
    assert "'displayName'" not in str(found)
