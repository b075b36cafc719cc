"""What time does by itself, and what a replica answers that has not caught up."""

from datetime import UTC, datetime

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.control import state

VARYING = ("request-id", "client-request-id")
SOFTLY_ASSIGNED = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests"


@pytest.fixture(autouse=True)
def unlimited(simulator: Simulator) -> None:
    simulator.tenant.throttle.set(1e6, {})


def unordered(said: object) -> object:
    """The same with lists in an order of their own, since links that come back come last."""
    if isinstance(said, dict):
        return {name: unordered(value) for name, value in said.items() if name not in ("date", *VARYING)}
    return sorted((unordered(each) for each in said), key=str) if isinstance(said, list) else said


async def test_a_stale_read_shows_objects_and_links_as_they_were(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    store = simulator.store
    group = next(each for each in store.all("group") if len(list(store.link_set("members").targets(each.key))) > 1
                 and not each.read().get("groupTypes") and not each.read().get("onPremisesSyncEnabled")
                 and not each.read().get("isAssignableToRole")
                 and each.read().get("securityEnabled") and not each.read().get("mailEnabled"))  # fmt: skip
    at = f"/v1.0/groups/{group.key}"
    left = (await graph.get(f"{at}/members")).json()["value"][0]["id"]
    users = [each.key for each in store.all("user") if not store.link_set("members").has(group.key, each.key)]
    joined, dropped, edited = [each for each in users if not store.find("unifiedRoleAssignment", "principalId", each)
                               and not {"@odata.type", "onPremisesSyncEnabled"} & set(store.records[each].read())
                               ][5:8]  # fmt: skip
    paths = (f"{at}/members", "/v1.0/users?$select=id,city", f"{at}?$expand=members", "/v1.0/groups/delta",
             "/v1.0/directory/deletedItems/microsoft.graph.user", f"/v1.0/users/{dropped}",
             f"/v1.0/users/{left}/memberOf")  # fmt: skip

    async def told() -> list[object]:
        answers = [(await graph.get(path)).json() for path in paths]
        return [unordered(each.get("value", each)) for each in answers]

    before = await told()
    simulator.tenant.clock.move(60)
    reference = {"@odata.id": f"{simulator.url}/v1.0/directoryObjects/{joined}"}
    added = await graph.post(f"{at}/members/$ref", json=reference)
    assert added.status_code == 204, added.text
    assert (await graph.delete(f"{at}/members/{left}/$ref")).status_code == 204
    assert (await graph.delete(f"/v1.0/users/{dropped}")).status_code == 204
    assert (await graph.patch(f"/v1.0/users/{edited}", json={"city": "Elsewhere"})).status_code == 204
    now, truth = await told(), state(simulator.app)
    assert now != before
    await graph.post("/simulator/faults", json={"kind": "stale", "seconds": 30, "method": "GET", "path": "/v1.0"})
    assert await told() == before
    await graph.delete("/simulator/faults")
    assert await told() == now
    assert state(simulator.app) == truth


async def test_a_recovery_runs_a_while_and_keeps_others_away(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    store = simulator.store
    group = next(each for each in store.all("group") if list(store.link_set("members").targets(each.key))
                 and not each.read().get("groupTypes") and not each.read().get("onPremisesSyncEnabled"))  # fmt: skip
    member = next(iter(store.link_set("members").targets(group.key)))
    simulator.tenant.clock.move(1000)
    store.unlink(group.key, "members", member)
    said = {"secondsAgo": 500, "runsSeconds": 120}
    job = (await graph.post("/simulator/recovery", json=said)).json()
    assert (job["status"], job["totalLinksModified"]) == ("running", 1)
    assert store.link_set("members").has(group.key, member)
    assert not any(change.in_delta for change in store.log if change.kind == "link")
    at = f"/v1.0/directory/recovery/jobs/{job['id']}"
    assert (await graph.get(at)).json()["status"] == "running"
    assert (await graph.post("/simulator/recovery", json=said)).status_code == 409
    await graph.post("/simulator/clock", json={"advanceSeconds": 121})
    assert (await graph.get(at)).json()["status"] == "successful"
    assert (await graph.post("/simulator/recovery", json={"secondsAgo": 10})).status_code == 200


async def test_a_schedule_begins_and_ends_with_the_clock(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    store, clock = simulator.store, simulator.tenant.clock
    user = next(each for each in store.all("user") if not store.find("unifiedRoleAssignment", "principalId", each.key))
    reader = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"  # Directory Readers

    def moment(hours: float) -> str:
        return datetime.fromtimestamp(clock.now() + hours * 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    asked = await graph.post(SOFTLY_ASSIGNED, json={
        "action": "adminAssign", "principalId": user.key, "roleDefinitionId": reader, "directoryScopeId": "/",
        "justification": "cover", "scheduleInfo": {"startDateTime": moment(0.2), "expiration": {
            "type": "afterDateTime", "endDateTime": moment(0.6)}}})  # fmt: skip
    assert asked.status_code == 201, asked.text
    mine = f"?$filter=principalId eq '{user.key}'"

    async def count(kind: str) -> int:
        return len((await graph.get(f"/v1.0/roleManagement/directory/{kind}{mine}")).json()["value"])

    kinds = ("roleAssignmentSchedules", "roleAssignmentScheduleInstances", "roleAssignments")
    assert [await count(kind) for kind in kinds] == [1, 0, 0]
    await graph.post("/simulator/clock", json={"advanceSeconds": 730})
    assert [await count(kind) for kind in kinds] == [1, 1, 1]
    await graph.post("/simulator/clock", json={"advanceSeconds": 1500})
    assert [await count(kind) for kind in kinds] == [0, 0, 0]


async def test_applications_for_personal_accounts_are_written_sixty_times_a_minute(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    simulator.tenant.throttle.set(1.0, {})
    body = {"displayName": "Personal", "signInAudience": "AzureADandPersonalMicrosoftAccount"}
    made = await graph.post("/v1.0/applications", json=body)
    assert made.status_code == 201, made.text
    at = f"/v1.0/applications/{made.json()['id']}"
    statuses = [(await graph.patch(at, json={"notes": str(number)})).status_code for number in range(65)]
    assert statuses.count(429) >= 1
    assert set(statuses) == {204, 429}
    await graph.post("/simulator/clock", json={"advanceSeconds": 60})
    assert (await graph.patch(at, json={"notes": "later"})).status_code == 204
