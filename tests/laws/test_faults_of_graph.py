"""A backup under every fault that the simulator knows: whole, or it says what is not; never silently shorter."""

import random
from typing import Any

import pytest

from local.simulator.faults.rules import KINDS
from shared.backup import capturing
from shared.entra.credentials import CachedTokens
from shared.errors import SignInFailed
from tests.laws.changes import change_something
from tests.laws.conftest import Protected, outcomes
from tests.laws.views import apart, apart_from_truth

PASSING: dict[str, dict[str, Any]] = {
    "throttled, told how long": {"kind": "throttle", "retryAfter": 0.01, "probability": 0.2},
    "throttled, not told how long": {"kind": "throttle", "probability": 0.1},
    "500": {"kind": "status", "status": 500, "probability": 0.15},
    "502": {"kind": "status", "status": 502, "probability": 0.15},
    "503, told how long": {"kind": "status", "status": 503, "retryAfter": 0.01, "probability": 0.15},
    "504": {"kind": "status", "status": 504, "probability": 0.15},
    "cut before the body": {"kind": "cut", "probability": 0.15},
    "cut in the body": {"kind": "truncate", "probability": 0.15},
    # Parts of a batch are not read again for it; what they lack is named in the coverage (a law of its own below).
    "not JSON": {"kind": "notJson", "probability": 0.15, "path": r"\?"},
    "slow": {"kind": "slow", "seconds": 0.02, "probability": 0.3},
    "expired access token": {"kind": "expiredToken", "count": 3, "after": 10, "probability": 0.3},
    "delta reset": {"kind": "deltaReset", "count": 3, "probability": 0.5},
    "delta expired": {"kind": "deltaExpired", "count": 3, "probability": 0.5},
    "objects repeated": {"kind": "repeat"},
    "lag after writes": {"kind": "lag", "seconds": 1},
    "504 after a write that was done": {"kind": "timeoutAfterWrite", "path": r"/(?!\$batch)[^/]*$"},
}
"""Faults that pass by themselves, so that the backup must be as whole as without them."""

OF_THEIR_OWN = {"stale", "change"}
"""Faults that change what is true; each has a law of its own below."""

LASTING: dict[str, dict[str, Any]] = {
    "throttled, told how long": {"kind": "throttle", "retryAfter": 0.01},
    "throttled, not told how long": {"kind": "throttle"},
    "throttled for an hour": {"kind": "throttle", "retryAfter": 3600},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "cut before the body": {"kind": "cut"},
    "cut in the body": {"kind": "truncate"},
    "not JSON": {"kind": "notJson"},
    "expired access token": {"kind": "expiredToken"},
    "refused": {"kind": "status", "status": 403},
    "rejected": {"kind": "status", "status": 400},
}
"""Faults that do not pass."""

DELTA_LASTING = {"delta reset": {"kind": "deltaReset"}, "delta expired": {"kind": "deltaExpired"}}


def test_every_kind_of_fault_has_a_law() -> None:
    covered = {rule["kind"] for rule in (*PASSING.values(), *LASTING.values(), *DELTA_LASTING.values())}
    assert covered | OF_THEIR_OWN == set(KINDS)


@pytest.mark.parametrize("fault", PASSING)
async def test_faults_that_pass_leave_no_trace_in_a_restore_point(protected: Protected, fault: str) -> None:
    chance = random.Random(fault)
    protected.faults({**PASSING[fault], "seed": chance.random()})
    full = await protected.backed_up("full")
    assert not apart_from_truth(await protected.view(full), protected.store)
    for _ in range(2):
        change_something(protected.store, chance, 6)
        incremental = await protected.backed_up()
    assert not await protected.apart_now(incremental)
    assert not apart_from_truth(await protected.view(incremental), protected.store)
    await protected.assert_sound()


PATHS = ("^/v1.0/groups", "^/v1.0/users", "servicePrincipals", r"/members|\$batch")


@pytest.mark.parametrize(
    ("fault", "path"),
    [(fault, PATHS[place % len(PATHS)]) for place, fault in enumerate([*LASTING, *DELTA_LASTING])]
    + [("refused", path) for path in PATHS],
)
async def test_what_cannot_be_read_says_so_keeps_its_old_view_and_is_read_whole_next_time(
    protected: Protected, fault: str, path: str
) -> None:
    first = await protected.backed_up("full")
    old = await protected.view(first)
    change_something(protected.store, random.Random(path + fault), 10)
    now, readable = await protected.tenant_now()
    protected.faults({**LASTING, **DELTA_LASTING}[fault] | {"path": path})
    second = await protected.backed_up()
    seen = await protected.view(second)
    for name, entry in second.types.items():
        if entry.outcome == readable[name]:
            assert not apart({name: seen[name]}, {name: now[name]})
            continue
        assert entry.outcome in ("partial", "refused", "failed")
        assert entry.reason
        assert entry.remedy
        if entry.outcome != "partial":
            assert seen[name] == old[name], name
    task = await protected.opened.records.tasks.get(second.run_id)
    assert (task["status"] == "succeeded") == (not any(one in ("partial", "failed") for one in readable.values())
                                               and outcomes(second) == readable)
    protected.faults()
    third = await protected.backed_up()
    for name, entry in second.types.items():
        if entry.outcome in ("partial", "refused", "failed") and readable[name] == "complete":
            assert third.types[name].full_read_at == third.types[name].read_at
    assert not await protected.apart_now(third)
    await protected.assert_sound()


@pytest.mark.parametrize("fault", [name for name in LASTING if "throttled" not in name or "hour" in name])
async def test_when_nothing_can_be_read_the_backup_fails_clearly_and_leaves_no_restore_point(
    protected: Protected, fault: str
) -> None:
    for points in (0, 1):
        protected.faults(LASTING[fault])
        task = await protected.back_up()
        assert task["status"] == "failed"
        assert task["lastResultDescription"]
        assert len(await protected.restore_points()) == points
        protected.faults()
        if not points:
            await protected.backed_up()
    assert not await protected.apart_now(await protected.backed_up())
    await protected.assert_sound()


@pytest.mark.parametrize("calls", [0, 1, 8, 40])
async def test_a_sign_in_that_fails_fails_the_backup_and_leaves_no_restore_point(
    protected: Protected, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    whole, made = CachedTokens.token, 0

    async def token(self: CachedTokens, *, fresh: bool = False, claims: str = "") -> str:
        nonlocal made
        made += 1
        if made > calls:
            raise SignInFailed("the client secret has expired")
        return await whole(self, fresh=fresh, claims=claims)

    with monkeypatch.context() as patch:
        patch.setattr(CachedTokens, "token", token)
        task = await protected.back_up()
    assert task["status"] == "failed"
    assert "the client secret has expired" in task["lastResultDescription"]
    assert "Check the tenant id" in task["lastResultDescription"]
    assert not await protected.restore_points()
    assert not await protected.apart_now(await protected.backed_up())
    await protected.assert_sound()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("way", ["update", "delete", "create"])
async def test_what_changes_while_it_is_read_is_read_again_and_no_link_dangles(
    protected: Protected, monkeypatch: pytest.MonkeyPatch, way: str, seed: int
) -> None:
    monkeypatch.setattr(capturing, "SLICE_SECONDS", 0.0)
    changes = {"kind": "change", "change": way, "probability": 0.5, "seed": seed, "count": 6}
    # The closing replays are left alone: what changes after them belongs to the next restore point.
    protected.faults({**changes, "path": r"^/v1\.0/(users|groups|devices)\?"})
    full = await protected.backed_up("full")
    assert protected.simulator.tenant.faults.struck["change"]
    assert not apart_from_truth(await protected.view(full), protected.store)
    protected.faults({**changes, "path": r"^/v1\.0/(users|groups|devices)"})
    await protected.backed_up()
    protected.faults()
    last = await protected.backed_up()
    assert not apart_from_truth(await protected.view(last), protected.store)
    assert way == "delete" or not await protected.apart_now(last)
    await protected.assert_sound()


@pytest.mark.parametrize("seed", range(2))
async def test_a_stale_answer_is_caught_up_with_by_the_next_backup(protected: Protected, seed: int) -> None:
    chance = random.Random(seed)
    await protected.backed_up("full")
    for _ in range(2):
        change_something(protected.store, chance, 8)
        protected.faults({"kind": "stale", "seconds": 3600, "probability": 0.5, "seed": seed})
        await protected.backed_up()
    protected.faults()
    assert not await protected.apart_now(await protected.backed_up())
    await protected.assert_sound()
