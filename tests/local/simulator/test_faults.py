"""Unkindness comes when it is asked for, quotas always."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from local.simulator import Simulator
from local.simulator.faults.rules import KINDS, parse


async def fault(graph: httpx.AsyncClient, **rule: Any) -> None:
    assert (await graph.put("/simulator/faults", json=rule)).status_code == 200


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"kind": "throttle", "retryAfter": 2.128}, 429),
        ({"kind": "throttle"}, 429),
        ({"kind": "status", "status": 503, "retryAfter": 1}, 503),
        ({"kind": "status", "status": 502}, 502),
        ({"kind": "expiredToken"}, 401),
    ],
)
async def test_a_scripted_refusal_strikes_as_often_as_asked(
    graph: httpx.AsyncClient, rule: dict[str, Any], status: int
) -> None:
    await fault(graph, **rule, path="/organization", count=1)
    refused = await graph.get("/v1.0/organization")
    assert refused.status_code == status
    assert ("retry-after" in refused.headers) == ("retryAfter" in rule)
    assert (await graph.get("/v1.0/organization")).status_code == 200
    assert (await graph.get("/v1.0/domains")).status_code == 200


async def test_a_timeout_after_the_write_leaves_the_write_done(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user")).key
    await fault(graph, kind="timeoutAfterWrite", method="PATCH", count=1)
    assert (await graph.patch(f"/v1.0/users/{user}", json={"jobTitle": "Done"})).status_code == 504
    assert simulator.store.records[user].read()["jobTitle"] == "Done"


async def test_connections_are_cut_and_bodies_truncated(graph: httpx.AsyncClient) -> None:
    await fault(graph, kind="cut", path="/users", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await graph.get("/v1.0/users")
    await fault(graph, kind="truncate", path="/users", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await graph.get("/v1.0/users")
    await fault(graph, kind="notJson", path="/users", count=1)
    assert (await graph.get("/v1.0/users")).headers["content-type"] == "text/html"
    assert (await graph.get("/v1.0/users")).status_code == 200


async def test_a_new_object_stays_unknown_for_as_long_as_it_lags(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    link = (await graph.get("/v1.0/groups/delta?$deltatoken=latest&$select=displayName")).json()["@odata.deltaLink"]
    await fault(graph, kind="lag", method="POST", path="/groups$", seconds=300)
    body = {"displayName": "Late", "mailEnabled": False, "mailNickname": "late", "securityEnabled": True}
    made = (await graph.post("/v1.0/groups", json=body)).json()["id"]
    assert (await graph.get(f"/v1.0/groups/{made}")).status_code == 404
    assert made not in {each["id"] for each in (await graph.get("/v1.0/groups?$select=id")).json()["value"]}
    page = (await graph.get(link)).json()
    assert page["value"] == []
    await graph.post("/simulator/clock", json={"advanceSeconds": 301})
    assert (await graph.get(f"/v1.0/groups/{made}")).status_code == 200
    told = (await graph.get(page["@odata.deltaLink"])).json()["value"]
    assert [each["id"] for each in told] == [made]


async def test_a_stale_read_shows_the_past(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user"))
    was = user.read()["displayName"]
    await graph.patch(f"/v1.0/users/{user.key}", json={"displayName": "Now"})
    await fault(graph, kind="stale", method="GET", count=1, seconds=60)
    assert (await graph.get(f"/v1.0/users/{user.key}")).json()["displayName"] == was
    assert (await graph.get(f"/v1.0/users/{user.key}")).json()["displayName"] == "Now"


@pytest.mark.parametrize(
    "rule",
    [{"kind": "unheardOf"}, {"kind": "slow", "path": "("}, {"kind": "slow", "seconds": -1}, {"kind": "slow", "x": 1}],
)
async def test_a_wrong_rule_is_refused(graph: httpx.AsyncClient, rule: dict[str, Any]) -> None:
    assert (await graph.post("/simulator/faults", json=rule)).status_code == 400


async def test_conditional_access_has_one_request_a_second_and_no_retry_after(graph: httpx.AsyncClient) -> None:
    path = "/v1.0/identity/conditionalAccess/policies"
    assert (await graph.get(path)).status_code == 200
    refused = await graph.get(path)
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers
    await graph.post("/simulator/clock", json={"advanceSeconds": 1})
    assert (await graph.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/v1.0/users", 2), ("/v1.0/users?$select=id", 1), ("/v1.0/users?$top=5", 1),
        ("/v1.0/users?$top=5&$select=id", 1),
        ("/v1.0/groups", 1), ("/v1.0/groups?$expand=members", 2), ("/v1.0/applications", 2), ("/v1.0/contracts", 3),
        ("/v1.0/groups/{group}/members", 3), ("/v1.0/groups/{group}/transitiveMembers", 5),
    ],
)  # fmt: skip
async def test_reads_cost_the_documented_units(
    simulator: Simulator, graph: httpx.AsyncClient, path: str, units: int
) -> None:
    group = next(simulator.store.all("group")).key
    answer = await graph.get(path.format(group=group))
    assert answer.headers["x-ms-resource-unit"] == str(units)
    told = (await graph.get("/simulator/requests")).json()
    assert (told["graphRequests"], told["resourceUnits"]) == (1, units)


async def test_an_empty_unit_bucket_refuses_with_the_documented_headers_and_refills(graph: httpx.AsyncClient) -> None:
    quotas = {"readUnitsMedium": {"limit": 10, "seconds": 10}}
    await graph.post("/simulator/quotas", json={"quotas": quotas})
    headers = [(await graph.get("/v1.0/users")).headers for _ in range(5)]
    assert float(headers[-1]["x-ms-throttle-limit-percentage"]) >= 0.8
    assert "x-ms-throttle-limit-percentage" not in headers[0]
    refused = await graph.get("/v1.0/users")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert refused.headers["x-ms-throttle-scope"].startswith("Tenant_Application/Read/")
    await graph.post("/simulator/clock", json={"advanceSeconds": int(refused.headers["retry-after"])})
    assert (await graph.get("/v1.0/users")).status_code == 200


async def test_writes_have_a_quota_of_their_own(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    await graph.post("/simulator/quotas", json={"quotas": {"writesApplication": {"limit": 2, "seconds": 150}}})
    user = next(simulator.store.all("user")).key
    statuses = [(await graph.patch(f"/v1.0/users/{user}", json={"jobTitle": str(n)})).status_code for n in range(3)]
    assert statuses == [204, 204, 429]
    assert (await graph.get(f"/v1.0/users/{user}")).status_code == 200


PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


def test_every_kind_of_fault_has_an_example_that_can_be_sent() -> None:
    examples = [orjson.loads(each) for each in re.findall(r"`(\{\"kind\".*?\})` \|", PAGE.read_text("utf-8"))]
    assert {parse(each).kind for each in examples} == {*KINDS}


async def test_nothing_is_unkind_unless_it_is_asked_for(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    link = (await graph.get("/v1.0/groups/delta?$deltatoken=latest&$select=displayName,members")).json()
    body = {"displayName": "Now", "mailEnabled": False, "mailNickname": "now", "securityEnabled": True}
    made = (await graph.post("/v1.0/groups", json=body)).json()["id"]
    user = next(simulator.store.all("user")).key
    reference = {"@odata.id": f"{simulator.url}/v1.0/directoryObjects/{user}"}
    # no lag: what was made a moment ago is read, listed, linked, counted, told by delta and audited
    assert (await graph.get(f"/v1.0/groups/{made}")).status_code == 200
    assert (await graph.post(f"/v1.0/groups/{made}/members/$ref", json=reference)).status_code == 204
    listed = (await graph.get("/v1.0/groups?$select=id")).json()["value"]
    assert [each["id"] for each in listed].count(made) == 1
    told = (await graph.get(link["@odata.deltaLink"])).json()["value"]
    assert [(each["id"], [one["id"] for one in each["members@delta"]]) for each in told] == [(made, [user])]
    audits = (await graph.get("/v1.0/auditLogs/directoryAudits")).json()["value"]
    assert made in {target["id"] for each in audits for target in each["targetResources"]}
    # rules, cascades and quotas are on all the same
    assert (await graph.post(f"/v1.0/groups/{made}/members/$ref", json=reference)).status_code == 400
    assert (await graph.get("/simulator/quotas")).json()["scale"] == 1.0
    assert (await graph.get("/simulator/faults")).json() == {"rules": [], "struck": {}}


async def test_slow_pages_wait_and_hold_up_nobody_else(graph: httpx.AsyncClient) -> None:
    await fault(graph, kind="slow", path="/v1.0/users", seconds=0.4, count=1)
    began = time.monotonic()

    async def taken(path: str) -> float:
        assert (await graph.get(path)).status_code == 200
        return time.monotonic() - began

    slow, quick = await asyncio.gather(taken("/v1.0/users"), taken("/v1.0/domains"))
    assert slow >= 0.4
    assert quick < slow


async def test_pages_repeat_objects_and_lose_none(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    await fault(graph, kind="repeat", path="/v1.0/users")
    seen: list[str] = []
    link: str | None = "/v1.0/users?$top=10&$select=id"
    while link:
        page = (await graph.get(link)).json()
        seen += [each["id"] for each in page["value"]]
        link = page.get("@odata.nextLink")
    assert len(seen) > len({*seen})
    assert {*seen} == {each.key for each in simulator.store.all("user")}


@pytest.mark.parametrize("change", ["update", "create", "delete"])
@pytest.mark.parametrize("path", ["users", "oauth2PermissionGrants", "contacts", "identity/conditionalAccess/policies"])
async def test_objects_change_between_pages(
    simulator: Simulator, graph: httpx.AsyncClient, path: str, change: str
) -> None:
    simulator.tenant.throttle.set(1e6, {})
    kept = (await graph.get(f"/v1.0/{path}?$top=2")).json()
    before = simulator.store.seq
    await fault(graph, kind="change", change=change, path=f"/v1.0/{path}")
    page = (await graph.get(f"/v1.0/{path}?$top=2")).json()
    assert [each["id"] for each in page["value"]] == [each["id"] for each in kept["value"]]
    changes = [each for each in simulator.store.log if each.seq > before]
    assert {each.kind for each in changes if each.kind not in ("link", "unlink")} <= {change, "purge"}
    assert changes
    if "@odata.nextLink" in page:
        assert (await graph.get(page["@odata.nextLink"])).status_code == 200


@pytest.mark.parametrize(
    ("path", "quota"),
    [
        ("/v1.0/applications?$select=keyCredentials", "keyCredentials"),
        ("/v1.0/auditLogs/directoryAudits", "reports"),
        ("/v1.0/policies/authenticationFlowsPolicy", "identityProviders"),
    ],
)
async def test_special_buckets_are_their_own(graph: httpx.AsyncClient, path: str, quota: str) -> None:
    held = (await graph.get("/simulator/quotas")).json()["quotas"]
    name = next(each for each in held if quota.lower() in each.lower())
    await graph.post("/simulator/quotas", json={"quotas": {name: {"limit": 1, "seconds": held[name]["seconds"]}}})
    statuses = [(await graph.get(path)).status_code for _ in range(3)]
    assert statuses[0] == 200
    assert 429 in statuses
    assert (await graph.get("/v1.0/domains")).status_code == 200
