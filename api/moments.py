"""Times in parameters: RFC 3339 with a zone, or a date that stands for all of its day."""

from datetime import UTC, date, datetime, time, timedelta

from api.problems import unprocessable, wrong
from shared.records.times import as_text, as_time


def moment(name: str, text: str | None, *, end: bool) -> str:
    """The time as records write it, of a date its beginning or its end; the first or the last of all for none; 422."""
    if text is None:
        return "9999" if end else ""
    try:
        if len(text) == len("2026-11-21"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return as_text(day + timedelta(days=1, milliseconds=-1)) if end else as_text(day)
        return as_text(as_time(text))
    except (ValueError, OverflowError):
        raise unprocessable(
            wrong(name, text, "a time with its zone (RFC 3339), such as 2026-11-21T08:30:00Z, or a date")
        ) from None
