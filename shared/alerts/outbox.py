"""The outbox: alerts that wait until Event Grid has taken them. Rows are written before the work goes on, and removed
only after delivery, so each alert is sent at least once; receivers tell repeats by the CloudEvent's id."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.records.table import Row, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, as_time, utc_now

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
"""An alert older than this is news to nobody: it is dropped, and its event says that it was not delivered."""

_WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its event, and how often sending was tried."""

    event_id: str
    event: Mapping[str, Any]
    queued: datetime
    tries: int
    not_before: datetime


class Outbox:
    """The alerts of all tenants that wait."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def put(self, event: Mapping[str, Any]) -> None:
        """Queue the event; safe to repeat, also after it was delivered."""
        now = as_text(self._clock())
        event_id = str(event["eventId"])
        try:
            await self._table.insert(Row(f"seen|{key_of(event_id)}", "alert", {"queued": now}))
        except RowExists:
            return
        body = {"event": dict(event), "queued": now, "tries": 0, "notBefore": now}
        await self._table.upsert(Row(_WAITING, key_of(event_id), body))

    async def due(self) -> AsyncIterator[Alert]:
        """Every alert whose time has come."""
        now = self._clock()
        async for row in walk(self._table, _WAITING):
            alert = Alert(
                row.body["event"]["eventId"], row.body["event"], as_time(row.body["queued"]), row.body["tries"],
                as_time(row.body["notBefore"]),
            )  # fmt: skip
            if alert.not_before <= now:
                yield alert

    async def delivered(self, alert: Alert) -> None:
        """Event Grid has it."""
        await self._table.delete(_WAITING, key_of(alert.event_id))

    async def postponed(self, alert: Alert) -> bool:
        """Try again later, each time after twice as long; False where it is given up instead."""
        now = self._clock()
        if now - alert.queued > GIVEN_UP_AFTER:
            await self.delivered(alert)
            return False
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2**alert.tries)
        body = {
            "event": dict(alert.event), "queued": as_text(alert.queued), "tries": alert.tries + 1,
            "notBefore": as_text(now + wait),
        }  # fmt: skip
        await self._table.upsert(Row(_WAITING, key_of(alert.event_id), body))
        return True
