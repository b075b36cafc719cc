"""Events: what happened, one line each, by tenant, by task and by severity, newest first.

An event is written once: `record` takes a key of the caller's choosing, and the same key again changes nothing. The
row under that key is written first and holds the time, so a crash before the copies were written is mended by the
repetition. Events never change, so every index holds a whole copy. No message holds a secret or a personal value.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, Literal, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.merging import newest
from shared.records.table import Row, RowExists, Table, key_of
from shared.records.times import Clock, as_text, newest_first, utc_now

Severity = Literal["error", "warning", "information"]
_ID = re.compile(r"[0-9a-f]{32}")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "information")


type Hearer = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Hears of every event as it is written, and of a repeated one again; what it does must be safe to repeat."""


class EventObject(TypedDict):
    """The object of the directory that an event is about."""

    id: str
    type: str
    name: str


class EventTask(TypedDict):
    """The task that an event belongs to."""

    taskId: str
    name: str


class Event(TypedDict):
    """An event as the HTTP interface shows it."""

    eventId: str
    tenantId: str
    timestamp: str
    severity: Severity
    code: str
    message: str
    object: EventObject | None
    task: EventTask | None


class Events:
    """All events of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now, heard: Hearer | None = None) -> None:
        self._table = table
        self._clock = clock
        self._heard = heard

    async def record(
        self,
        key: str,
        *,
        tenant_id: str,
        severity: Severity,
        code: str,
        message: str,
        task: EventTask | None = None,
        object: EventObject | None = None,  # noqa: A002 - the field's name in the interface
    ) -> Event:
        """Write the event once for `key` (unique within the tenant) and return it as it was first written."""
        now = self._clock()
        event_id = key_of(tenant_id, key)
        place = f"{newest_first(now)}-{event_id}"
        event = Event(
            eventId=event_id, tenantId=tenant_id, timestamp=as_text(now), severity=severity, code=code,
            message=message, object=object, task=task,
        )
        try:
            await self._table.insert(Row(f"id|{event_id}", "event", {"place": place, "event": event}))
        except RowExists:
            first = await self._table.get(f"id|{event_id}", "event")
            if first is not None:
                place, event = first.body["place"], first.body["event"]
        body = cast(Mapping[str, Any], event)
        if self._heard is not None:
            await self._heard(body)
        await asyncio.gather(*(self._table.upsert(Row(partition, place, body)) for partition in _copies(event)))
        return event

    async def put_back(self, place: str, event: Event) -> None:
        """Write an event that the vault kept, where it stood; nobody hears of it again. Safe to repeat."""
        body = cast(Mapping[str, Any], event)
        await self._table.upsert(Row(f"id|{event['eventId']}", "event", {"place": place, "event": event}))
        await asyncio.gather(*(self._table.upsert(Row(partition, place, body)) for partition in _copies(event)))

    async def get(self, event_id: str) -> Event:
        """The event; raises UnknownRecord."""
        row = await self._table.get(f"id|{event_id}", "event") if _ID.fullmatch(event_id) else None
        if row is None:
            raise UnknownRecord(f"There is no event {event_id[:64]!r}.")
        return cast(Event, row.body["event"])

    async def stream(
        self,
        tenants: Collection[str] | None,
        *,
        after: str = "",
        severity: Severity | None = None,
        task_id: str | None = None,
    ) -> AsyncIterator[tuple[str, Event]]:
        """(place, event) newest first, of these tenants or (None) of all, narrowed by severity or task."""
        async for row in newest(self._table, _where(tenants, severity, task_id), after=after):
            event = cast(Event, row.body)
            foreign = tenants is not None and event["tenantId"] not in tenants
            if not foreign and severity in (None, event["severity"]):
                yield row.key, event


def _copies(event: Event) -> list[str]:
    tenant_id, severity, task = event["tenantId"], event["severity"], event["task"]
    partitions = ["all", f"tenant|{tenant_id}", f"severity|{severity}", f"severity|{severity}|{tenant_id}"]
    return [*partitions, f"task|{key_of(task['taskId'])}"] if task else partitions


def _where(tenants: Collection[str] | None, severity: Severity | None, task_id: str | None) -> list[str]:
    if task_id is not None:
        return [f"task|{key_of(task_id)}"]
    base = f"severity|{severity}" if severity else ""
    if tenants is None:
        return [base or "all"]
    return [f"{base or 'tenant'}|{tenant_id}" for tenant_id in tenants]
