"""The dashboard: every tile with its counts, and nothing that the caller may not see."""

from datetime import timedelta

import httpx

from shared.deployment import Records
from shared.records.times import as_text
from tests.api.conftest import TENANT, Mint
from tests.api.test_guard import ME, point


async def test_each_tile_has_its_counts(client: httpx.AsyncClient, records: Records, tenant: str) -> None:
    now = records.clock()
    await client.put(f"/tenants/{TENANT}/settings", json={"schedule": {"enabled": True}, "retentionDays": 30})
    for number, status in ((1, "packed"), (2, "unpacked")):
        await records.restore_points.upsert(
            point(f"0000000{number}", status=status, finished=as_text(now), counts={"user": 3, "group": number})
        )
    await records.tasks.create(task_id="t1", tenant_id=TENANT, type="backup", name="Backup", requested_by="x")
    await records.events.record("e1", tenant_id=TENANT, severity="error", code="x", message="x")
    board = (await client.get("/dashboard")).json()
    (one,) = board["tenants"]["value"]
    assert one["protection"]["state"] == "protected"
    assert one["protection"]["retentionDays"] == 30
    assert one["backups"] == {"count": 2, "byDate": [{"date": as_text(now)[:10], "count": 2}]}
    assert one["unpacked"] == {
        "restorePoints": 1, "backupId": "00000002", "count": 5, "byType": {"user": 3, "group": 2},
    }  # fmt: skip
    assert one["differences"]["count"] is None
    assert one["consents"]["basic"]["status"] == "notChecked"
    assert one["consents"]["exchangeBackup"]["status"] == "notYetSupported"
    assert one["secureScore"] == {
        "known": False, "current": None, "max": None, "percent": None, "measuredAt": None, "checkedAt": None,
        "reason": "It has not been read yet.",
    }  # fmt: skip
    assert board["tasks"]["byStatus"] == {"queued": 1}
    assert [task["taskId"] for task in board["tasks"]["recent"]] == ["t1"]
    assert board["events"] == {"count": 1, "bySeverity": {"error": 1}}
    assert board["hybrid"]["state"] == "notYetSupported"


async def test_a_tenant_without_a_schedule_is_not_protected_and_one_without_backups_is_late(
    client: httpx.AsyncClient, records: Records, tenant: str
) -> None:
    await records.restore_points.upsert(point())
    state = (await client.get("/dashboard")).json()["tenants"]["value"][0]["protection"]["state"]
    assert state == "notProtected"
    await client.put(f"/tenants/{TENANT}/settings", json={"schedule": {"enabled": True}})
    clock = records.clock
    late = clock() + timedelta(days=4)
    object.__setattr__(records, "clock", lambda: late)
    state = (await client.get("/dashboard")).json()["tenants"]["value"][0]["protection"]["state"]
    assert state == "late"


async def test_a_secure_score_that_is_known_is_shown(client: httpx.AsyncClient, records: Records, tenant: str) -> None:
    score = {"known": True, "current": 30.0, "max": 60.0, "percent": 50.0, "reason": ""}
    await records.consents.keep_secure_score(TENANT, score)
    assert (await client.get("/dashboard")).json()["tenants"]["value"][0]["secureScore"] == score


async def test_a_tile_that_the_caller_may_not_see_is_null(
    anonymous: httpx.AsyncClient, mint: Mint, records: Records, tenant: str
) -> None:
    await records.roles.replace([{"name": "Narrow", "description": "", "permissions": ["backups.read"]}], by="test")
    anonymous.headers["Authorization"] = f"Bearer {mint(roles=['Narrow'], oid=ME)}"
    board = (await anonymous.get(f"/dashboard?tenant={TENANT}")).json()
    assert (board["tasks"], board["events"]) == (None, None)
    assert board["tenants"]["value"][0]["differences"] is None
