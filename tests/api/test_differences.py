"""Difference reports over HTTP: started, listed, filtered, searched, refreshed, cancelled."""

import time
from typing import Any

import httpx
import pytest
from durabletask.client import OrchestrationStatus

from api.services import Services
from shared.deployment import Records
from shared.differences.segments import ChangeWriter, report_prefix, store_list
from shared.recovery.difference import CHANGE_TYPES, Change
from tests.api.conftest import OTHER, TENANT, FakeDurable, Mint

REPORTS = f"/tenants/{TENANT}/differences"
CHANGES = (
    Change("softDeleted", "group", "g", object_name="Sales", restorable=True, operations=("Bring it back.",)),
    Change("linkRemoved", "group", "g", object_name="Sales", link="members", target_id="u", target_name="Ann",
           noise="linksOfDeletedObjects", caused_by=Change("softDeleted", "group", "g").change_id),
    Change("linkAdded", "directoryRole", "r", object_name="Global Administrator", link="members", target_id="u",
           target_name="Ann"),
    Change("changed", "user", "u", object_name="Ann", attribute="department", old_value="Sales", new_value="=Sum",
           changed_by="admin@contoso.example"),
    Change("changed", "user", "u", object_name="Ann", attribute="city", old_value="Bern", new_value="Basel"),
)


def point(backup_id: str) -> Any:
    return {
        "backupId": backup_id, "tenantId": TENANT, "kind": "full", "status": "packed", "outcome": "complete",
        "started": f"2026-11-2{backup_id[-1]}T08:00:00.000Z", "finished": "2026-11-21T08:01:00.000Z",
        "durationSeconds": 60.0, "sizeBytes": 1, "counts": {}, "coverage": {}, "expires": "2030-01-01T00:00:00.000Z",
        "requests": 1, "resourceUnits": 1,
    }


@pytest.fixture
async def points(records: Records, tenant: str) -> None:
    for backup_id in ("00000001", "00000002"):
        await records.restore_points.upsert(point(backup_id))


@pytest.fixture
async def report(client: httpx.AsyncClient, records: Records, services: Services, points: None) -> str:
    started = await client.post(REPORTS, json={"backupId": "latest"})
    report_id: str = started.json()["result"]["reportId"]
    workspace = (await services.deployment()).workspace
    writer = ChangeWriter(workspace, report_prefix(TENANT, report_id))
    await writer.put(CHANGES)
    await records.tasks.close(started.json()["taskId"], "succeeded", "Done.")
    prefix = report_prefix(TENANT, report_id)
    await records.reports.set(
        TENANT, report_id, status="succeeded", found=await store_list(workspace, prefix, await writer.finish()), total=4,
        counts=dict.fromkeys(CHANGE_TYPES, 0),
    )
    return report_id


async def listed(client: httpx.AsyncClient, report: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{REPORTS}/{report}/changes", params=query)
    assert answer.status_code == 200, answer.text
    value: list[dict[str, Any]] = answer.json()["value"]
    return value


@pytest.mark.parametrize("field", ["backupId", "against"])
async def test_a_restore_point_that_is_not_there_is_told_before_what_is_wrong_of_the_rest(
    client: httpx.AsyncClient, points: None, durable: FakeDurable, field: str
) -> None:
    body = {"backupId": "latest", field: "00000009", "types": ["nothing"], "noise": {"none": True}}
    answer = await client.post(REPORTS, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, field)
    known = await client.post(REPORTS, json={**body, field: "00000001"})
    assert (known.status_code, known.json()["errors"][0]["field"]) == (422, "types")
    assert not durable.scheduled


async def test_a_report_is_started_with_its_id_and_shown_at_once(
    client: httpx.AsyncClient, points: None, durable: FakeDurable
) -> None:
    answer = await client.post(REPORTS, json={"backupId": "latest", "against": "00000001", "types": ["user", "group"]})
    assert answer.status_code == 202
    task = answer.json()
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['taskId']}"
    assert task["type"] == "differences"
    assert durable.scheduled[0][0] == "report_differences"
    shown = (await client.get(f"{REPORTS}/{task['result']['reportId']}")).json()
    assert (shown["backupId"], shown["against"], shown["status"]) == ("00000002", "00000001", "queued")
    assert shown["types"] == ["group", "user"]
    assert shown["origin"] == "request"
    assert not {"found", "foundBefore", "scope"} & shown.keys()


async def test_many_reports_run_at_once(client: httpx.AsyncClient, points: None) -> None:
    answers = [await client.post(REPORTS, json={"backupId": "latest"}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["taskId"] for answer in answers}) == 5
    assert len((await client.get(REPORTS)).json()["value"]) == 5


@pytest.mark.parametrize(("body", "field"), [
    ({}, "backupId"), ({"backupId": "latest", "types": ["nonsense"]}, "types"),
    ({"backupId": "latest", "types": []}, "types"), ({"backupId": "latest", "objectIds": []}, "objectIds"),
    ({"backupId": "latest", "objectIds": ["x"] * 10_001}, "objectIds"),
    ({"backupId": "latest", "noise": {"nonsense": False}}, "noise.nonsense"),
    ({"backupId": "latest", "against": "latest"}, "against"), ({"backupId": "latest", "more": 1}, "more"),
])
async def test_what_makes_no_sense_is_refused_by_name(
    client: httpx.AsyncClient, points: None, body: dict[str, Any], field: str, durable: FakeDurable
) -> None:
    answer = await client.post(REPORTS, json=body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert not durable.scheduled


@pytest.mark.parametrize("path", ["changes", "changes.csv"])
async def test_changes_of_a_type_that_there_is_not_are_refused(
    client: httpx.AsyncClient, report: str, path: str
) -> None:
    answer = await client.get(f"{REPORTS}/{report}/{path}", params={"type": "nonsense"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "type")


@pytest.mark.parametrize("body", [{"backupId": "00000009"}, {"backupId": "latest", "against": "00000009"}])
async def test_a_restore_point_that_is_not_there_is_404(
    client: httpx.AsyncClient, points: None, body: dict[str, Any]
) -> None:
    assert (await client.post(REPORTS, json=body)).status_code == 404


async def test_two_ways_to_say_one_restore_point_are_no_comparison(client: httpx.AsyncClient, points: None) -> None:
    answer = await client.post(REPORTS, json={"backupId": "latest", "against": "00000002"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "against")


async def test_changes_that_follow_from_others_are_listed_where_they_are_asked_for(
    client: httpx.AsyncClient, report: str
) -> None:
    assert len(await listed(client, report)) == 4
    (aside,) = await listed(client, report, collapsed="true")
    assert len(await listed(client, report, collapsed="any")) == 5
    assert await listed(client, report, causedBy=aside["causedBy"]) == [aside]


@pytest.mark.parametrize(("query", "count"), [
    ({"changeType": "changed"}, 2), ({"type": "group"}, 1), ({"attribute": "city"}, 1), ({"attribute": "members"}, 1),
    ({"restorable": "true"}, 1), ({"q": "Ann"}, 3), ({"q": "oldValue:Bern"}, 1), ({"q": "changedAttribute:link*"}, 1),
    ({"q": 'changeType:"Object soft deleted"'}, 1), ({"q": 'objectName:"Company Administrator"'}, 1),
    ({"q": 'objectName:"Global Administrator"'}, 1), ({"q": "nothing"}, 0), ({"q": "objectType:User AND city"}, 1),
])
async def test_changes_are_filtered_and_searched(
    client: httpx.AsyncClient, report: str, query: dict[str, Any], count: int
) -> None:
    assert len(await listed(client, report, **query)) == count


async def test_pages_follow_one_another_in_every_order(client: httpx.AsyncClient, report: str) -> None:
    for order in ("objectType asc", "objectName desc", "changeType asc", "changedBy desc"):
        whole = [one["changeId"] for one in await listed(client, report, orderBy=order)]
        answer = (await client.get(f"{REPORTS}/{report}/changes", params={"orderBy": order, "top": 1})).json()
        seen = [one["changeId"] for one in answer["value"]]
        while "nextLink" in answer:
            answer = (await client.get(answer["nextLink"])).json()
            seen += [one["changeId"] for one in answer["value"]]
        assert seen == whole


@pytest.mark.parametrize("query", [{"changeType": "gone"}, {"collapsed": "perhaps"}, {"top": "0"}, {"orderBy": "x"}])
async def test_a_wrong_filter_is_refused(client: httpx.AsyncClient, report: str, query: dict[str, Any]) -> None:
    assert (await client.get(f"{REPORTS}/{report}/changes", params=query)).status_code == 422


@pytest.mark.parametrize("path", ["changes", "changes.csv"])
async def test_a_wrong_search_is_400_with_the_position(client: httpx.AsyncClient, report: str, path: str) -> None:
    answer = await client.get(f"{REPORTS}/{report}/{path}", params={"q": 'name:"open'})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrongQuery")
    assert "position" in answer.json()


async def test_the_csv_has_what_the_list_has_and_no_formulas(client: httpx.AsyncClient, report: str) -> None:
    answer = await client.get(f"{REPORTS}/{report}/changes.csv")
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    assert len(lines) == 5
    assert ",'=Sum," in answer.text


async def test_a_long_csv_becomes_a_task(
    client: httpx.AsyncClient, report: str, monkeypatch: pytest.MonkeyPatch, durable: FakeDurable
) -> None:
    monkeypatch.setattr("api.differences.MOST_ROWS", 3)
    answer = await client.get(f"{REPORTS}/{report}/changes.csv")
    assert (answer.status_code, answer.json()["type"]) == (202, "export")
    assert durable.scheduled[-1][0] == "export_changes"


async def test_a_refresh_keeps_the_report_and_what_it_says(
    client: httpx.AsyncClient, report: str, durable: FakeDurable
) -> None:
    answer = await client.post(f"{REPORTS}/{report}/refresh")
    assert answer.status_code == 202
    assert answer.json()["result"]["reportId"] == report
    assert answer.json()["taskId"] != report
    shown = (await client.get(f"{REPORTS}/{report}")).json()
    assert (shown["status"], shown["total"]) == ("queued", 4)
    assert len(await listed(client, report)) == 4
    again = await client.post(f"{REPORTS}/{report}/refresh")
    assert again.json()["taskId"] == answer.json()["taskId"]


async def test_a_report_that_runs_is_cancelled_and_one_that_ended_is_not(
    client: httpx.AsyncClient, report: str, durable: FakeDurable
) -> None:
    assert (await client.post(f"{REPORTS}/{report}/cancel")).status_code == 409
    task = (await client.post(f"{REPORTS}/{report}/refresh")).json()
    for _ in range(2):
        answer = await client.post(f"{REPORTS}/{report}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert durable.states[task["taskId"]] is OrchestrationStatus.TERMINATED
    assert (await client.get(f"/tasks/{task['taskId']}")).json()["status"] == "cancelled"


async def test_a_report_whose_task_was_cancelled_says_so(client: httpx.AsyncClient, points: None) -> None:
    task = (await client.post(REPORTS, json={"backupId": "latest"})).json()
    await client.post(f"/tasks/{task['taskId']}/cancel")
    assert (await client.get(f"{REPORTS}/{task['result']['reportId']}")).json()["status"] == "cancelled"


@pytest.mark.parametrize("path", ["", "/changes", "/changes.csv", "/refresh", "/cancel"])
async def test_another_tenants_report_is_not_there(
    client: httpx.AsyncClient, records: Records, report: str, path: str
) -> None:
    await records.tenants.register(
        tenant_id=OTHER, display_name="Other", cloud="global", kind="workforce", created_by="test"
    )
    method = client.post if path in ("/refresh", "/cancel") else client.get
    assert (await method(f"/tenants/{OTHER}/differences/{report}{path}")).status_code == 404


async def test_a_reader_reads_and_starts_nothing(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, report: str, mint: Mint
) -> None:
    headers = {"Authorization": f"Bearer {mint(roles=['Reader'])}"}
    assert (await anonymous.get(f"{REPORTS}/{report}/changes", headers=headers)).status_code == 200
    for path in (REPORTS, f"{REPORTS}/{report}/refresh", f"{REPORTS}/{report}/cancel"):
        assert (await anonymous.post(path, headers=headers, json={})).status_code == 403
    assert (await anonymous.get(f"{REPORTS}/{report}/changes.csv", headers=headers)).status_code == 403


async def test_a_report_that_was_never_made_lists_nothing_rather_than_an_empty_list(
    client: httpx.AsyncClient, points: None
) -> None:
    task = (await client.post(REPORTS, json={"backupId": "latest"})).json()
    for path in ("changes", "changes.csv"):
        answer = await client.get(f"{REPORTS}/{task['result']['reportId']}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "reportNotReady")
        assert answer.json()["taskId"] == task["taskId"]


async def makes_anew(services: Services, report_id: str, changes: tuple[Change, ...]) -> None:
    """What a refresh does at its end."""
    opened = await services.deployment()
    writer = ChangeWriter(opened.workspace, report_prefix(TENANT, report_id))
    await writer.put(changes)
    made = await opened.records.reports.get(TENANT, report_id)
    found = await store_list(opened.workspace, report_prefix(TENANT, report_id), await writer.finish())
    await opened.records.reports.set(TENANT, report_id, found=found, foundBefore=made["found"])


@pytest.mark.parametrize("order", ["", "objectName desc"])
async def test_pages_stay_on_the_generation_they_were_begun_on_and_say_when_that_is_gone(
    client: httpx.AsyncClient, services: Services, report: str, order: str
) -> None:
    query: dict[str, Any] = {"top": 1, **({"orderBy": order} if order else {})}
    whole = [one["changeId"] for one in await listed(client, report, **{**query, "top": 100})]
    first = (await client.get(f"{REPORTS}/{report}/changes", params=query)).json()
    await makes_anew(services, report, CHANGES[4:])
    seen, answer = [one["changeId"] for one in first["value"]], first
    while "nextLink" in answer:
        answer = (await client.get(answer["nextLink"])).json()
        seen += [one["changeId"] for one in answer["value"]]
    assert seen == whole
    assert len(await listed(client, report)) == 1
    await makes_anew(services, report, CHANGES[3:])
    gone = await client.get(first["nextLink"])
    assert (gone.status_code, gone.json()["code"]) == (410, "reportRefreshed")
    assert gone.json()["remedy"]


READERS = {
    "without the permission": {"roles": ["Reader"]},
    "signed in too long ago": {"auth_time": int(time.time()) - 8 * 86_400},
    "whose sign-in is unknown": {"auth_time": None},
}


@pytest.mark.parametrize("who", READERS)
async def test_values_of_people_are_masked_from_those_who_may_not_see_them(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, report: str, mint: Mint, who: str
) -> None:
    headers = {"Authorization": f"Bearer {mint(**READERS[who])}"}
    answer = (await anonymous.get(f"{REPORTS}/{report}/changes", headers=headers)).json()
    people = [one for one in answer["value"] if one["objectType"] == "user"]
    assert {one["attribute"] for one in people} == {"department", "city"}
    assert all(one["masked"] and one["oldValue"] is None and one["newValue"] is None for one in people)
    assert not [one for one in answer["value"] if one["masked"] and one not in people]
    assert "people" in answer["masked"]
    for q in ("oldValue:Bern", "newValue:Bas*", "Basel"):  # a search may not tell what the list does not show
        found = await anonymous.get(f"{REPORTS}/{report}/changes", headers=headers, params={"q": q})
        assert found.json()["value"] == []
    if "roles" not in READERS[who]:
        csv = await anonymous.get(f"{REPORTS}/{report}/changes.csv", headers=headers)
        assert "department" in csv.text
        assert "Basel" not in csv.text
    shown = (await client.get(f"{REPORTS}/{report}/changes")).json()
    assert "masked" not in shown
    assert {one["newValue"] for one in shown["value"] if one["objectType"] == "user"} == {"=Sum", "Basel"}


async def test_seeing_values_of_people_is_recorded(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, report: str, mint: Mint
) -> None:
    headers = {"Authorization": f"Bearer {mint(roles=['Reader'])}"}
    await anonymous.get(f"{REPORTS}/{report}/changes", headers=headers)
    before = await reads(client)
    await client.get(f"{REPORTS}/{report}/changes", params={"type": "group"})
    assert await reads(client) == before == []
    await client.get(f"{REPORTS}/{report}/changes")
    (entry,) = await reads(client)
    assert entry["details"] == {"userAttributes": 2}


async def reads(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    trail = (await client.get("/audit", params={"tenant": TENANT})).json()["value"]
    return [entry for entry in trail if entry["action"] == "listChanges"]


async def test_a_download_with_values_of_people_asks_for_what_the_list_asks_for(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, records: Records, report: str, mint: Mint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.differences.MOST_ROWS", 3)
    stale = {"Authorization": f"Bearer {mint(auth_time=int(time.time()) - 8 * 86_400)}"}
    shown = (await client.get(f"{REPORTS}/{report}/changes.csv")).json()["taskId"]
    masked = (await anonymous.get(f"{REPORTS}/{report}/changes.csv", headers=stale)).json()["taskId"]
    for task_id in (shown, masked):
        await records.tasks.close(task_id, "succeeded", "Done.")
    refused = await anonymous.get(f"/tasks/{shown}/download", headers=stale)
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    for headers, task_id in (({}, shown), (stale, masked)):
        asking = anonymous if headers else client
        answer = await asking.get(f"/tasks/{task_id}/download", headers=headers)
        assert answer.status_code == 404  # let in; nothing ran that would have written the file
