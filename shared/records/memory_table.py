"""A table in memory, for tests: the same law as Table Storage, nothing kept."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import replace

import orjson

from shared.records.table import LAST_KEY, PAGE, Row, RowChanged, RowExists


class MemoryTable:
    """Rows in a dict; each call is atomic, since none of them awaits anything."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._keys: defaultdict[str, list[str]] = defaultdict(list)
        self._etags = itertools.count(1)

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises RowExists."""
        if (row.partition, row.key) in self._rows:
            raise RowExists(f"row {row.key} exists")
        return self._store(row)

    async def upsert(self, row: Row) -> Row:
        """Store the row, whatever was there."""
        return self._store(row)

    async def update(self, row: Row) -> Row:
        """Store the row if what is stored still has its etag; raises RowChanged."""
        stored = self._rows.get((row.partition, row.key))
        if stored is None or stored.etag != row.etag:
            raise RowChanged(f"row {row.key} changed")
        return self._store(row)

    async def get(self, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        return self._copy(self._rows.get((partition, key)))

    async def query(self, partition: str, *, after: str = "", before: str = LAST_KEY, limit: int = PAGE) -> list[Row]:
        """Return the first `limit` rows between the two keys."""
        keys = self._keys[partition]
        found = keys[bisect_right(keys, after) : bisect_left(keys, before)][:limit]
        return [row for key in found if (row := self._copy(self._rows[partition, key])) is not None]

    async def delete(self, partition: str, key: str, *, etag: str = "") -> bool:
        """Delete the row and say whether it was there."""
        stored = self._rows.get((partition, key))
        if etag and (stored is None or stored.etag != etag):
            raise RowChanged(f"row {key} changed")
        if stored is None:
            return False
        del self._rows[partition, key]
        self._keys[partition].remove(key)
        return True

    def _store(self, row: Row) -> Row:
        place = (row.partition, row.key)
        if place not in self._rows:
            insort(self._keys[row.partition], row.key)
        # Through JSON, so that a body that Table Storage could not keep fails here too and nobody shares it.
        stored = replace(row, body=orjson.loads(orjson.dumps(row.body)), etag=f'W/"{next(self._etags)}"')
        self._rows[place] = stored
        return replace(stored, body=row.body)

    @staticmethod
    def _copy(row: Row | None) -> Row | None:
        return None if row is None else replace(row, body=orjson.loads(orjson.dumps(row.body)))
