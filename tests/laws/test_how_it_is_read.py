"""How often and in what pieces a tenant is read makes no difference to what is held, and what is old is read anew."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.backup import capturing
from shared.catalog import OBJECT_TYPES
from shared.repository.manifest import Manifest
from tests.laws.changes import change_something
from tests.laws.conftest import Protected, outcomes
from tests.laws.driver import ACTIVITIES
from tests.laws.views import apart, apart_from_truth

type Activity = Callable[[dict[str, Any]], Awaitable[Any]]


def twice(activity: Activity, *, at_once: bool, chance: random.Random) -> Activity:
    """The activity as an engine may run it that never heard the first answer: again, or beside itself."""

    async def run(message: dict[str, Any]) -> Any:
        if at_once:
            answers = await asyncio.gather(activity(dict(message)), activity(dict(message)))
        else:
            answers = [await activity(dict(message)), await activity(dict(message))]
        return chance.choice(answers)

    return run


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("slice_seconds", [0.0, 240.0])
async def test_every_activity_that_runs_twice_leaves_the_same_restore_point(
    protected: Protected, monkeypatch: pytest.MonkeyPatch, slice_seconds: float, at_once: bool
) -> None:
    monkeypatch.setattr(capturing, "SLICE_SECONDS", slice_seconds)
    chance = random.Random(5)
    protected.engine.activities = {
        name: twice(activity, at_once=at_once, chance=chance) for name, activity in ACTIVITIES.items()
    }
    full = await protected.backed_up("full")
    assert not await protected.apart_now(full)
    change_something(protected.store, chance, 8)
    incremental = await protected.backed_up()
    assert not await protected.apart_now(incremental)
    assert len(await protected.restore_points()) == 2
    ends = [
        event async for _, event in protected.opened.records.events.stream([protected.tenant_id])
        if event["code"] == "backupSealed"
    ]
    assert len(ends) == 2
    await protected.assert_sound()


async def test_slices_of_one_page_make_the_same_restore_point_as_one_slice(
    protected: Protected, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await protected.backed_up("full")
    monkeypatch.setattr(capturing, "SLICE_SECONDS", 0.0)
    before = len(protected.engine.calls)
    sliced = await protected.backed_up("full")
    slices = [name for name, _ in protected.engine.calls[before:] if name == "capture_slice"]
    assert len(slices) > len(OBJECT_TYPES) / 2
    assert not apart(await protected.view(sliced), await protected.view(whole))
    assert sliced.counts == whole.counts
    assert outcomes(sliced) == outcomes(whole)
    change_something(protected.store, random.Random(8), 10)
    assert not await protected.apart_now(await protected.backed_up())


async def test_a_type_that_is_not_asked_for_is_carried_with_the_time_it_was_read_and_goes_on_from_there(
    protected: Protected,
) -> None:
    first = await protected.backed_up("full")
    change_something(protected.store, random.Random(2), 12)
    second = await protected.backed_up("incremental", ["group"])
    assert second.kind == "incremental"
    before, after = await protected.view(first), await protected.view(second)
    for name, entry in second.types.items():
        if name == "group" or not first.types[name].read_at:
            continue
        assert entry.outcome == "carried", name
        assert entry.read_at == first.types[name].read_at
        assert entry.layers == first.types[name].layers
        assert (entry.requests, entry.resource_units) == (0, 0)
        assert after[name] == before[name]
    assert second.types["group"].outcome == "complete"
    assert second.types["group"].read_at > first.types["group"].read_at
    third = await protected.backed_up()
    assert third.types["user"].full_read_at == first.types["user"].full_read_at, "read by changes since it was read"
    assert not await protected.apart_now(third)


async def recover(protected: Protected, *, ago: float, runs: float = 0.0) -> None:
    """Let Microsoft's own recovery take the tenant back."""
    async with httpx.AsyncClient(base_url=protected.simulator.url, trust_env=False) as client:
        answer = await client.post("/simulator/recovery", json={"secondsAgo": ago, "runsSeconds": runs})
        assert answer.status_code == 200, answer.text
        assert answer.json()["totalObjectsModified"] >= 0


def was_read_in_full(manifest: Manifest, name: str) -> bool:
    entry = manifest.types[name]
    return entry.full_read_at == entry.read_at


@pytest.mark.parametrize(("runs", "later"), [(0.0, 1.0), (3600.0, 0.0)])
async def test_after_microsofts_own_recovery_everything_is_read_in_full_though_delta_says_nothing(
    protected: Protected, runs: float, later: float
) -> None:
    await protected.backed_up("full")
    protected.pass_time(timedelta(hours=2))
    key = next(iter(protected.store.all("user"))).key
    body = protected.store.get(key).read()
    protected.store.update(key, {**body, "department": "Attacked"})
    held = await protected.backed_up()
    assert (await protected.view(held))["user"]["objects"][key]["department"] == "Attacked"
    protected.pass_time(timedelta(hours=2))
    await recover(protected, ago=3 * 3600, runs=runs)
    assert protected.store.get(key).read().get("department") == body.get("department")
    protected.pass_time(timedelta(hours=later))
    healed = await protected.backed_up()
    assert was_read_in_full(healed, "user")
    assert not await protected.apart_now(healed)
    protected.pass_time(timedelta(hours=2))
    following = await protected.backed_up()
    # One that still ran while it was read is read in full once more when it has ended.
    assert was_read_in_full(following, "user") == (runs > 0)
    protected.pass_time(timedelta(hours=2))
    assert not was_read_in_full(await protected.backed_up(), "user")


async def test_a_type_that_was_left_out_after_a_recovery_is_read_in_full_when_its_turn_comes(
    protected: Protected,
) -> None:
    await protected.backed_up("full")
    protected.pass_time(timedelta(hours=2))
    key = next(iter(protected.store.all("user"))).key
    body = protected.store.get(key).read()
    protected.store.update(key, {**body, "department": "Attacked"})
    await protected.backed_up()
    protected.pass_time(timedelta(hours=2))
    await recover(protected, ago=3 * 3600)
    protected.pass_time(timedelta(hours=2))
    only = await protected.backed_up("incremental", ["application"])
    assert was_read_in_full(only, "application")
    assert only.types["user"].outcome == "carried"
    protected.pass_time(timedelta(hours=2))
    last = await protected.backed_up()
    assert was_read_in_full(last, "user")
    assert not was_read_in_full(last, "application")
    assert not await protected.apart_now(last)


async def test_every_type_is_read_in_full_at_least_every_seven_days(protected: Protected) -> None:
    last = await protected.backed_up("full")
    full_reads = 0
    for _ in range(16):
        protected.pass_time(timedelta(days=1))
        change_something(protected.store, random.Random(3), 2)
        manifest = await protected.backed_up()
        for name, entry in manifest.types.items():
            if entry.full_read_at:
                age = manifest.finished - datetime.fromisoformat(entry.full_read_at)
                assert age < timedelta(days=7), name
        full_reads += was_read_in_full(manifest, "user")
        assert manifest.kind == "incremental"
        last = manifest
    assert full_reads == 2
    assert not await protected.apart_now(last)
    assert not apart_from_truth(await protected.view(last), protected.store)
    await protected.assert_sound()


@pytest.mark.parametrize("days", [6.6, 8, 40])
async def test_a_pause_of_any_length_is_caught_up_with(protected: Protected, days: float) -> None:
    await protected.backed_up("full")
    change_something(protected.store, random.Random(4), 12)
    protected.pass_time(timedelta(days=days))
    late = await protected.backed_up()
    assert was_read_in_full(late, "user"), "its delta token lives seven days"
    assert not await protected.apart_now(late)
