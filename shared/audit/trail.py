"""The audit trail in tables: each book a chain of rows, with copies that are listed newest first.

The row in the chain is the truth; it is inserted, never written over, under its number, so that of two writers one
waits its turn. Copies are written after it and mended when the book is sealed.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from shared.audit.entry import FIRST_PREVIOUS, AuditEntry, Deed, book_of, sealed_entry
from shared.records.merging import newest
from shared.records.table import Row, RowChanged, RowExists, Table, walk
from shared.records.times import Clock, as_text, as_time, newest_first, utc_now

TRIES = 50
MOST_ENTRIES = 10**12

_BOOKS = "books"


class AuditTrail:
    """All books of this deployment."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock
        self._last = datetime.min.replace(tzinfo=UTC)
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def append(self, deed: Deed) -> AuditEntry:
        """Return the deed as recorded; raises StoreUnavailable, and then it may have been."""
        book = book_of(deed["tenantId"])
        audit_id = str(uuid.uuid4())
        async with self._turns[book]:
            for _ in range(TRIES):
                head = await self.head(book)
                if head is None:
                    await self._table.upsert(Row(_BOOKS, book, {}))
                entry = sealed_entry(
                    deed, audit_id=audit_id, timestamp=as_text(self._moment()),
                    sequence=head["sequence"] + 1 if head else 1, previous=head["hash"] if head else FIRST_PREVIOUS,
                )
                try:
                    await self._table.insert(_chained(book, entry))
                except RowExists:
                    continue
                await self.list_entry(book, entry)
                return entry
        raise RowChanged("too many write to one book of the audit trail at once")

    async def put_back(self, book: str, entry: AuditEntry) -> None:
        """Write an entry that the vault kept, in its place in the chain; safe to repeat."""
        await self._table.upsert(_chained(book, entry))
        await self.list_entry(book, entry)

    def _moment(self) -> datetime:
        """Now, and later than the moment before, so that entries of one process are listed in their order."""
        self._last = max(self._clock(), self._last + timedelta(milliseconds=1))
        return self._last

    async def head(self, book: str) -> AuditEntry | None:
        """The newest entry of the book."""
        rows = await self._table.query(_chain(book), limit=1)
        return cast(AuditEntry, rows[0].body) if rows else None

    async def list_entry(self, book: str, entry: AuditEntry) -> None:
        """Write the copies that are listed; safe to repeat."""
        key = f"{newest_first(as_time(entry['timestamp']))}-{MOST_ENTRIES - entry['sequence']:012d}-{entry['auditId']}"
        body = cast(Mapping[str, Any], entry)
        await asyncio.gather(
            self._table.upsert(Row("listed|all", key, body)), self._table.upsert(Row(f"listed|{book}", key, body))
        )

    async def stream(
        self, tenants: Collection[str] | None, *, after: str = ""
    ) -> AsyncIterator[tuple[str, AuditEntry]]:
        """(place, entry) newest first: of these tenants, or (None) of all books."""
        partitions = ["listed|all"] if tenants is None else [f"listed|{tenant_id}" for tenant_id in tenants]
        async for row in newest(self._table, partitions, after=after):
            yield row.key, cast(AuditEntry, row.body)

    async def books(self) -> list[str]:
        """Every book that has an entry."""
        return [row.key async for row in walk(self._table, _BOOKS)]

    async def newest_of(self, book: str, *, down_to: int = 0) -> AsyncIterator[AuditEntry]:
        """The book's entries from the newest down to the one after `down_to`."""
        async for row in walk(self._table, _chain(book)):
            entry = cast(AuditEntry, row.body)
            if entry["sequence"] <= down_to:
                return
            yield entry

    async def sealed_up_to(self, book: str) -> int:
        """The number of the last entry that is known to be in the vault; 0 if none is."""
        row = await self._table.get(_BOOKS, book)
        return int(row.body.get("sealedUpTo", 0)) if row else 0

    async def note_sealed(self, book: str, sequence: int) -> None:
        """Remember how far the book is in the vault; safe to repeat."""
        await self._table.upsert(Row(_BOOKS, book, {"sealedUpTo": sequence}))


def _chain(book: str) -> str:
    return f"chain|{book}"


def _chained(book: str, entry: AuditEntry) -> Row:
    return Row(_chain(book), f"{MOST_ENTRIES - entry['sequence']:012d}", cast(Mapping[str, Any], entry))
