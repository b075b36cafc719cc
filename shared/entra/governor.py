"""The throttle governor of one tenant and app: stays just under Graph's limits instead of running into them.

Pure decisions, the clock handed in: `reserve` says how long a request must wait and counts it as spent; `settle` is
told what the answer said. Nothing here sleeps or sends. The general bucket is a model of Graph's own: it refills at the
documented rate, is never believed fuller than x-ms-throttle-limit-percentage allows, and learns the true limit from how
that percentage moves with what was spent. One Governor may serve many sessions and threads of one process.

Sources: "Microsoft Graph service-specific throttling limits" (identity and access), "Microsoft Graph throttling
guidance".
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

Bucket = Literal["", "conditionalAccess", "keyCredentials", "reports", "writes"]
TenantSize = Literal["S", "M", "L"]

RESOURCE_UNITS_PER_WINDOW: dict[TenantSize, float] = {"S": 3500, "M": 5000, "L": 8000}
"""By size of the tenant: S below 50 users, M up to 500, L above; per app and tenant."""
RESOURCE_UNIT_WINDOW_SECONDS = 10.0

RESERVE = 0.02
"""The part of the general bucket that is left untouched, for the error of the model."""
LOW_PRIORITY_RESERVE = 0.12
"""The same for requests of low priority, which Graph refuses while others may still go on."""
LEARNING_SECONDS = 1.0
"""Percentages this far apart say something about the true limit."""
LEARNING_STEP = 0.5
"""How far one lesson moves the limit that is believed."""
COST_STEP = 0.1
"""How far one answer moves the ratio of what requests cost to what the documentation says."""
COST_RATIO_MAX = 10.0

UNKNOWN_WAIT_SECONDS = 1.0
"""First pause after a 429 without Retry-After; doubled while they go on."""
UNKNOWN_WAIT_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in any `seconds`."""

    limit: int
    seconds: float


WINDOWS: dict[Bucket, Window] = {
    "writes": Window(3000, 150.0),
    "conditionalAccess": Window(1, 1.0),
    "keyCredentials": Window(150, 60.0),
    "reports": Window(5, 10.0),
}
WINDOW_MARGIN = 0.02
"""Windows are kept this much longer than documented, since requests don't arrive as evenly as they leave."""

SHARED_BUCKETS: frozenset[Bucket] = frozenset({"", "writes"})
"""Buckets that a share divides. The others belong to one activity of a tenant at a time, so it has them whole."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer said about the quota."""

    resource_units: float | None = None
    """x-ms-resource-unit."""
    percentage: float | None = None
    """x-ms-throttle-limit-percentage: from 0.8 up, 1.0 is the limit."""
    throttled: bool = False
    wait_seconds: float | None = None
    """Retry-After of a 429; None where there was none."""


class ResourceUnitBucket:
    """The general bucket: resource units that refill evenly, believed no fuller than Graph says."""

    def __init__(self, limit: float, now: float, *, seconds: float = RESOURCE_UNIT_WINDOW_SECONDS) -> None:
        self._documented = limit
        self._limit = limit
        self._seconds = seconds
        self.reserve_share = RESERVE
        self._level = limit * (1 - RESERVE)
        self._at = now
        self._outstanding = 0.0
        self._ratio = 1.0
        self._spent = 0.0
        self._emptied_at = now - seconds
        self._lesson: tuple[float, float, float] | None = None

    @property
    def limit(self) -> float:
        """Resource units a window that are believed to be allowed."""
        return self._limit

    def reserve(self, now: float, cost: float) -> float:
        """Seconds until this request may leave; its cost counts as spent from now on."""
        self._refill(now)
        self._level -= cost * self._ratio
        self._outstanding += cost
        return max(0.0, -self._level * self._seconds / self._limit)

    def settle(self, now: float, estimated: float, seen: Seen) -> None:
        """Correct the model by what the answer said; every `reserve` is followed by one `settle`."""
        self._outstanding = max(0.0, self._outstanding - estimated)
        self._spent += estimated * self._ratio
        self.correct(now, estimated, seen)

    def correct(self, now: float, estimated: float, seen: Seen) -> None:
        """Take in what an answer said of something that is settled already."""
        self._refill(now)
        reckoned = estimated * self._ratio
        actual = reckoned if seen.resource_units is None else seen.resource_units
        self._level += reckoned - actual
        self._spent += actual - reckoned
        if seen.resource_units and estimated:
            self._ratio += (min(COST_RATIO_MAX, actual / estimated) - self._ratio) * COST_STEP
        if seen.percentage is not None:
            self._learn(now, seen.percentage)
            left = (1 - seen.percentage - self.reserve_share) * self._limit
            # Requests on their way are in both figures for a moment; that error is on the safe side and does not last.
            self._level = max(-self._limit, min(self._level, left - self._outstanding * self._ratio))

    def resize(self, now: float, limit: float) -> None:
        """Another limit, since the tenant's size or this process's share of it changed; what is spent stays spent.

        A 429 empties every share alike: one that is given back then takes nothing away, and one that joins brings only
        what Graph has refilled since.
        """
        self._refill(now)
        moved = (limit - self._documented) * (1 - self.reserve_share)
        refilled = min(1.0, (now - self._emptied_at) / self._seconds)
        if moved > 0:
            self._level += moved * refilled
        elif refilled < 1:
            self._level = max(self._level + moved, min(self._level, self._nothing_left()))
        else:
            self._level += moved
        self._limit *= limit / self._documented
        self._documented = limit
        self._lesson = None

    def emptied(self, now: float) -> None:
        """A 429: nothing was left."""
        self._refill(now)
        self._emptied_at = now
        self._level = min(self._level, self._nothing_left())

    def _nothing_left(self) -> float:
        return -self._outstanding * self._ratio

    def _refill(self, now: float) -> None:
        elapsed = max(0.0, now - self._at)
        self._at = max(self._at, now)
        self._level = min(self._limit * (1 - self.reserve_share), self._level + elapsed * self._limit / self._seconds)

    def _learn(self, now: float, percentage: float) -> None:
        """Two percentages and what was spent between them give the limit: spent = limit · (risen + refilled)."""
        if self._lesson is None or now - self._lesson[0] > self._seconds:
            self._lesson = (now, percentage, self._spent)
            return
        at, before, spent = self._lesson
        if now - at < LEARNING_SECONDS:
            return
        self._lesson = (now, percentage, self._spent)
        moved = (percentage - before) + (now - at) / self._seconds
        if moved > LEARNING_SECONDS / self._seconds / 2:
            shown = (self._spent - spent) / moved
            bounded = min(self._documented * 2, max(self._documented / 8, shown))
            self._limit += (bounded - self._limit) * LEARNING_STEP


class WindowBucket:
    """A bucket that counts requests in a sliding window; reservations keep their order."""

    def __init__(self, window: Window, share: float = 1.0) -> None:
        self._turns: deque[float] = deque()
        self.resize(window, share)

    def resize(self, window: Window, share: float) -> None:
        """Another share of the window; what is spent stays spent."""
        self._limit = max(1, int(window.limit * share))
        # Half of one request a second is one request in two seconds.
        self._seconds = window.seconds * (1 + WINDOW_MARGIN) * max(1.0, 1 / (window.limit * share))
        self._turns = deque(self._turns, maxlen=self._limit)

    def reserve(self, now: float) -> float:
        """Seconds until this request may leave."""
        turn = now
        if len(self._turns) == self._limit:
            turn = max(now, self._turns[0] + self._seconds)
        self._turns.append(turn)
        return turn - now


class Governor:
    """All that one tenant and app may spend in this process; see the module for how."""

    def __init__(
        self, *, size: TenantSize = "L", share: float = 1.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._size: TenantSize = size
        self._share = share
        self._general = ResourceUnitBucket(self._allowed(), clock())
        self._windows: dict[Bucket, WindowBucket] = {}
        self._paused: dict[Bucket, float] = {}
        self._unknown_waits: dict[Bucket, float] = {}

    @property
    def share(self) -> float:
        """The part of the tenant's budget that this process may use, 0 to 1."""
        return self._share

    @property
    def resource_units_per_second(self) -> float:
        """What the general bucket is believed to allow; the planner reckons with it."""
        return self._general.limit / RESOURCE_UNIT_WINDOW_SECONDS

    def resize(self, *, share: float | None = None, size: TenantSize | None = None) -> None:
        """Another share or another size of tenant, from now on."""
        with self._lock:
            before = self._allowed(), self._share
            self._share = self._share if share is None else min(1.0, max(0.01, share))
            self._size = size or self._size
            if self._allowed() != before[0]:
                self._general.resize(self._clock(), self._allowed())
            if self._share != before[1] and "writes" in self._windows:
                self._windows["writes"].resize(WINDOWS["writes"], self._share)

    def reserve(self, bucket: Bucket, cost: float, *, requests: int = 1) -> float:
        """Seconds until a request (or a `$batch` of `requests` parts) may leave; its cost counts from now on."""
        with self._lock:
            now = self._clock()
            wait = self._general.reserve(now, cost)
            if bucket:
                wait = max(wait, *(self._window(bucket).reserve(now) for _ in range(requests)))
            return max(wait, self._paused.get(bucket, 0.0) - now)

    def yield_to_others(self) -> None:
        """Leave more of the quota untouched from now on, since requests of low priority are the first to be refused."""
        with self._lock:
            self._general.reserve_share = LOW_PRIORITY_RESERVE

    def pause(self, bucket: Bucket) -> float:
        """Seconds that a 429 still holds this bucket; asked again after every wait."""
        with self._lock:
            return max(0.0, self._paused.get(bucket, 0.0) - self._clock())

    def settle(self, bucket: Bucket, estimated: float, seen: Seen) -> None:
        """Take in what an answer said; every `reserve` is followed by one."""
        with self._lock:
            now = self._clock()
            self._general.settle(now, estimated, seen)
            self._held_back(bucket, now, seen)

    def correct(self, bucket: Bucket, estimated: float, seen: Seen) -> None:
        """Take in what a part of a settled `$batch` said: `estimated` was reckoned for it, `seen` is what it cost."""
        with self._lock:
            now = self._clock()
            self._general.correct(now, estimated, seen)
            self._held_back(bucket, now, seen)

    def _held_back(self, bucket: Bucket, now: float, seen: Seen) -> None:
        if not seen.throttled:
            self._unknown_waits.pop(bucket, None)
            return
        if not bucket:
            self._general.emptied(now)
        wait = seen.wait_seconds
        if wait is None and self._paused.get(bucket, 0.0) <= now:
            # Requests that left together are refused together: that is one refusal, so it doubles once.
            wait = self._unknown_waits.get(bucket, UNKNOWN_WAIT_SECONDS)
            self._unknown_waits[bucket] = min(UNKNOWN_WAIT_SECONDS_MAX, wait * 2)
        self._paused[bucket] = max(self._paused.get(bucket, 0.0), now + (wait or 0.0))

    def _window(self, bucket: Bucket) -> WindowBucket:
        if bucket not in self._windows:
            share = self._share if bucket in SHARED_BUCKETS else 1.0
            self._windows[bucket] = WindowBucket(WINDOWS[bucket], share)
        return self._windows[bucket]

    def _allowed(self) -> float:
        return RESOURCE_UNITS_PER_WINDOW[self._size] * self._share


def tenant_size(users: int) -> TenantSize:
    """The size by which Graph sets the general limit."""
    return "S" if users < 50 else "M" if users <= 500 else "L"
