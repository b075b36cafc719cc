"""When a timer fires: NCRONTAB as the Functions timer trigger takes it, in UTC.

Five fields (minute first) or six (second first); `%NAME%` stands for a setting. Invariant: an expression that
Azure would refuse is refused here, so croniter's own extensions (L, W, #, ?, @daily, hashes, day 7) do not
pass. A day of the month and a day of the week must both match, as in NCRONTAB; cron itself would take either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from croniter import CroniterBadCronError, croniter

from local.host.errors import NotSupported

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Schedule", "parse_schedule"]

_SETTING = re.compile(r"%([^%]+)%")
_NUMBERS = re.compile(r"[0-9*/,\-]+")
_MONTHS = re.compile(r"(?:[0-9*/,\-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+", re.IGNORECASE)
_DAYS = re.compile(r"(?:[0-6*/,\-]|sun|mon|tue|wed|thu|fri|sat)+", re.IGNORECASE)
_TIMESPAN = re.compile(r"(?:\d+\.)?\d{1,2}:\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One NCRONTAB expression of six fields."""

    expression: str

    def after(self, moment: datetime) -> datetime:
        """Return the first time strictly after the moment, in UTC."""
        times = croniter(
            self.expression, moment.astimezone(UTC), ret_type=datetime, second_at_beginning=True, day_or=False
        )
        following: datetime = times.get_next()
        return following.astimezone(UTC)


def parse_schedule(text: str, function: str, settings: Mapping[str, str]) -> Schedule:
    """Return the schedule of a timer; raises NotSupported with the function's name and what is wrong."""

    def setting(match: re.Match[str]) -> str:
        if match[1] not in settings:
            raise _refusal(function, text, f"the setting {match[1]} is not set")
        return settings[match[1]]

    expression = " ".join(_SETTING.sub(setting, text).split())
    if _TIMESPAN.fullmatch(expression):
        raise _refusal(function, expression, "a TimeSpan runs only on a dedicated plan; write NCRONTAB")
    fields = expression.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6:
        raise _refusal(function, expression, "NCRONTAB has five fields, or six with seconds first")
    for field, shape in zip(fields, [*[_NUMBERS] * 4, _MONTHS, _DAYS], strict=True):
        if not shape.fullmatch(field):
            raise _refusal(function, expression, f"{field!r} is not NCRONTAB")
    schedule = Schedule(" ".join(fields))
    try:
        schedule.after(datetime.now(UTC))
    except (CroniterBadCronError, ValueError, KeyError) as error:  # croniter's own errors are ValueErrors too
        raise _refusal(function, expression, str(error)) from None
    return schedule


def _refusal(function: str, expression: str, reason: str) -> NotSupported:
    return NotSupported(f"timer {function}: the schedule {expression!r} cannot be used: {reason}")
