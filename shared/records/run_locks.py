"""Run locks: one running operation of a kind per tenant (restores have a few such locks, see `shared/starting`).

A lock is a row that names the task that holds it. It has no lease: who finds it held asks whether that task's
orchestration still lives, and takes the lock over from a dead holder only.
"""

from dataclasses import dataclass

from shared.errors import Busy
from shared.records.table import Row, RowChanged, RowExists, Table, key_of
from shared.records.times import Clock, as_text, utc_now


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a lock, and since when (RFC 3339)."""

    task_id: str
    since: str


class RunLocks:
    """The locks of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def acquire(self, tenant_id: str, kind: str, task_id: str) -> None:
        """Hold the lock for the task; safe to repeat; raises Busy with the id of the task that holds it."""
        row = self._row(tenant_id, kind, task_id)
        try:
            await self._table.insert(row)
        except RowExists:
            held = await self.held(tenant_id, kind)
            if held is None:  # let go between the two calls
                return await self.acquire(tenant_id, kind, task_id)
            if held.task_id != task_id:
                raise Busy(f"A {kind} of this tenant is running already.", task_id=held.task_id) from None

    async def held(self, tenant_id: str, kind: str) -> Held | None:
        """Who holds the lock, or None."""
        row = await self._table.get(*_place(tenant_id, kind))
        return None if row is None else Held(str(row.body["taskId"]), str(row.body["since"]))

    async def release(self, tenant_id: str, kind: str, task_id: str) -> bool:
        """Let go if this task holds it, and say whether it did; safe to repeat."""
        row = await self._table.get(*_place(tenant_id, kind))
        if row is None or row.body["taskId"] != task_id:
            return False
        try:
            return await self._table.delete(row.partition, row.key, etag=row.etag)
        except RowChanged:
            return False

    async def take_over(self, tenant_id: str, kind: str, *, dead: str, task_id: str) -> None:
        """Take the lock from a task known to be dead; raises Busy if another one was faster."""
        row = await self._table.get(*_place(tenant_id, kind))
        if row is None or row.body["taskId"] != dead:
            return await self.acquire(tenant_id, kind, task_id)
        try:
            await self._table.update(row.with_body(self._row(tenant_id, kind, task_id).body))
        except RowChanged:
            return await self.acquire(tenant_id, kind, task_id)

    def _row(self, tenant_id: str, kind: str, task_id: str) -> Row:
        partition, key = _place(tenant_id, kind)
        return Row(partition, key, {"taskId": task_id, "since": as_text(self._clock())})


def _place(tenant_id: str, kind: str) -> tuple[str, str]:
    return f"lock|{tenant_id}", key_of(kind)
