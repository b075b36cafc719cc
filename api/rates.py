"""How often one caller may ask, and how many of its refusals are recorded.

Each caller has a bucket of tokens, in each process by itself. It holds a sixth of what a minute brings, so a burst is
served at once and a flood is not. Full buckets are forgotten, so that memory does not grow with the callers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_BUCKETS = 10_000
REFUSALS_A_MINUTE = 30
MOST_CALLERS = 1000


@dataclass(slots=True)
class Rates:
    """The buckets of this process; `per_minute` is what each brings."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_seconds(self, caller: str) -> float:
        """0 and one request taken, or how long the caller must wait for the next."""
        now, size, a_second = self.clock(), max(self.per_minute / 6, 1.0), self.per_minute / 60
        left, seen = self._buckets.get(caller, (size, now))
        left = min(size, left + (now - seen) * a_second)
        if left < 1:
            self._buckets[caller] = (left, now)
            return (1 - left) / a_second
        self._buckets[caller] = (left - 1, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._forget_full(now, size, a_second)
        return 0.0

    def _forget_full(self, now: float, size: float, a_second: float) -> None:
        kept = {
            name: (left, seen) for name, (left, seen) in self._buckets.items() if left + (now - seen) * a_second < size
        }
        self._buckets.clear()
        # Should all be in use at once, the oldest start anew.
        self._buckets.update(list(kept.items())[-MOST_BUCKETS // 2 :])


@dataclass(slots=True)
class RefusalBudget:
    """How many refusals of each caller were recorded in this minute, and how many were not."""

    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def take(self, caller: str) -> int | None:
        """How many were not recorded before this one; None if this one is not to be recorded either."""
        minute = int(self.clock() // 60)
        seen_minute, count, passed_over = self._seen.get(caller, (minute, 0, 0))
        if seen_minute != minute:
            count = 0
        if count >= REFUSALS_A_MINUTE:
            self._seen[caller] = (minute, count, passed_over + 1)
            return None
        if caller not in self._seen and len(self._seen) >= MOST_CALLERS:
            self._seen.clear()
        self._seen[caller] = (minute, count + 1, 0)
        return passed_over
