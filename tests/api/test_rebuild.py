"""POST /rebuild: for who manages the whole deployment, one at a time."""

from shared.audit.entry import DEPLOYMENT

TENANT = "11111111-1111-4111-8111-111111111111"


async def test_it_starts_one_task_that_belongs_to_no_tenant(client, durable):
    answer = await client.post("/rebuild", json={"tenantIds": [TENANT]})
    assert answer.status_code == 202
    task = answer.json()
    assert (task["type"], task["tenantId"], task["status"]) == ("rebuild", DEPLOYMENT, "queued")
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['taskId']}"
    ((orchestrator, message, instance),) = durable.scheduled
    assert (orchestrator, instance) == ("rebuild_records", task["taskId"])
    assert message["tenantIds"] == [TENANT]
    again = await client.post("/rebuild")
    assert (again.status_code, again.json()["taskId"]) == (409, task["taskId"])


async def test_who_manages_some_tenants_only_may_not_rebuild(anonymous, mint, durable):
    headers = {"Authorization": f"Bearer {mint(tenants=[TENANT])}"}
    answer = await anonymous.post("/rebuild", headers=headers, json={})
    assert answer.status_code == 403
    assert durable.scheduled == []


async def test_an_operator_may_not_rebuild(anonymous, mint):
    answer = await anonymous.post("/rebuild", headers={"Authorization": f"Bearer {mint(roles=['Operator'])}"})
    assert answer.status_code == 403


async def test_what_is_no_tenant_is_refused(client):
    answer = await client.post("/rebuild", json={"tenantIds": ["../../x"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("tenantIds")
