"""Work is started once, written down before it runs, and never twice at a time for a tenant."""

from datetime import timedelta

import httpx
import pytest
from durabletask.client import OrchestrationStatus

from shared.deployment import Records
from shared.records.times import utc_now
from shared.starting import GRACE
from tests.api.conftest import TENANT, FakeDurable, Mint

BACKUPS = f"/tenants/{TENANT}/backups"


async def test_one_idempotency_key_starts_one_task(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable
) -> None:
    key = {"Idempotency-Key": "once"}
    first = await client.post(BACKUPS, json={"kind": "full"}, headers=key)
    again = await client.post(BACKUPS, json={"kind": "full"}, headers=key)
    spaced = await client.post(
        BACKUPS, content=b'{ "kind" : "full" }', headers={**key, "Content-Type": "application/json"}
    )
    assert [first.status_code, again.status_code, spaced.status_code] == [202, 202, 202]
    assert first.json()["taskId"] == again.json()["taskId"] == spaced.json()["taskId"]
    assert len(durable.scheduled) == 1


async def test_one_idempotency_key_for_another_request_is_refused(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable
) -> None:
    key = {"Idempotency-Key": "once"}
    await client.post(BACKUPS, json={"kind": "full"}, headers=key)
    other = await client.post(BACKUPS, json={"kind": "incremental"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotencyKeyReused")
    assert len(durable.scheduled) == 1


async def test_the_key_of_one_caller_means_nothing_for_another(
    anonymous: httpx.AsyncClient, mint: Mint, tenant: str
) -> None:
    for subject, status in (("one", 202), ("two", 409)):
        headers = {"Authorization": f"Bearer {mint(oid=subject)}", "Idempotency-Key": "k"}
        assert (await anonymous.post(BACKUPS, json={}, headers=headers)).status_code == status


@pytest.mark.parametrize("key", ["", " ", "x" * 257, "é"])
async def test_an_idempotency_key_that_is_none_is_refused(client: httpx.AsyncClient, tenant: str, key: str) -> None:
    answer = await client.post(BACKUPS, json={}, headers={"Idempotency-Key": key.encode()})  # type: ignore[dict-item]
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_start_that_fails_leaves_a_failed_task_no_lock_and_a_usable_key(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable
) -> None:
    durable.fails = ConnectionError("secret address")
    key = {"Idempotency-Key": "k"}
    failed = await client.post(BACKUPS, json={}, headers=key)
    assert (failed.status_code, failed.json()["code"]) == (503, "notStarted")
    assert "secret" not in failed.text
    tasks = (await client.get("/tasks")).json()["value"]
    assert [task["status"] for task in tasks] == ["failed"]
    events = (await client.get("/events")).json()["value"]
    assert [(event["severity"], event["code"]) for event in events] == [("error", "notStarted")]
    durable.fails = None
    assert (await client.post(BACKUPS, json={}, headers=key)).status_code == 202


async def test_an_answer_of_the_engine_that_was_lost_is_no_failure(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = FakeDurable.schedule_new_orchestration

    async def take_and_break(self: FakeDurable, orchestrator: str, **given: object) -> str:
        await taken(self, orchestrator, **given)  # type: ignore[arg-type]
        raise ConnectionError("cut")

    monkeypatch.setattr(FakeDurable, "schedule_new_orchestration", take_and_break)
    started = await client.post(BACKUPS, json={})
    assert started.status_code == 202
    assert (await client.post(BACKUPS, json={})).json()["taskId"] == started.json()["taskId"]


@pytest.mark.parametrize(
    "status", [OrchestrationStatus.FAILED, OrchestrationStatus.TERMINATED, OrchestrationStatus.COMPLETED]
)
async def test_a_lock_whose_orchestration_has_ended_is_taken_over(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable, status: OrchestrationStatus
) -> None:
    dead = (await client.post(BACKUPS, json={})).json()["taskId"]
    durable.states[dead] = status
    started = await client.post(BACKUPS, json={})
    assert started.status_code == 202
    assert (await client.get(f"/tasks/{dead}")).json()["status"] == "failed"
    busy = await client.post(BACKUPS, json={})
    assert (busy.status_code, busy.json()["taskId"]) == (409, started.json()["taskId"])


async def test_a_lock_whose_orchestration_is_lost_is_taken_over_once_its_task_ran(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable, records: Records
) -> None:
    lost = (await client.post(BACKUPS, json={})).json()["taskId"]
    durable.states.clear()
    assert (await client.post(BACKUPS, json={})).status_code == 409, "it is just being started"
    await records.tasks.start(lost)
    assert (await client.post(BACKUPS, json={})).status_code == 202
    assert (await client.get(f"/tasks/{lost}")).json()["status"] == "failed"


async def test_a_lock_without_a_task_counts_as_dead_after_a_while(
    client: httpx.AsyncClient, tenant: str, records: Records
) -> None:
    locks = records.run_locks
    locks._clock = lambda: utc_now() - GRACE - timedelta(seconds=1)
    await locks.acquire(TENANT, "backup", "never-written")
    locks._clock = utc_now
    assert (await client.post(BACKUPS, json={})).status_code == 202


async def test_run_now_starts_a_backup_and_is_not_kept(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable
) -> None:
    tasks = set()
    for _ in range(2):
        put = await client.put(f"/tenants/{TENANT}/settings", json={"runNow": True})
        assert put.status_code == 200
        assert put.json()["runNow"] is False
        tasks.add(put.json()["taskId"])
        assert put.headers["Location"] == f"/api/v1/tasks/{put.json()['taskId']}"
        task = (await client.get(f"/tasks/{put.json()['taskId']}")).json()
        assert (task["type"], task["tenantId"]) == ("backup", TENANT)
    assert len(tasks) == 1, "the second finds the first running, which is what was wanted"
    assert [name for name, _, _ in durable.scheduled] == ["back_up_tenant"]


async def test_the_answer_of_a_put_may_be_put_again_and_starts_nothing(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable
) -> None:
    settings = f"/tenants/{TENANT}/settings"
    first = await client.put(settings, json={"runNow": True, "retentionDays": 30})
    again = await client.put(settings, json=first.json())
    assert again.status_code == 200, again.text
    assert again.json() == {**first.json(), "taskId": None}
    assert "Location" not in again.headers
    assert len(durable.scheduled) == 1
    assert (await client.get(settings)).json() == again.json()


async def test_the_first_backup_gives_the_schedule_its_time(
    client: httpx.AsyncClient, tenant: str
) -> None:
    settings = f"/tenants/{TENANT}/settings"
    assert (await client.get(settings)).json()["schedule"]["startAt"] is None
    started = (await client.post(BACKUPS, json={})).json()["created"]
    assert (await client.get(settings)).json()["schedule"]["startAt"] == started[11:16]


async def test_settings_are_replaced_only_where_they_are_those_that_were_read(
    client: httpx.AsyncClient, tenant: str
) -> None:
    settings = f"/tenants/{TENANT}/settings"
    read = (await client.get(settings)).headers["etag"]
    assert (await client.put(settings, json={"retentionDays": 7}, headers={"If-Match": read})).status_code == 200
    late = await client.put(settings, json={"retentionDays": 8}, headers={"If-Match": read})
    assert (late.status_code, late.json()["code"]) == (412, "changedMeanwhile")
    now = (await client.get(settings)).headers["etag"]
    assert (await client.put(settings, json={"retentionDays": 8}, headers={"If-Match": now})).status_code == 200


async def test_settings_as_read_can_be_put_back(client: httpx.AsyncClient, tenant: str) -> None:
    settings = f"/tenants/{TENANT}/settings"
    wanted = {
        "schedule": {"enabled": True, "timesPerDay": 2, "startAt": "03:30"}, "retentionDays": 90,
        "options": {"organization": True}, "approvals": True, "breakGlassIds": [TENANT.upper()],
        "credentialsVault": "https://Contoso.vault.azure.net/",
    }
    assert (await client.put(settings, json=wanted)).status_code == 200
    read = (await client.get(settings)).json()
    assert read["schedule"] == wanted["schedule"]
    assert read["approvals"] == {"required": True}
    assert read["options"]["organization"] is True
    assert read["options"]["applicationProxy"] is False
    assert read["credentialsVault"] == "https://contoso.vault.azure.net"
    again = await client.put(settings, json=read)
    assert again.json() == read


async def test_a_tenant_is_not_unregistered_while_it_is_worked_on(client: httpx.AsyncClient, tenant: str) -> None:
    task_id = (await client.post(BACKUPS, json={})).json()["taskId"]
    refused = await client.delete(f"/tenants/{TENANT}")
    assert (refused.status_code, refused.json()["taskId"]) == (409, task_id)
    await client.post(f"/tasks/{task_id}/cancel")
    assert (await client.delete(f"/tenants/{TENANT}")).status_code == 204
    assert (await client.get(f"/tenants/{TENANT}")).status_code == 404
    assert (await client.delete(f"/tenants/{TENANT}")).status_code == 404


async def test_a_task_that_has_ended_cannot_be_cancelled_but_cancelling_twice_is_once(
    client: httpx.AsyncClient, tenant: str, records: Records
) -> None:
    task_id = (await client.post(BACKUPS, json={})).json()["taskId"]
    for _ in range(2):
        cancelled = await client.post(f"/tasks/{task_id}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    other = (await client.post(BACKUPS, json={})).json()["taskId"]
    await records.tasks.close(other, "succeeded", "Done.")
    refused = await client.post(f"/tasks/{other}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "taskEnded")
