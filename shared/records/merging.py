"""Walk several partitions at once in the order of their keys, which begin with the time and so are newest first."""

import heapq
from collections.abc import AsyncIterator, Collection

from shared.records.table import Row, Table, walk


async def newest(table: Table, partitions: Collection[str], *, after: str = "") -> AsyncIterator[Row]:
    """Every row of the partitions after that key, smallest key first; a page at a time, so memory stays flat."""
    page = 100 if len(partitions) > 1 else 500
    walks = [walk(table, partition, after=after, page=page) for partition in partitions]
    heads: list[tuple[str, int, Row]] = []
    for number, rows in enumerate(walks):
        first = await anext(rows, None)
        if first is not None:
            heads.append((first.key, number, first))
    heapq.heapify(heads)
    while heads:
        _, number, row = heads[0]
        yield row
        following = await anext(walks[number], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following.key, number, following))
