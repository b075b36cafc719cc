"""Laws of the governor, on a clock that the tests move: Graph's buckets are played event by event, nothing sleeps."""

import heapq
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from shared.entra.governor import RESOURCE_UNIT_WINDOW_SECONDS, Bucket, Governor, Seen, tenant_size
from shared.entra.governors import Governors, _Shared


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class TokenBucketServer:
    """Graph's documented form: `limit` units that refill evenly over ten seconds."""

    limit: float
    kept_back: float = 0.0
    level: float = field(init=False)
    at: float = 0.0
    used: float = 0.0
    throttled: int = 0
    answered: int = 0

    def __post_init__(self) -> None:
        self.level = self.limit

    def answer(self, now: float, cost: float) -> Seen:
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / RESOURCE_UNIT_WINDOW_SECONDS)
        self.at = now
        self.answered += 1
        if self.level - self.kept_back < cost:
            self.throttled += 1
            wait = (cost + self.kept_back - self.level) * RESOURCE_UNIT_WINDOW_SECONDS / self.limit
            return Seen(0.0, 1.0, throttled=True, wait_seconds=max(1.0, wait))
        self.level -= cost
        self.used += cost
        share = 1 - self.level / self.limit
        return Seen(cost, share if share >= 0.8 else None)

    def allowed(self, seconds: float) -> float:
        return self.limit + seconds * self.limit / RESOURCE_UNIT_WINDOW_SECONDS


@dataclass
class SlidingServer(TokenBucketServer):
    """The same limit counted over the last ten seconds, as some of Graph's services do."""

    spent: deque[tuple[float, float]] = field(default_factory=deque)

    def answer(self, now: float, cost: float) -> Seen:
        while self.spent and self.spent[0][0] <= now - RESOURCE_UNIT_WINDOW_SECONDS:
            self.spent.popleft()
        used = sum(one for _, one in self.spent)
        self.answered += 1
        if used + cost > self.limit:
            self.throttled += 1
            return Seen(0.0, 1.0, throttled=True, wait_seconds=self.spent[0][0] + 10 - now)
        self.spent.append((now, cost))
        self.used += cost
        share = (used + cost) / self.limit
        return Seen(cost, share if share >= 0.8 else None)

    def allowed(self, seconds: float) -> float:
        return self.limit * seconds / RESOURCE_UNIT_WINDOW_SECONDS


def play(
    governors: list[Governor], clock: Clock, server: TokenBucketServer, *, seconds: float, cost: float = 40.0,
    senders: int = 16, latency: float = 0.05, estimate: float | None = None, bucket: Bucket = "",
    batched: bool = False,
) -> None:
    """`senders` clients a governor, each sending its next request when the last one was answered."""
    guess = cost if estimate is None else estimate
    events: list[tuple[float, int, Callable[[], None]]] = []
    count = 0

    def at(when: float, do: Callable[[], None]) -> None:
        nonlocal count
        count += 1
        heapq.heappush(events, (when, count, do))

    def begin(governor: Governor) -> None:
        turn(governor, governor.reserve(bucket, guess))

    def turn(governor: Governor, wait: float) -> None:
        if wait > 0:
            at(clock.now + wait, lambda: turn(governor, governor.pause(bucket)))
        else:
            at(clock.now + latency / 2, lambda: arrive(governor))

    def arrive(governor: Governor) -> None:
        seen = server.answer(clock.now, cost)
        at(clock.now + latency / 2, lambda: back(governor, seen))

    def back(governor: Governor, seen: Seen) -> None:
        if batched:  # the outer answer says nothing; its parts do
            governor.settle(bucket, guess, Seen())
            governor.correct(bucket, guess, seen)
        else:
            governor.settle(bucket, guess, seen)
        begin(governor)

    for governor in governors:
        for _ in range(senders):
            begin(governor)
    end = clock.now + seconds
    while events and events[0][0] < end:
        clock.now, _, do = heapq.heappop(events)
        do()
    clock.now = end


@pytest.mark.parametrize("cost", [1.0, 40.0])
@pytest.mark.parametrize("latency", [0.005, 0.05, 0.5])
def test_under_load_nine_tenths_of_the_quota_are_used_and_hardly_a_request_is_throttled(
    cost: float, latency: float
) -> None:
    clock, server = Clock(), TokenBucketServer(8000)
    senders = 16 if cost > 1 else 500
    play([Governor(clock=clock)], clock, server, seconds=60, cost=cost, latency=latency, senders=senders)
    assert server.used >= 0.9 * server.allowed(60)
    assert server.throttled <= 0.01 * server.answered


@pytest.mark.parametrize("limit", [3500.0, 5000.0, 6000.0])
def test_a_limit_other_than_the_documented_one_is_learned(limit: float) -> None:
    clock, server = Clock(), TokenBucketServer(limit)
    play([Governor(clock=clock)], clock, server, seconds=300)
    assert server.used >= 0.9 * server.allowed(300)
    assert server.throttled <= 0.015 * server.answered


def test_a_wrong_estimate_of_the_cost_is_corrected_by_what_graph_says() -> None:
    clock, server = Clock(), TokenBucketServer(8000)
    play([Governor(clock=clock)], clock, server, seconds=120, cost=60, estimate=20)
    assert server.used >= 0.9 * server.allowed(120)
    assert server.throttled <= 0.01 * server.answered


@pytest.mark.parametrize("limit", [4000.0, 8000.0])
def test_what_the_parts_of_a_batch_cost_is_counted_once(limit: float) -> None:
    clock, server = Clock(), TokenBucketServer(limit)
    governor = Governor(clock=clock)
    play([governor], clock, server, seconds=120, batched=True)
    assert server.used >= 0.9 * server.allowed(120)
    assert server.throttled <= 0.015 * server.answered
    assert governor.resource_units_per_second == pytest.approx(limit / 10, rel=0.15)


def test_low_priority_keeps_out_of_the_part_that_graph_refuses_it() -> None:
    clock, server = Clock(), TokenBucketServer(8000, kept_back=800)
    governor = Governor(clock=clock)
    governor.yield_to_others()
    play([governor], clock, server, seconds=120)
    assert server.used >= 0.85 * server.allowed(120)
    assert server.throttled <= 0.01 * server.answered


def test_a_limit_counted_over_a_sliding_window_is_kept_too() -> None:
    clock, server = Clock(), SlidingServer(8000)
    play([Governor(clock=clock)], clock, server, seconds=120)
    assert server.used >= 0.6 * server.allowed(120)
    assert server.throttled <= 0.01 * server.answered


def test_shares_on_several_workers_add_up_to_the_quota() -> None:
    clock, server = Clock(), TokenBucketServer(8000)
    play([Governor(clock=clock, share=share) for share in (0.5, 0.3, 0.2)], clock, server, seconds=60)
    assert server.used >= 0.9 * server.allowed(60)
    assert server.throttled <= 0.01 * server.answered


def leave(governor: Governor, clock: Clock, bucket: Bucket, count: int) -> list[float]:
    """When each of `count` requests may leave."""
    times = []
    for _ in range(count):
        times.append(clock.now + governor.reserve(bucket, 1))
        governor.settle(bucket, 1, Seen(1.0))
    return times


def test_conditional_access_gets_one_request_a_second_whatever_the_share() -> None:
    clock = Clock()
    times = leave(Governor(share=0.1, clock=clock), clock, "conditionalAccess", 10)
    assert all(1.0 <= later - earlier <= 1.1 for earlier, later in pairwise(times))


def test_keys_are_asked_for_at_most_150_times_in_any_minute() -> None:
    clock = Clock()
    times = leave(Governor(clock=clock), clock, "keyCredentials", 400)
    assert max(sum(1 for one in times if start <= one < start + 60) for start in times) == 150
    assert times[-1] < 2 * 62


def test_writes_reach_nine_tenths_of_the_quota_and_never_exceed_it() -> None:
    clock = Clock()
    times = leave(Governor(clock=clock), clock, "writes", 9_001)
    assert max(sum(1 for one in times[::50] if start <= one < start + 150) for start in times[::500]) <= 3000 / 50
    assert 9_000 / (times[-1] / 150 * 3000) >= 0.9


def test_a_share_divides_the_write_quota() -> None:
    clock = Clock()
    times = leave(Governor(share=0.5, clock=clock), clock, "writes", 1_501)
    assert times[1_499] == 0.0
    assert times[1_500] >= 150


def test_retry_after_holds_its_own_bucket_back_and_no_other() -> None:
    clock = Clock()
    governor = Governor(clock=clock)
    governor.reserve("writes", 1)
    governor.settle("writes", 1, Seen(throttled=True, wait_seconds=7.5))
    assert governor.pause("writes") == 7.5
    assert governor.pause("") == 0
    clock.now = 8
    assert governor.pause("writes") == 0


def test_refusals_without_retry_after_double_the_pause_until_one_succeeds() -> None:
    clock = Clock()
    governor = Governor(clock=clock)
    pauses = []
    for _ in range(4):
        governor.settle("conditionalAccess", 1, Seen(throttled=True))
        governor.settle("conditionalAccess", 1, Seen(throttled=True))  # left together, refused together: counts once
        pauses.append(governor.pause("conditionalAccess"))
        clock.now += pauses[-1]
    assert pauses == [1, 2, 4, 8]
    governor.settle("conditionalAccess", 1, Seen())
    governor.settle("conditionalAccess", 1, Seen(throttled=True))
    assert governor.pause("conditionalAccess") == 1


def test_activities_of_one_process_lend_each_other_their_shares() -> None:
    governors = Governors()
    with governors.joined("root", "tenant", "app", share=0.3) as one:
        assert one.share == pytest.approx(0.3)
        with governors.joined("root", "tenant", "app", share=0.5) as other, \
                governors.joined("root", "other tenant", "app", share=0.5) as elsewhere:
            assert other is one
            assert elsewhere is not one
            assert one.share == pytest.approx(0.8)
        assert one.share == pytest.approx(0.3)


def test_what_a_finished_activity_lends_stays_until_the_last_one_leaves() -> None:
    governors = Governors()
    with governors.joined("root", "tenant", "app", share=0.3) as last:
        with governors.joined("root", "tenant", "app", share=0.5) as done:
            governors.lend(done, 0.5)
        with governors.joined("root", "tenant", "app", share=0.1):
            assert last.share == pytest.approx(0.9)
        assert last.share == pytest.approx(0.8)
    with governors.joined("root", "tenant", "app", share=0.3) as alone:
        governors.lend(alone, 0.3)  # nobody is there to lend it to
        assert alone.share == pytest.approx(0.3)


@pytest.mark.parametrize("lent", [False, True])
def test_activities_that_end_after_a_429_leave_no_debt_behind(lent: bool) -> None:
    clock, governors = Clock(), Governors()
    governors._by_app["root", "tenant", "app"] = shared = _Shared(Governor(clock=clock, share=0.01))
    with governors.joined("root", "tenant", "app", share=0.1) as governor:
        with ExitStack() as lanes:
            for _ in range(9):
                lanes.enter_context(governors.joined("root", "tenant", "app", share=0.1))
            governor.reserve("", 1)
            governor.settle("", 1, Seen(throttled=True, wait_seconds=1.0))
            if lent:
                for _ in range(9):
                    governors.lend(shared.governor, 0.1)
        clock.now = 1.0
        # A second after the bucket was found empty, a tenth of the last one's own share has come back.
        assert governor.reserve("", 70) == 0
        assert governor.reserve("", 80) <= (0.2 if lent else 1.0)


def test_an_activity_that_joins_after_a_429_brings_no_more_than_graph_has_refilled() -> None:
    clock = Clock()
    governor = Governor(clock=clock, share=0.5)
    governor.reserve("", 1)
    governor.settle("", 1, Seen(throttled=True, wait_seconds=1.0))
    clock.now = 1.0
    governor.resize(share=1.0)
    assert governor.reserve("", 780) == 0
    assert governor.reserve("", 800) > 0.9


def test_a_share_that_comes_and_goes_brings_back_nothing_that_was_spent() -> None:
    clock = Clock()
    governor = Governor(clock=clock, share=0.5)
    for _ in range(50):
        governor.resize(share=1.0)
        governor.resize(share=0.5)
        governor.reserve("", 100)
        governor.settle("", 100, Seen(100.0))
    # 5,100 units are asked of a share of 4,000, which refills with 400 a second.
    assert governor.reserve("", 100) == pytest.approx((5_100 - 3_920) / 400)


def test_the_size_of_a_tenant_is_by_its_users() -> None:
    assert [tenant_size(users) for users in (0, 49, 50, 500, 501)] == ["S", "S", "M", "M", "L"]
