"""Until when nothing is due in a tenant, so that a timer of each minute looks only where something may be.

A row a tenant, which may be missing or late: then the tenant is looked at for nothing. It is never too far ahead, since
whatever makes something due sooner ends the quiet, and what was found out before that is not noted any more.
"""

from collections.abc import Mapping
from datetime import datetime

from shared.records.table import Row, RowChanged, RowExists, Table, walk
from shared.records.times import as_text

PARTITION = "quiet"
"""Not kept in the vault: after a loss every tenant is looked at."""

_OVER = ""


class Quiet:
    """The quiet of all tenants."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def all(self) -> Mapping[str, Row]:
        """What was noted, by tenant, for `is_over` and `note`."""
        return {row.key: row async for row in walk(self._table, PARTITION)}

    async def note(self, tenant_id: str, until: datetime, *, seen: Row | None) -> None:
        """Nothing is due before then, by what was found out since `seen` was read; without effect where the quiet was
        ended meanwhile."""
        body = {"until": as_text(until)}
        try:
            if seen is None:
                await self._table.insert(Row(PARTITION, tenant_id.lower(), body))
            else:
                await self._table.update(seen.with_body(body))
        except (RowExists, RowChanged):
            return

    async def end(self, tenant_id: str) -> None:
        """Something may be due now, or sooner than it was; safe to repeat."""
        await self._table.upsert(Row(PARTITION, tenant_id.lower(), {"until": _OVER}))


def is_over(seen: Row | None, now: datetime) -> bool:
    """Whether a tenant must be looked at."""
    return seen is None or str(seen.body["until"]) <= as_text(now)
