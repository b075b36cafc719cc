"""Times as records keep them: UTC, RFC 3339, milliseconds, `Z`; and the key part that sorts newest first."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 253_402_300_799_999  # the end of the year 9999, so that the difference always has 15 digits


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """`2026-11-21T08:30:00.000Z`; texts of two times sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_time(text: str) -> datetime:
    """The time that `as_text` (or any RFC 3339 text with a zone) stands for; raises ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return moment.astimezone(UTC)


def newest_first(moment: datetime) -> str:
    """15 digits that are smaller the later the time, since Table Storage only sorts upwards."""
    milliseconds = (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
    return f"{_LAST_MILLISECOND - milliseconds:015d}"
