"""How many requests of one session are on their way at once: more while that goes well, fewer when it does not.

The number rises by one each time a whole round of it succeeded, and falls by a third when Graph throttles or fails, at
most once a second, since requests that left together fail together.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

START = 16
LEAST = 2
MOST = 64
FALL = 2 / 3
FALL_SECONDS = 1.0


class Concurrency:
    """A gate that learns its width."""

    def __init__(self, *, start: int = START, most: int = MOST, clock: Callable[[], float] = monotonic) -> None:
        self._width = float(start)
        self._most = most
        self._clock = clock
        self._fell = -FALL_SECONDS
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def width(self) -> int:
        """How many may be on their way now."""
        return int(self._width)

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Inside, one request may be on its way; waiters enter in their order."""
        if self._inside >= self.width or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()  # it was let in and cancelled at once
                with suppress(ValueError):
                    self._waiting.remove(turn)
                raise
        else:
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    def went_well(self) -> None:
        """An answer came in good order; only a full gate is a reason to widen it."""
        if self._inside >= self.width:
            self._width = min(self._most, self._width + 1 / self._width)

    def went_badly(self) -> None:
        """A 429, a 5xx or a cut connection."""
        now = self._clock()
        if now - self._fell >= FALL_SECONDS:
            self._fell = now
            self._width = max(LEAST, self._width * FALL)

    def _leave(self) -> None:
        self._inside -= 1
        while self._waiting and self._inside < self.width:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
