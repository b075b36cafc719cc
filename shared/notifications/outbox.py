"""The outbox of notifications: events that are to be told, deliveries that wait, and what became of each delivery.

An event's row is written before the work goes on. A delivery is a row until it was made or given up, so a restart loses
none; it may be made twice, and receivers tell repeats by its id. Rows name channels by their ids.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast

from shared.notifications.channels import ChannelKind
from shared.notifications.templates import TemplateName, template_of
from shared.records.table import Row, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, as_time, newest_first, utc_now

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)

_EVENTS, _WAITING = "events", "waiting"


class Delivery(TypedDict):
    """One notification on its way to one channel, as the HTTP interface shows it."""

    deliveryId: str
    tenantId: str
    eventId: str
    template: TemplateName
    channel: ChannelKind
    channelId: str
    status: str
    """waiting, sent or givenUp"""
    tries: int
    created: str
    modified: str
    lastError: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits, with its event."""

    delivery: Delivery
    event: Mapping[str, Any]
    not_before: datetime


class NotificationOutbox:
    """The notifications of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    def now(self) -> datetime:
        """The time of this outbox's clock."""
        return self._clock()

    async def put(self, event: Mapping[str, Any]) -> None:
        """Queue the event if it is one that people are told of; safe to repeat, also after it was told."""
        if template_of(str(event["code"])) is None:
            return
        event_id = key_of(str(event["eventId"]))
        try:
            await self._table.insert(Row(f"seen|{event_id}", "event", {"queued": as_text(self._clock())}))
        except RowExists:
            return
        await self._table.upsert(Row(_EVENTS, event_id, {"event": dict(event)}))

    async def events(self) -> AsyncIterator[Mapping[str, Any]]:
        """Events that were queued and not yet addressed."""
        async for row in walk(self._table, _EVENTS):
            yield row.body["event"]

    async def addressed(self, event: Mapping[str, Any]) -> None:
        """The event's deliveries are queued."""
        await self._table.delete(_EVENTS, key_of(str(event["eventId"])))

    def delivery(
        self, event: Mapping[str, Any], template: TemplateName, channel: ChannelKind, channel_id: str
    ) -> Delivery:
        """A new delivery; the same event and channel give the same id."""
        now = as_text(self._clock())
        return Delivery(
            deliveryId=key_of(str(event["eventId"]), channel_id), tenantId=str(event["tenantId"]),
            eventId=str(event["eventId"]), template=template, channel=channel, channelId=channel_id, status="waiting",
            tries=0, created=now, modified=now, lastError="",
        )  # fmt: skip

    async def wait(self, delivery: Delivery, event: Mapping[str, Any]) -> None:
        """Queue the delivery; safe to repeat."""
        body = {"delivery": dict(delivery), "event": dict(event), "notBefore": as_text(self._clock())}
        await self._table.upsert(Row(_WAITING, delivery["deliveryId"], body))
        await self.note(delivery)

    async def due(self) -> AsyncIterator[Waiting]:
        """Every delivery whose time has come."""
        now = self._clock()
        async for row in walk(self._table, _WAITING):
            not_before = as_time(row.body["notBefore"])
            if not_before <= now:
                yield Waiting(cast(Delivery, row.body["delivery"]), row.body["event"], not_before)

    async def sent(self, delivery: Delivery) -> Delivery:
        """The delivery was made."""
        done = self._changed(delivery, "sent", "")
        await self.note(done)
        await self._table.delete(_WAITING, delivery["deliveryId"])
        return done

    async def failed(self, waiting: Waiting, error: str, *, for_good: bool = False) -> Delivery:
        """It is tried again, each time after twice as long, or given up after days (or at once, `for_good`)."""
        delivery, now = waiting.delivery, self._clock()
        if for_good or now - as_time(delivery["created"]) > GIVEN_UP_AFTER:
            done = self._changed(delivery, "givenUp", error)
            await self.note(done)
            await self._table.delete(_WAITING, delivery["deliveryId"])
            return done
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** delivery["tries"])
        again = self._changed(delivery, "waiting", error)
        body = {"delivery": dict(again), "event": dict(waiting.event), "notBefore": as_text(now + wait)}
        await self._table.upsert(Row(_WAITING, delivery["deliveryId"], body))
        await self.note(again)
        return again

    async def note(self, delivery: Delivery) -> None:
        """Write how the delivery stands into the tenant's record; safe to repeat."""
        key = f"{newest_first(as_time(delivery['created']))}-{delivery['deliveryId']}"
        partition = f"record|{delivery['tenantId'].lower()}"
        await self._table.upsert(Row(partition, key, cast(Mapping[str, Any], delivery)))

    async def record(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, Delivery]]:
        """(place, delivery) of the tenant, newest first."""
        async for row in walk(self._table, f"record|{tenant_id.lower()}", after=after):
            yield row.key, cast(Delivery, row.body)

    def _changed(self, delivery: Delivery, status: str, error: str) -> Delivery:
        return {
            **delivery, "status": status, "tries": delivery["tries"] + 1, "modified": as_text(self._clock()),
            "lastError": error,
        }
