"""Eligible and active roles under PIM: what had begun begins again, what has ended is left, what changed is changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.recovery import schedules
from tests.shared.recovery.conftest import Restores

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FOR_EVER = {"type": "noExpiration"}


def schedule(start, expiration):
    return {"principalId": "p", "roleDefinitionId": "r", "directoryScopeId": "/",
            "scheduleInfo": {"startDateTime": start, "expiration": expiration}}


def until(text):
    return {"type": "afterDateTime", "endDateTime": text}


def test_a_start_in_the_past_is_now_and_one_to_come_stays():
    past = schedules.request(schedule("2025-01-01T00:00:00Z", FOR_EVER), "adminAssign", NOW)
    assert past["scheduleInfo"]["startDateTime"] == schedules.NOW
    future = schedules.request(schedule("2026-07-01T00:00:00Z", FOR_EVER), "adminAssign", NOW)
    assert future["scheduleInfo"]["startDateTime"] == "2026-07-01T00:00:00Z"


def test_a_duration_ends_when_it_would_have_ended():
    body = schedule("2026-05-31T00:00:00Z", {"type": "afterDuration", "duration": "P10D"})
    assert schedules.request(body, "adminAssign", NOW)["scheduleInfo"]["expiration"] == until("2026-06-10T00:00:00Z")


@pytest.mark.parametrize("expiration", [until("2026-05-31T00:00:00Z"), {"type": "afterDuration", "duration": "PT8H"}])
def test_what_has_ended_is_told_so(expiration):
    body = schedule("2026-05-01T00:00:00Z", expiration)
    assert "ended" in schedules.why_over(body, NOW)
    assert schedules.why_over(schedule("2026-05-01T00:00:00Z", FOR_EVER), NOW) == ""


def test_two_starts_in_the_past_are_alike_and_two_ends_are_not():
    one, other = schedule("2025-01-01T00:00:00Z", FOR_EVER), schedule("2026-01-01T00:00:00.1234567Z", FOR_EVER)
    assert not schedules.differs(one, other, NOW)
    assert schedules.differs(one, schedule("2025-01-01T00:00:00Z", until("2027-01-01T00:00:00Z")), NOW)


TABLES = ("unifiedRoleEligibilitySchedule", "unifiedRoleAssignmentSchedule",
          "privilegedAccessGroupEligibilitySchedule", "privilegedAccessGroupAssignmentSchedule")


def time_bound(restores, table):
    """A schedule of the seed that is assigned and has an end well ahead."""
    store = restores.simulator.store
    now = datetime.fromtimestamp(store.clock.now(), UTC)
    for record in store.all(table):
        body = record.read()
        if str(body.get("assignmentType", "assigned")).lower() != "assigned":
            continue
        if str(body.get("memberType", "direct")).lower() != "direct":
            continue
        if store.get(body["principalId"]).table == "servicePrincipal":
            continue  # it may be Cairn's own, which is never touched
        end = (now + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
        info = {"startDateTime": "2025-01-01T00:00:00Z", "recurrence": None,
                "expiration": {"type": "afterDateTime", "endDateTime": end, "duration": None}}
        store.update(record.key, {**body, "scheduleInfo": info})
        return record.key, end
    raise AssertionError(f"the seed has no {table}")


@pytest.mark.parametrize("table", TABLES)
async def test_a_schedule_that_was_removed_begins_now_and_ends_when_it_did(restores: Restores, table: str):
    store = restores.simulator.store
    key, end = time_bound(restores, table)
    body = store.get(key).read()
    await restores.backups.run("full")
    store.delete(key, soft=False)
    done = await restores.run([body["id"]])
    states = [(one.path, receipt) for one, receipt in await restores.operations(done)]
    assert states, await restores.left(done)
    assert all(receipt["state"] in ("done", "unchanged") for _, receipt in states), states
    again = [one.read() for one in store.find(table, "principalId", body["principalId"])]
    ends = [one["scheduleInfo"]["expiration"]["endDateTime"] for one in again]
    assert end in ends
    assert not (await restores.plan([body["id"]]))["counts"]["update"]


@pytest.mark.parametrize("table", TABLES[:2])
async def test_a_schedule_whose_end_was_changed_ends_when_it_did(restores: Restores, table: str):
    store = restores.simulator.store
    key, end = time_bound(restores, table)
    await restores.backups.run("full")
    body = store.get(key).read()
    sooner = {**body["scheduleInfo"], "expiration": {**body["scheduleInfo"]["expiration"],
                                                     "endDateTime": "2099-01-01T00:00:00Z"}}
    store.update(key, {**body, "scheduleInfo": sooner})
    done = await restores.run([body["id"]])
    ops = await restores.operations(done)
    assert len(ops) == 1, [one["reason"] for one in await restores.left(done)]
    one, receipt = ops[0]
    assert one.body["action"] == "adminUpdate"
    assert receipt["state"] == "done", receipt
    assert store.get(key).read()["scheduleInfo"]["expiration"]["endDateTime"] == end


async def test_a_schedule_that_has_ended_is_left_with_the_reason(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
):
    store = restores.simulator.store
    key, _ = time_bound(restores, TABLES[0])
    body = store.get(key).read()
    await restores.backups.run("full")
    store.delete(key, soft=False)
    later = datetime.now(UTC) + timedelta(days=61)
    monkeypatch.setattr(restores, "opened", replace(
        restores.opened, records=replace(restores.opened.records, clock=lambda: later)
    ))
    planned = await restores.plan([body["id"]])
    assert await restores.operations(planned) == []
    assert "ended" in (await restores.left(planned))[0]["reason"]
