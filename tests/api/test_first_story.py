"""The first story over HTTP: register, set, back up, watch, cancel."""

import httpx

from shared.deployment import Records
from tests.api.conftest import TENANT, FakeDurable


async def test_health_needs_no_token_and_everything_else_does(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/health")).json() == {"status": "healthy"}
    refused = await anonymous.get("/tenants")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_tenant_is_registered_backed_up_and_its_task_cancelled(
    client: httpx.AsyncClient, durable: FakeDurable, records: Records
) -> None:
    made = await client.post("/tenants", json={"tenantId": TENANT, "displayName": "Contoso"})
    assert made.status_code == 201, made.text
    assert made.json()["cloud"] == "global"
    again = await client.post("/tenants", json={"tenantId": TENANT})
    assert (again.status_code, again.json()["code"]) == (409, "duplicateTenant")

    put = await client.put(
        f"/tenants/{TENANT}/settings", json={"schedule": {"enabled": True, "timesPerDay": 4}, "retentionDays": 30}
    )
    assert put.status_code == 200, put.text
    assert put.json()["schedule"] == {"enabled": True, "timesPerDay": 4, "startAt": None}

    started = await client.post(f"/tenants/{TENANT}/backups", json={"kind": "full"})
    assert started.status_code == 202, started.text
    task_id = started.json()["taskId"]
    assert started.headers["location"] == f"/api/v1/tasks/{task_id}"
    assert durable.scheduled[0][0] == "back_up_tenant"
    assert durable.scheduled[0][2] == task_id
    assert durable.scheduled[0][1]["tenantId"] == TENANT

    second = await client.post(f"/tenants/{TENANT}/backups", json={})
    assert (second.status_code, second.json()["taskId"]) == (409, task_id)

    await records.tasks.start(task_id)
    await records.tasks.progress(task_id, "user", done=3, total=10)
    running = (await client.get(f"/tasks/{task_id}")).json()
    assert running["status"] == "running"
    assert running["progress"]["done"] == 3
    listed = (await client.get("/tasks", params={"status": "running", "tenant": TENANT})).json()["value"]
    assert [task["taskId"] for task in listed] == [task_id]

    cancelled = await client.post(f"/tasks/{task_id}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    events = (await client.get("/events", params={"task": task_id})).json()["value"]
    assert [event["code"] for event in events] == ["taskCancelled"]
    assert (await client.post(f"/tenants/{TENANT}/backups")).status_code == 202
