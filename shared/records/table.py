"""The table that records are kept in: rows with a partition, a key, a JSON body and an etag.

Invariants
- Rows of a partition come in the order of their keys. Nothing spans two partitions atomically.
- Keys are made by Cairn, never taken from input: letters, digits and `-._:|`, at most 512 characters. What comes from
  outside goes through `key_of`, or has been checked to be a GUID.
- A body is one JSON object of at most 300 kB (of UTF-16).
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from shared.errors import RecordError

PAGE = 500
"""Rows asked for at once when walking a partition."""

LAST_KEY = "~"
"""Sorts after every allowed key."""

_KEY = re.compile(r"[A-Za-z0-9._:|-]{1,512}")


class RowExists(RecordError):
    """A row of that partition and key is there already."""


class RowChanged(RecordError):
    """The row is gone, or somebody changed it since it was read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `etag` is empty until it has been stored."""

    partition: str
    key: str
    body: Mapping[str, Any]
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse keys that Table Storage would not take, or that raw input could have shaped."""
        check_key(self.partition)
        check_key(self.key)

    def with_body(self, body: Mapping[str, Any]) -> Self:
        """The same row with another body."""
        return replace(self, body=body)


class Table(Protocol):
    """One table. Every call may raise StoreUnavailable; a write whose answer was lost may have been done."""

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises RowExists."""

    async def upsert(self, row: Row) -> Row:
        """Store the row, whatever was there."""

    async def update(self, row: Row) -> Row:
        """Store the row if what is stored still has `row.etag`; raises RowChanged."""

    async def get(self, partition: str, key: str) -> Row | None:
        """Return the row, or None."""

    async def query(self, partition: str, *, after: str = "", before: str = LAST_KEY, limit: int = PAGE) -> list[Row]:
        """Return the first `limit` rows whose key lies between the two, both excluded."""

    async def delete(self, partition: str, key: str, *, etag: str = "") -> bool:
        """Delete the row and say whether it was there; with `etag`, raises RowChanged if it differs."""


async def walk(
    table: Table, partition: str, *, after: str = "", before: str = LAST_KEY, page: int = PAGE
) -> AsyncIterator[Row]:
    """Every row of the partition between the two keys, in order, read `page` at a time."""
    while True:
        rows = await table.query(partition, after=after, before=before, limit=page)
        for row in rows:
            yield row
        if len(rows) < page:
            return
        after = rows[-1].key


def key_of(*parts: str) -> str:
    """A key (32 hex digits) that stands for any texts; different texts give different keys."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def check_key(key: str) -> None:
    """Raise ValueError unless the key is of Cairn's own making."""
    if not _KEY.fullmatch(key):
        raise ValueError("a table key may hold letters, digits and -._:| only; make it with key_of")
