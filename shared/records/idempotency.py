"""Idempotency keys: the same POST sent twice starts one task.

A claim names the task before anything else is written, so that a repetition after a crash goes on with the same task.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.errors import RecordError
from shared.records.table import Row, RowChanged, RowExists, Table, key_of
from shared.records.times import Clock, as_text, as_time, utc_now

KEPT = timedelta(hours=24)
"""After this a key may be used anew."""


class KeyReused(RecordError):
    """The Idempotency-Key was used before, with another request."""

    default_remedy = "Send a new Idempotency-Key with a new request."


@dataclass(frozen=True, slots=True)
class Claim:
    """The task that a key stands for; `first` says whether this call made the claim."""

    task_id: str
    first: bool


class IdempotencyKeys:
    """The keys of all callers."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def claim(self, scope: str, key: str, *, fingerprint: str, task_id: str) -> Claim:
        """Return the task that `key` stands for within `scope`; raises KeyReused if the request was another one."""
        now = self._clock()
        row = Row(*_place(scope, key), {"taskId": task_id, "fingerprint": fingerprint, "created": as_text(now)})
        try:
            await self._table.insert(row)
        except RowExists:
            stored = await self._table.get(row.partition, row.key)
            if stored is None:
                return await self.claim(scope, key, fingerprint=fingerprint, task_id=task_id)
            if now - as_time(stored.body["created"]) <= KEPT:
                if stored.body["fingerprint"] != fingerprint:
                    raise KeyReused("This Idempotency-Key was used with another request.") from None
                return Claim(str(stored.body["taskId"]), first=False)
            try:
                await self._table.update(stored.with_body(row.body))
            except RowChanged:
                return await self.claim(scope, key, fingerprint=fingerprint, task_id=task_id)
        return Claim(task_id, first=True)

    async def knows(self, scope: str, key: str) -> bool:
        """Whether the key stands for something; read-only."""
        stored = await self._table.get(*_place(scope, key))
        return stored is not None and self._clock() - as_time(stored.body["created"]) <= KEPT

    async def forget(self, scope: str, key: str) -> None:
        """Let the key be used anew, since what it stood for did not start; safe to repeat."""
        await self._table.delete(*_place(scope, key))


def _place(scope: str, key: str) -> tuple[str, str]:
    return f"key|{key_of(scope)}", key_of(key)
