"""The virtual clock of a tenant: real time plus whatever tests have moved it by.

It only moves forward, so that no token or bin entry grows younger.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, and the same as Graph writes it."""

    def __init__(self, ahead_seconds: float = 0.0) -> None:
        self.ahead_seconds = ahead_seconds

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return time.time() + self.ahead_seconds

    def move(self, seconds: float) -> None:
        """Move forward; a negative step is refused with ValueError."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self.ahead_seconds += seconds

    def stamp(self) -> str:
        """Now, as Graph writes a dateTimeOffset (seconds, UTC)."""
        return written(self.now())


def written(seconds: float) -> str:
    """A moment as Graph writes a dateTimeOffset."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
