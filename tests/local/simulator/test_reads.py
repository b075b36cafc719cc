"""Reading as Graph has it: pages, selections, links, counts, batches, refusals."""

from typing import Any

import httpx
import pytest

from local.simulator import Simulator
from local.simulator.recovery import recover


async def everything(graph: httpx.AsyncClient, link: str, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while link:
        answer = await graph.get(link, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        names = list(page)
        if "@odata.nextLink" in page:
            assert names.index("@odata.nextLink") < names.index("value")
            assert page["@odata.nextLink"].startswith(str(graph.base_url).rstrip("/"))
        found += page["value"]
        link = page.get("@odata.nextLink", "")
    return found


async def test_pages_neither_skip_nor_repeat_while_objects_come_and_go(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    before = [record.key for record in simulator.store.all("user")]
    first = (await graph.get("/v1.0/users?$top=10&$select=id")).json()
    simulator.store.delete(before[3], soft=True)
    simulator.store.delete(before[40], soft=True)
    rest = await everything(graph, first["@odata.nextLink"])
    told = [each["id"] for each in first["value"] + rest]
    assert told == [key for key in before if key != before[40]]


async def test_users_and_groups_answer_a_small_set_unless_select_asks_for_more(graph: httpx.AsyncClient) -> None:
    user = (await graph.get("/v1.0/users?$top=1")).json()["value"][0]
    assert set(user) == {
        "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
        "preferredLanguage", "surname", "userPrincipalName", "id",
    }  # fmt: skip
    chosen = (await graph.get("/v1.0/users?$top=1&$select=accountEnabled,notAProperty")).json()["value"][0]
    assert set(chosen) == {"id", "accountEnabled"}
    group = (await graph.get("/v1.0/groups?$top=1")).json()["value"][0]
    assert {"displayName", "groupTypes", "membershipRule"} <= set(group)
    assert not {"assignedLicenses", "hideFromOutlookClients"} & set(group)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1.0/users?$select=aboutMe", 501),
        ("/v1.0/users?$top=0", 400),
        ("/v1.0/users?$top=1000", 400),
        ("/v1.0/users?$skip=1", 400),
        ("/v1.0/users?$count=true", 400),
        ("/v1.0/users/$count", 400),
        ("/v1.0/users?$filter=accountEnabled ne true", 400),
        ("/v1.0/users?$filter=noSuch eq 1", 400),
        ("/v1.0/users?$filter=displayName eq", 400),
        ("/v1.0/users?$filter=contains(displayName,'a')", 400),
        ('/v1.0/users?$search="displayName:a"', 400),
        ("/v1.0/users?$top=1&$top=2", 400),
        ("/v1.0/users?$skiptoken=nonsense", 400),
        ("/v1.0/users?$expand=noSuch", 400),
        ("/v1.0/users?$orderby=displayName&$filter=startswith(displayName,'a')", 400),
        ("/v1.0/users/delta?$top=5", 400),
        ("/v1.0/users/delta?$deltatoken=nonsense", 400),
        ("/v1.0/domains/delta", 400),
        ("/v1.0/policies/externalIdentitiesPolicy", 400),
        ("/v1.0/nowhere", 400),
        ("/v1.0/me", 400),
        ("/v1.0/groups/nobody", 400),
        ("/v1.0/groups/nobody/members", 400),
        ("/v1.0/directoryObjects/nobody", 400),
        ("/v1.0/groups(uniqueName='nobody')", 404),
        ("/v1.0/users/nobody@nowhere.example", 404),
        ("/v1.0/directory/deletedItems", 400),
    ],
)
async def test_what_graph_refuses_is_refused(graph: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await graph.get(path)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"]
    assert error["message"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("clause", "operands"),
    [
        ("accountEnabled eq 'true'", "'Edm.Boolean' and 'Edm.String'"),
        ("createdDateTime ge '2020-01-01T00:00:00Z'", "'Edm.DateTimeOffset' and 'Edm.String'"),
        ("displayName eq 5", "'Edm.String' and 'Edm.Int32'"),
        ("id in (5)", "'Edm.String' and 'Edm.Int32'"),
        ("id eq 62e90394-69f5-4237-9190-012177145e10", "'Edm.String' and 'Edm.Guid'"),
        ("employeeOrgData/division eq true", "'Edm.String' and 'Edm.Boolean'"),
        (
            "assignedLicenses/any(one:one/skuId eq '62e90394-69f5-4237-9190-012177145e10')",
            "'Edm.Guid' and 'Edm.String'",
        ),
    ],
)
async def test_a_filter_compares_values_of_one_type(graph: httpx.AsyncClient, clause: str, operands: str) -> None:
    answer = await graph.get("/v1.0/users", params={"$filter": clause})
    assert answer.status_code == 400
    assert f"Found operand types {operands}" in answer.json()["error"]["message"]


async def test_a_text_function_takes_texts(graph: httpx.AsyncClient) -> None:
    answer = await graph.get("/v1.0/users?$filter=startswith(accountEnabled,'t')")
    assert answer.status_code == 400
    assert "No function signature" in answer.json()["error"]["message"]


async def test_links_are_filtered_by_the_advanced_index_only(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    group, user = next(simulator.store.all("group")).key, next(simulator.store.all("user"))
    simulator.store.link(group, "members", user.key)
    query = f"/v1.0/groups/{group}/members?$filter=displayName eq '{user.read()['displayName']}'&$select=id"
    plain = await graph.get(query)
    assert (plain.status_code, plain.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")
    found = await everything(graph, f"{query}&$count=true", ConsistencyLevel="eventual")
    assert user.key in [each["id"] for each in found]


async def test_get_by_ids_takes_guids_only(graph: httpx.AsyncClient) -> None:
    answer = await graph.post("/v1.0/directoryObjects/getByIds", json={"ids": ["nobody@nowhere.example"]})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid GUID specified.")


async def test_expand_stops_at_twenty_and_v1_hides_service_principals_among_members(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    store = simulator.store
    group = next(store.all("group")).key
    for user in [record.key for record in store.all("user")][:30]:
        store.link(group, "members", user)
    principal = next(store.all("servicePrincipal")).key
    store.link(group, "members", principal)
    expanded = (await graph.get(f"/v1.0/groups/{group}?$expand=members($select=id)")).json()
    assert len(expanded["members"]) == 20
    assert "members@odata.nextLink" not in expanded
    v1 = await everything(graph, f"/v1.0/groups/{group}/members?$top=7&$select=id")
    beta = await everything(graph, f"/beta/groups/{group}/members?$select=id")
    assert {each["id"] for each in beta} - {each["id"] for each in v1} == {principal}
    told = await everything(graph, f"/v1.0/groups/{group}/members/microsoft.graph.servicePrincipal?$select=id")
    assert [each["id"] for each in told] == [principal]


async def test_advanced_queries_need_the_eventual_index(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    eventual = {"ConsistencyLevel": "eventual"}
    answer = await graph.get("/v1.0/users?$filter=accountEnabled ne true&$count=true", headers=eventual)
    disabled = [r.key for r in simulator.store.all("user") if not r.read().get("accountEnabled")]
    assert answer.json()["@odata.count"] == len(disabled)
    assert (await graph.get("/v1.0/users/$count", headers=eventual)).text == str(simulator.store.table("user").live)


async def test_a_batch_answers_each_entry_on_its_own(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    requests = [
        {"id": "a", "method": "GET", "url": "/users?$top=1"},
        {"id": "b", "method": "GET", "url": "/users/none@x.example", "dependsOn": ["a"]},
        {"id": "c", "method": "GET", "url": "/organization", "dependsOn": ["b"]},
    ]
    answers = (await graph.post("/v1.0/$batch", json={"requests": requests})).json()["responses"]
    assert {each["id"]: each["status"] for each in answers} == {"a": 200, "b": 404, "c": 424}
    assert all("x-ms-resource-unit" in {n.lower() for n in each["headers"]} for each in answers if each["id"] != "c")
    many = [{"id": str(n), "method": "GET", "url": "/organization"} for n in range(21)]
    assert (await graph.post("/v1.0/$batch", json={"requests": many})).status_code == 400
    nested = [{"id": "1", "method": "POST", "url": "/$batch", "headers": {"Content-Type": "application/json"},
               "body": {"requests": []}}]  # fmt: skip
    inner = (await graph.post("/v1.0/$batch", json={"requests": nested})).json()["responses"][0]
    assert inner["status"] == 400


async def test_a_delta_token_dies_after_seven_days_and_a_reset_points_to_a_new_start(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    link = (await graph.get("/v1.0/users/delta?$deltatoken=latest&$select=displayName")).json()["@odata.deltaLink"]
    assert (await graph.get(link)).json()["value"] == []
    await graph.post("/simulator/deltaReset", json={})
    reset = await graph.get(link)
    assert reset.status_code == 410
    assert reset.headers["location"].endswith("/v1.0/users/delta?$deltatoken=")
    again = (await graph.get("/v1.0/users/delta?$deltatoken=latest")).json()["@odata.deltaLink"]
    await graph.post("/simulator/clock", json={"advanceSeconds": 7 * 86400})
    renewed = simulator.app.issuer.app_token(
        simulator.store.find("servicePrincipal", "appId", simulator.client_id)[0], "graph"
    )
    expired = await graph.get(again, headers={"authorization": f"Bearer {renewed}"})
    assert expired.status_code == 400
    assert expired.json()["error"]["code"] == "syncStateNotFound"


async def test_a_native_recovery_changes_objects_without_a_delta_record(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    user = next(simulator.store.all("user"))
    was = user.read()["displayName"]
    await graph.patch(f"/v1.0/users/{user.key}", json={"displayName": "Changed"})
    link = (await graph.get("/v1.0/users/delta?$deltatoken=latest&$select=displayName")).json()["@odata.deltaLink"]
    job = (await graph.post("/simulator/recovery", json={"secondsAgo": 3600})).json()
    assert job["totalObjectsModified"] == 1
    assert (await graph.get(f"/v1.0/users/{user.key}")).json()["displayName"] == was
    assert (await graph.get(link)).json()["value"] == []
    assert [each["id"] for each in await everything(graph, "/v1.0/directory/recovery/jobs")] == [job["id"]]
    assert len(await everything(graph, "/v1.0/directory/recovery/snapshots")) == 5


async def test_the_audit_log_names_who_changed_what(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user")).key
    await graph.patch(f"/v1.0/users/{user}", json={"jobTitle": "Auditor"})
    found = await everything(graph, f"/v1.0/auditLogs/directoryAudits?$filter=targetResources/any(t:t/id eq '{user}')")
    assert [each["activityDisplayName"] for each in found] == ["Update user"]
    assert found[0]["initiatedBy"]["app"]["appId"] == simulator.client_id
    changed = found[0]["targetResources"][0]["modifiedProperties"]
    assert {"displayName": "JobTitle", "newValue": '"Auditor"'}.items() <= changed[0].items()


async def test_the_tenant_survives_save_and_load_with_its_delta_tokens(
    simulator: Simulator, graph: httpx.AsyncClient, tmp_path: Any
) -> None:
    link = (await graph.get("/v1.0/users/delta?$deltatoken=latest&$select=jobTitle")).json()["@odata.deltaLink"]
    user = next(simulator.store.all("user")).key
    await graph.patch(f"/v1.0/users/{user}", json={"jobTitle": "Kept"})
    before = (await graph.get("/simulator/state")).json()
    file = {"file": str(tmp_path / "tenant.json")}
    assert (await graph.post("/simulator/save", json=file)).status_code == 204
    await graph.delete(f"/v1.0/users/{user}")
    assert (await graph.post("/simulator/load", json=file)).status_code == 204
    assert (await graph.get("/simulator/state")).json() == before
    assert (await graph.get(link)).json()["value"] == [{"id": user, "jobTitle": "Kept"}]


async def test_a_large_group_goes_on_over_the_next_pages_of_delta(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    store = simulator.store
    group = next(store.all("group")).key
    for number in range(1200):
        key = f"{number:08x}-1111-4111-8111-111111111111"
        store.create("user", {"id": key, "displayName": str(number), "userPrincipalName": f"x{number}@x.example"})
        store.link(group, "members", key)
    link, pages, members = "/v1.0/groups/delta?$select=members", 0, set()
    while link:
        page = (await graph.get(link)).json()
        told = [each for each in page["value"] if each["id"] == group]
        pages += bool(told)
        members |= {one["id"] for each in told for one in each.get("members@delta", ())}
        link = page.get("@odata.nextLink", "")
    assert pages >= 3
    assert members == set(store.link_set("members").targets(group))


async def test_minimal_delta_tells_only_what_changed(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user")).key
    path = "/v1.0/users/delta?$deltatoken=latest&$select=displayName,jobTitle,department,manager"
    link = (await graph.get(path)).json()["@odata.deltaLink"]
    await graph.patch(f"/v1.0/users/{user}", json={"jobTitle": None})
    whole = (await graph.get(link)).json()["value"]
    assert set(whole[0]) == {"id", "displayName", "jobTitle", "department"}
    minimal = (await graph.get(link, headers={"Prefer": "return=minimal"})).json()["value"]
    assert minimal == [{"id": user, "jobTitle": None}]
    await graph.patch(f"/v1.0/users/{user}", json={"city": "Bonn"})
    assert (await graph.get(link, headers={"Prefer": "return=minimal"})).json()["value"] == minimal


async def test_a_reset_location_starts_a_full_round(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    page = (await graph.get("/v1.0/groups/delta?$deltatoken=")).json()
    assert {each["id"] for each in page["value"]} == {record.key for record in simulator.store.all("group")}


async def test_a_kept_page_goes_out_compressed_only_to_those_who_ask(graph: httpx.AsyncClient) -> None:
    plain = {"accept-encoding": "identity"}
    answers = [await graph.get("/v1.0/users", headers=each) for each in ({}, {}, plain, {}, plain)]
    assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", "gzip", None, "gzip", None]
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["request-id"] for answer in answers}) == len(answers)


async def test_a_kept_page_is_told_anew_after_a_change(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    first = (await graph.get("/v1.0/users")).json()["value"][0]
    await graph.patch(f"/v1.0/users/{first['id']}", json={"jobTitle": "Fresh"})
    assert (await graph.get("/v1.0/users")).json()["value"][0]["jobTitle"] == "Fresh"


async def test_a_preview_tells_what_a_recovery_would_do_and_does_nothing(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    store = simulator.store
    changed, dropped, purged = [record.key for record in store.all("user")][:3]
    await graph.patch(f"/v1.0/users/{changed}", json={"displayName": "Changed"})
    await graph.delete(f"/v1.0/users/{dropped}")
    await graph.delete(f"/v1.0/users/{purged}")
    await graph.delete(f"/v1.0/directory/deletedItems/{purged}")
    before = (await graph.get("/simulator/state")).json()
    snapshot = (await graph.get("/v1.0/directory/recovery/snapshots")).json()["value"][-1]["id"]
    path = f"/v1.0/directory/recovery/snapshots/{snapshot}/recoveryPreviewJobs"
    assert (await graph.post(path, json={})).status_code == 403  # no application starts a job
    job = recover(simulator.tenant, simulator.tenant.clock.now() - 60, preview=True)
    after = (await graph.get("/simulator/state")).json()
    assert (after["objects"]["user"], after["deleted"]) == (before["objects"]["user"], before["deleted"])
    told = (await graph.get(f"/v1.0/directory/recovery/jobs/{job['id']}/getChanges()")).json()["value"]
    assert {each["id"]: each["recoveryAction"] for each in told} == {changed: "update", dropped: "restore"}
    failed = (await graph.get(f"/v1.0/directory/recovery/jobs/{job['id']}/getFailedChanges()")).json()["value"]
    assert [each["id"] for each in failed] == [purged]
