"""Times as searches write them: a year, month, week, day or second, each standing for all of its time."""

import re
from datetime import UTC, date, datetime, time, timedelta

EXPECTED = (
    "a time: 2017-06-27, 2017-06-27T09:03:27Z (a zone such as +03 or -05:00, else UTC), 2017-06, 2017, "
    "a week as 2017-W03, or a day of the year as 2017-050"
)

_TIME = re.compile(
    r"""(?P<year>\d{4})
        (?: -[Ww](?P<week>\d{1,2})(?:-(?P<weekday>[1-7]))?
          | -(?P<ordinal>\d{3})
          | -(?P<month>\d{2})
            (?: -(?P<day>\d{2})
                (?: [Tt](?P<hour>\d{2})(?: :(?P<minute>\d{2})(?: :(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?)?
                    (?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?)?
        )?""",
    re.VERBOSE | re.ASCII,
)


def interval(text: str) -> tuple[datetime, datetime]:
    """The time that the text stands for, from its start to before its end; ValueError if it is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    try:
        return _interval(found)
    except OverflowError:
        raise ValueError(text) from None


def _interval(found: re.Match[str]) -> tuple[datetime, datetime]:
    year = int(found["year"])
    if found["week"]:
        start = date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
        return _days(start, start + timedelta(days=1 if found["weekday"] else 7))
    if found["ordinal"]:
        start = date(year, 1, 1) + timedelta(days=int(found["ordinal"]) - 1)
        if start.year != year:
            raise ValueError(found.group())
        return _days(start, start + timedelta(days=1))
    if found["month"] is None:
        return _days(date(year, 1, 1), date(year + 1, 1, 1))
    month = int(found["month"])
    if found["day"] is None:
        start = date(year, month, 1)
        return _days(start, date(year + month // 12, month % 12 + 1, 1))
    start = date(year, month, int(found["day"]))
    if found["hour"] is None:
        return _days(start, start + timedelta(days=1))
    return _clock(found, start)


def _clock(found: re.Match[str], day: date) -> tuple[datetime, datetime]:
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    microsecond = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    moment = datetime.combine(day, time(hour, minute, second, microsecond, UTC)) - _offset(found["zone"])
    if found["minute"] is None:
        return moment, moment + timedelta(hours=1)
    if found["second"] is None:
        return moment, moment + timedelta(minutes=1)
    return moment, moment + timedelta(milliseconds=1) if found["fraction"] else moment + timedelta(seconds=1)


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z", "z"):
        return timedelta()
    assert zone is not None  # noqa: S101 - said above, for the type checker
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _days(start: date, end: date) -> tuple[datetime, datetime]:
    return datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC)
