"""Calls made at a time to come, all from one thread.

Invariants: calls run in the order of their times, one after the other; none runs after `stop`; a call that
raises is logged and does not end the thread.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarms"]

_logger = logging.getLogger("cairn.host")

# A sleep no longer than this follows a wall clock that is set, and a laptop that wakes up.
_LONGEST_SLEEP_SECONDS = 30.0


class Alarms:
    """One thread that makes calls at their time; safe to use from every thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def after(self, delay_seconds: float, call: Callable[[], None]) -> None:
        """Make the call once the delay is over; after `stop` it is never made."""
        with self._changed:
            if self._stopped:
                return
            heapq.heappush(self._waiting, (time.time() + max(0.0, delay_seconds), next(self._order), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Forget every call that waits and end the thread; safe to repeat."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._waiting or self._waiting[0][0] > time.time()):
                    due = self._waiting[0][0] - time.time() if self._waiting else _LONGEST_SLEEP_SECONDS
                    self._changed.wait(min(max(0.0, due), _LONGEST_SLEEP_SECONDS))
                if self._stopped:
                    return
                call = heapq.heappop(self._waiting)[2]
            try:
                call()
            except Exception:
                _logger.exception("a timed call failed")
