"""Which rows of which tables the vault keeps, and a table that keeps them: each state once, never changed.

Invariants
- A row that was answered for is in the vault. What a crash between table and vault left out is put there by the
  repetition of the call; closed tasks go to the vault first, since nobody closes a task twice.
- Names hold a table, a time and a hash: nothing of what was written. States of one row sort by their names.
- Secrets stay encrypted as the row has them: whoever has the vault and not the wrapping key reads none.
- Not kept: what follows from elsewhere (restore points, copies of events), what means nothing after a loss (locks,
  idempotency keys, alerts and notifications that wait, open tasks, until when a tenant is quiet), and difference
  reports, whose changes lie in the workspace.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from shared.records.table import LAST_KEY, PAGE, Row, RowExists, Table, key_of
from shared.records.tasks import OPEN
from shared.records.times import Clock, as_text, utc_now
from shared.repository.names import tenant_prefix
from shared.repository.retention import put_same
from shared.repository.store import BlobStore
from shared.settings import GUID
from shared.tenants.quiet import PARTITION as QUIET

FORMAT = "cairn-record"
VERSION = 1
KEPT_FOR = timedelta(days=1825)
"""Of a state; nothing deletes it afterwards either."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How rows of one table are kept: in which tenant's folder ("" means the deployment's; None: not at all)."""

    folder: Callable[[Row], str | None]
    once: bool = False
    """Rows are written once and never change, so that their name needs no time."""
    ahead: bool = False
    """Kept before the table has it."""


def _everything(_: Row) -> str | None:
    return ""


def _registered(row: Row) -> str | None:
    return None if row.partition == QUIET else ""


def _of_partition(row: Row) -> str | None:
    return row.partition.rsplit("|", 1)[-1]


def _closed_task(row: Row) -> str | None:
    status = row.body.get("status")
    return None if status is None or status in OPEN else str(row.body["tenantId"])


def _event(row: Row) -> str | None:
    return str(row.body["event"]["tenantId"]) if row.partition.startswith("id|") else None


def _told(row: Row) -> str | None:
    """Channels, and deliveries that were made or given up; what waits is lost with its outbox."""
    ended = row.body.get("status") in (None, "sent", "givenUp")
    return _of_partition(row) if row.partition.startswith(("channels|", "record|")) and ended else None


KEPT: Mapping[str, Keeping] = {
    "cairnTenants": Keeping(_registered),
    "cairnAccess": Keeping(_everything),
    "cairnConsents": Keeping(_of_partition),
    "cairnNotifications": Keeping(_told),
    "cairnRestores": Keeping(_of_partition),
    "cairnIdentityMap": Keeping(_of_partition, once=True),
    "cairnTasks": Keeping(_closed_task, ahead=True),
    "cairnEvents": Keeping(_event, once=True),
}
"""By table."""


def kept(name: str, table: Table, vault: BlobStore, *, clock: Clock = utc_now) -> Table:
    """The table, or one around it that keeps its rows in the vault."""
    keeping = KEPT.get(name)
    return table if keeping is None else KeptTable(name, table, vault, keeping, clock=clock)


def folder_of(owner: str, table: str) -> str:
    """Where the rows of a tenant (or, with no GUID, of the deployment) lie."""
    base = tenant_prefix(owner) if GUID.fullmatch(owner) else ""
    return f"{base}records/{table}/"


def row_of(name: str) -> str:
    """What in a kept state's name stands for its row: the same in all states of one row."""
    parts = name.rpartition("/")[2].removesuffix(".json").split("-")
    return parts[1] if len(parts) == 3 else parts[0]


class KeptTable:
    """A table whose rows also go to the vault."""

    def __init__(self, name: str, table: Table, vault: BlobStore, keeping: Keeping, *, clock: Clock) -> None:
        self._name = name
        self._table = table
        self._vault = vault
        self._keeping = keeping
        self._clock = clock

    async def insert(self, row: Row) -> Row:
        """See Table; a row that exists already is kept as it is, should an earlier call have been cut off."""
        if self._keeping.ahead:
            await self._keep(row)
        try:
            stored = await self._table.insert(row)
        except RowExists:
            existing = await self._table.get(row.partition, row.key)
            if existing is not None and self._keeping.once:
                await self._keep(existing)
            raise
        return await self._after(stored)

    async def upsert(self, row: Row) -> Row:
        """See Table."""
        if self._keeping.ahead:
            await self._keep(row)
        return await self._after(await self._table.upsert(row))

    async def update(self, row: Row) -> Row:
        """See Table."""
        if self._keeping.ahead:
            await self._keep(row)
        return await self._after(await self._table.update(row))

    async def get(self, partition: str, key: str) -> Row | None:
        """See Table."""
        return await self._table.get(partition, key)

    async def query(self, partition: str, *, after: str = "", before: str = LAST_KEY, limit: int = PAGE) -> list[Row]:
        """See Table."""
        return await self._table.query(partition, after=after, before=before, limit=limit)

    async def delete(self, partition: str, key: str, *, etag: str = "") -> bool:
        """See Table; that the row is gone is kept as well, and before it is, should the call be cut off in between."""
        if self._keeping.ahead or self._keeping.once:
            return await self._table.delete(partition, key, etag=etag)
        was = await self._table.get(partition, key)
        if was is not None and etag in ("", was.etag):
            await self._keep(was, gone=True)
        return await self._table.delete(partition, key, etag=etag)

    async def _after(self, row: Row) -> Row:
        if not self._keeping.ahead:
            await self._keep(row)
        return row

    async def _keep(self, row: Row, *, gone: bool = False) -> None:
        owner = self._keeping.folder(row)
        if owner is None:
            return
        body = None if gone else dict(row.body)
        written: dict[str, Any] = {"partition": row.partition, "key": row.key, "body": body}
        stem = key_of(row.partition, row.key)
        if not self._keeping.once:
            now = self._clock()
            written["at"] = as_text(now)
            microseconds = (now - _EPOCH) // timedelta(microseconds=1)
            stem = f"{microseconds:017d}-{stem}-{key_of(orjson.dumps(body).decode())[:8]}"
        content = orjson.dumps(
            {"format": FORMAT, "formatVersion": VERSION, "table": self._name, **written}, option=orjson.OPT_SORT_KEYS
        )
        name = f"{folder_of(owner, self._name)}{stem}.json"
        await put_same(self._vault, name, content, retain_until=self._clock() + KEPT_FOR)
