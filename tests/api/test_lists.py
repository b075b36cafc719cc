"""Lists give everything once, in order, page by page, whatever the page, the order and the filters."""

from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from api.services import Services
from shared.deployment import Records
from shared.settings import Settings
from tests.api.conftest import OTHER, TENANT, Mint
from tests.api.test_guard import point


@pytest.fixture
async def many(records: Records) -> list[str]:
    for number in range(25):
        await records.tasks.create(
            task_id=f"task-{number:02d}", tenant_id=TENANT if number % 2 else OTHER,
            type="verify" if number % 5 == 0 else "backup", name=f"Number {number % 3}", requested_by="someone",
        )
        await records.events.record(
            f"e{number}", tenant_id=TENANT if number % 2 else OTHER,
            severity="error" if number % 4 == 0 else "information", code="c", message=f"Happened {number}",
        )
    for tenant_id in (TENANT, OTHER):
        await records.tenants.register(
            tenant_id=tenant_id, display_name="x", cloud="global", kind="workforce", created_by="test"
        )
    return [f"task-{number:02d}" for number in range(25)]


async def whole(client: httpx.AsyncClient, address: str, name: str) -> tuple[list[str], int]:
    found: list[str] = []
    pages = 0
    while address:
        answer = (await client.get(address)).json()
        found += [one[name] for one in answer["value"]]
        pages += 1
        address = answer.get("nextLink", "")
        assert not address or address.startswith("https://cairn.example/api/v1/")
    return found, pages


@pytest.mark.parametrize("top", [1, 7, 24, 25, 26, 1000])
@pytest.mark.parametrize("order", ["", "&orderBy=created desc", "&orderBy=created asc", "&orderBy=name desc"])
async def test_pages_add_up_to_the_whole_list(
    client: httpx.AsyncClient, many: list[str], top: int, order: str
) -> None:
    found, pages = await whole(client, f"/tasks?top={top}{order}", "taskId")
    assert sorted(found) == many
    assert pages == -(-25 // top)


HOSTS = {"Host": "func-internal.example", "X-Forwarded-Host": "elsewhere.example", "Forwarded": "host=elsewhere.example"}


@pytest.mark.parametrize(
    ("public", "root"),
    [("https://cairn.contoso.example", "https://cairn.contoso.example"), ("", "https://func-internal.example")],
)
async def test_a_next_link_leads_to_the_public_address_and_to_no_host_that_a_header_claims(
    client: httpx.AsyncClient, many: list[str], services: Services, public: str, root: str
) -> None:
    services.settings = replace(services.settings or Settings(), public_url=public)
    for path in ("/tasks?top=2", "/events?top=2", "/tenants?top=1"):
        answer = await client.get(path, headers=HOSTS)
        assert answer.json()["nextLink"].startswith(f"{root}/api/v1/")
    made = await client.post(f"/tenants/{TENANT}/backups", headers=HOSTS)
    assert made.headers["location"].startswith("/api/v1/tasks/")  # below whatever root the caller reached it by


async def test_tasks_come_newest_first(client: httpx.AsyncClient, records: Records) -> None:
    from datetime import timedelta

    from shared.records.times import utc_now

    for age in (3, 1, 2):
        records.tasks._clock = lambda age=age: utc_now() - timedelta(hours=age)  # type: ignore[misc]
        await records.tasks.create(
            task_id=f"{age}", tenant_id=TENANT, type="backup", name="Backup", requested_by="someone"
        )
    assert (await whole(client, "/tasks?top=1", "taskId"))[0] == ["1", "2", "3"]
    assert (await whole(client, "/tasks?top=1&orderBy=created asc", "taskId"))[0] == ["3", "2", "1"]


async def test_a_page_of_several_tenants_is_merged_newest_first(
    anonymous: httpx.AsyncClient, mint: Mint, many: list[str]
) -> None:
    anonymous.headers["Authorization"] = f"Bearer {mint(tenants=[TENANT, OTHER])}"
    found, _ = await whole(anonymous, "/tasks?top=4", "taskId")
    anonymous.headers["Authorization"] = f"Bearer {mint()}"
    assert found == (await whole(anonymous, "/tasks", "taskId"))[0]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (f"tenant={TENANT}", 12), (f"tenant={OTHER}", 13), ("type=verify", 5), ("status=queued", 25),
        ("status=failed", 0), (f"tenant={OTHER}&type=verify&status=queued", 3), ("q=number", 25),
        ('q="Number 1"', 8), ("q=name:\"number 2\" AND type:verify", 2), ("q=-type:verify", 20), ("q=verif*", 5),
    ],
)  # fmt: skip
async def test_filters_hold_on_every_page(
    client: httpx.AsyncClient, many: list[str], filters: str, count: int
) -> None:
    assert len((await whole(client, f"/tasks?top=3&{filters}", "taskId"))[0]) == count


@pytest.mark.parametrize(("filters", "count"), [("severity=error", 7), (f"severity=error&tenant={OTHER}", 7), ("", 25)])
async def test_events_are_found_by_severity_and_tenant(
    client: httpx.AsyncClient, many: list[str], filters: str, count: int
) -> None:
    assert len((await whole(client, f"/events?top=2&{filters}", "eventId"))[0]) == count


async def test_a_continuation_is_refused_by_another_list(client: httpx.AsyncClient, many: list[str]) -> None:
    link = (await client.get("/tasks?top=1&type=backup")).json()["nextLink"]
    query = urlsplit(link).query
    for address in (f"/events?{query.replace('type=backup&', '')}", f"/tasks?{query}&status=queued", f"/tasks?{query.replace('backup', 'verify')}"):
        assert (await client.get(address)).status_code == 422, address
    assert (await client.get(f"/tasks?{query.replace('top=1', 'top=5')}")).status_code == 200


async def test_restore_points_are_listed_newest_first_and_narrowed(
    client: httpx.AsyncClient, tenant: str, records: Records
) -> None:
    for day in (3, 1, 2):
        await records.restore_points.upsert(
            point(
                f"0000000{day}", started=f"2026-11-0{day}T08:00:00.000Z", kind="beforeRestore" if day == 3 else "full"
            )
        )
    await records.restore_points.set_unpacked(TENANT, "00000001", 1)
    address = f"/tenants/{TENANT}/backups"
    assert (await whole(client, f"{address}?top=2", "backupId"))[0] == ["00000003", "00000002", "00000001"]
    for narrowed, expected in (
        ("from=2026-11-02", ["00000003", "00000002"]),
        ("to=2026-11-02", ["00000002", "00000001"]),
        ("from=2026-11-02T08:00:00Z&to=2026-11-02T10:00:00%2B02:00", ["00000002"]),
        ("status=unpacked", ["00000001"]),
        ("q=when:[2026-11-02 TO *]", ["00000003", "00000002"]),
    ):
        assert (await whole(client, f"{address}?{narrowed}", "backupId"))[0] == expected, narrowed
    latest = (await client.get(f"{address}/latest")).json()
    assert latest["backupId"] == "00000002", "a restore point taken before a restore is never the latest"
    assert "coverageDetails" not in latest


async def test_coverage_tells_what_was_not_read_also_as_csv(
    client: httpx.AsyncClient, tenant: str, records: Records
) -> None:
    refused = {
        "type": "user", "outcome": "refused", "count": 0, "reason": "=cmd()|missing permission", "remedy": "Grant it.",
        "readAt": None,
    }
    await records.restore_points.upsert(point(coverageDetails=[refused]))
    address = f"/tenants/{TENANT}/backups/latest/coverage"
    assert (await client.get(address)).json()["value"] == [{**refused, "entriesCount": 0, "entries": []}]
    table = await client.get(f"{address}.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[1] == "user,refused,0,'=cmd()|missing permission,Grant it.,,,,"


async def test_a_parameter_that_a_list_does_not_know_is_refused_by_name(client: httpx.AsyncClient, tenant: str) -> None:
    for address, name in (
        ("/tasks?stauts=failed", "stauts"), ("/tasks?$top=5", "$top"), (f"/tenants/{tenant}/backups?Status=packed", "Status"),
        (f"/tenants/{tenant}/settings?x=", "x"), ("/roles?filter=a", "filter"),
    ):
        answer = await client.get(address)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "unknownParameter"), address
        assert [error["field"] for error in problem["errors"]] == [name]
    refused = await client.post(f"/tenants/{tenant}/backups?kind=full", json={"kind": "incremental"})
    assert (refused.status_code, refused.json()["errors"][0]["expected"]) == (400, "no query parameters")
    assert (await client.get("/roles?top=5")).status_code == 200
    assert (await client.get("/health?probe=1")).status_code == 200


async def test_who_may_not_ask_does_not_learn_which_parameters_there_are(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/tasks?stauts=failed")).status_code == 401
