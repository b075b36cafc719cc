"""Schedules of Privileged Identity Management: when they begin and end, and the requests that make them so. Pure.

Microsoft Graph takes no start in the past, so a schedule that had begun begins when it is made again; one that has
ended is left. Sources: Microsoft Graph "Create unifiedRoleEligibilityScheduleRequest", "Create
unifiedRoleAssignmentScheduleRequest", "Create privilegedAccessGroupEligibilityScheduleRequest", "requestSchedule",
"expirationPattern resource type".
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.recovery.state import Json

PIM = frozenset({"unifiedRoleEligibilitySchedule", "unifiedRoleAssignmentSchedule"})
GROUP_PIM = frozenset({"privilegedAccessGroupEligibilitySchedule", "privilegedAccessGroupAssignmentSchedule"})
SCHEDULES = PIM | GROUP_PIM

JUSTIFICATION = "Restored by Cairn"
NOW = "{now}"
"""Stands for the time at which the request goes out, so that equal situations make equal plans."""

_NAMES = ("principalId", "roleDefinitionId", "directoryScopeId", "appScopeId", "groupId", "accessId")
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


def why_over(body: Mapping[str, Any], now: datetime) -> str:
    """Why a schedule is not made again: it has ended; empty where it has not."""
    end = _end(body.get("scheduleInfo") or {})
    return f"it ended at {_text(end)}: a schedule in the past cannot be made" if end and end <= now else ""


def differs(wanted: Mapping[str, Any], present: Mapping[str, Any], now: datetime) -> bool:
    """Whether two schedules differ in more than a start that lies in the past on both sides."""
    ours, theirs = (body.get("scheduleInfo") or {} for body in (wanted, present))
    if _end(ours) != _end(theirs):
        return True
    starts = [max(start, now) if (start := _start(info)) else now for info in (ours, theirs)]
    return starts[0] != starts[1]


def request(body: Mapping[str, Any], action: str, now: datetime) -> Json:
    """The body of the request that makes (`adminAssign`) or changes (`adminUpdate`) the schedule."""
    info = body.get("scheduleInfo") or {}
    start, end = _start(info), _end(info)
    expiration = {"type": "afterDateTime", "endDateTime": _text(end)} if end else {"type": "noExpiration"}
    return {
        "action": action, "justification": JUSTIFICATION,
        **{name: body[name] for name in _NAMES if body.get(name) is not None},
        "scheduleInfo": {"startDateTime": _text(start) if start and start > now else NOW, "expiration": expiration},
    }


def removal(body: Mapping[str, Any]) -> Json:
    """The body of the request that ends the schedule."""
    return {
        "action": "adminRemove", "justification": JUSTIFICATION,
        **{name: body[name] for name in _NAMES if body.get(name) is not None},
    }


def _start(info: Mapping[str, Any]) -> datetime | None:
    return _time(info.get("startDateTime"))


def _end(info: Mapping[str, Any]) -> datetime | None:
    """None for one without an end."""
    expiration = info.get("expiration") or {}
    if expiration.get("type") == "noExpiration":
        return None
    end = _time(expiration.get("endDateTime"))
    if end is not None:
        return end
    start, length = _start(info), _length(expiration.get("duration"))
    return start + length if start is not None and length is not None else None


def _length(text: Any) -> timedelta | None:
    """An ISO 8601 duration; a year is taken as 365 days and a month as 30, as Microsoft Graph shows its own."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        return None
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in found.groups()[:6])
    return timedelta(
        days=years * 365 + months * 30 + weeks * 7 + days, hours=hours, minutes=minutes,
        seconds=float(found.group(7) or 0),
    )


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
