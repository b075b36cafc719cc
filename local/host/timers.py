"""The app's timers, fired by their schedule.

Invariants: one timer never overlaps itself; occurrences that pass while it runs, or while the machine sleeps,
are made up for by one run at most; a run that comes late is told so (`past_due`); `run_on_startup` fires once
at start, as on Azure. Nothing is remembered over a restart: what must be made up for then is the app's, with
`run_on_startup`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from local.host.functions import Datum, Function, Functions, Outcome
from local.host.schedule import Schedule, parse_schedule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["Timers"]

_logger = logging.getLogger("cairn.host")

LATE = timedelta(seconds=5)  # a timer fires within milliseconds; later than this the machine slept or was stopped
_LONGEST_SLEEP_SECONDS = 30.0  # so that a clock that was set, or a laptop that woke up, is noticed


def _now() -> datetime:
    return datetime.now(UTC)


class Timers:
    """Every timer of the app, from `start` to `stop`; the clock can be replaced for tests."""

    def __init__(
        self,
        functions: Functions,
        settings: Mapping[str, str],
        *,
        now: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._functions = functions
        self._now = now
        self._sleep = sleep
        self._timers = [
            (function, parse_schedule(str(function.trigger["schedule"]), function.name, settings))
            for function in functions.of_kind("timerTrigger")
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._locks = {function.name: asyncio.Lock() for function, _ in self._timers}

    def start(self) -> None:
        """Begin to keep the schedules; timers with run_on_startup fire now."""
        self._tasks = [
            asyncio.create_task(self._keep(function, schedule), name=f"timer {function.name}")
            for function, schedule in self._timers
        ]

    async def stop(self) -> None:
        """Fire no more; what runs is left to the drain of the functions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fire(self, name: str, *, past_due: bool = False) -> Outcome:
        """Run a timer now and return what it came to, after the run that is under way if there is one."""
        for function, schedule in self._timers:
            if function.name == name:
                return await self._fire(function, schedule, past_due=past_due)
        message = f"no timer is called {name}"
        raise LookupError(message)

    async def _keep(self, function: Function, schedule: Schedule) -> None:
        if function.trigger.get("runOnStartup"):
            await self._fire(function, schedule, past_due=False)
        while True:
            due = schedule.after(self._now())
            while (remaining := (due - self._now()).total_seconds()) > 0:
                await self._sleep(min(remaining, _LONGEST_SLEEP_SECONDS))
            await self._fire(function, schedule, past_due=self._now() - due > LATE)

    async def _fire(self, function: Function, schedule: Schedule, *, past_due: bool) -> Outcome:
        async with self._locks[function.name]:
            now = self._now()
            status = {
                "Last": now.isoformat(),
                "Next": schedule.after(now).isoformat(),
                "LastUpdated": now.isoformat(),
            }
            content = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
            outcome = await self._functions.invoke(function, Datum(json.dumps(content), "json"))
            if outcome.lingering is not None:
                await asyncio.wait({outcome.lingering})  # over its time, but no second run beside it
        if outcome.failure is not None:
            _logger.error("timer %s failed: %s", function.name, outcome.failure.type_name)
            _logger.debug("timer %s failed\n%s", function.name, outcome.failure.stack)
        return outcome
