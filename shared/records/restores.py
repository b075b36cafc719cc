"""Restores: one row each, from the request to the proof; an index over what lies in the vault.

A restore's state goes planning → awaitingApproval or ready → applying → verifying → done, or ends failed or cancelled.
Changes are compare-and-swap, so of two callers one wins and the other sees what is there.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.table import Row, RowChanged, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, newest_first, utc_now

RestoreState = Literal[
    "planning", "awaitingApproval", "ready", "applying", "verifying", "done", "failed", "cancelled"
]
Credentials = Literal["none", "waiting", "fetched", "keyVault"]
"""Passwords that were made: none, to be fetched once, fetched, or (what was not fetched) in the tenant's Key Vault."""
ENDED: frozenset[RestoreState] = frozenset({"done", "failed", "cancelled"})
TRIES = 20


class Restore(TypedDict):
    """A restore as the HTTP interface shows it, and what Cairn needs to go on with it."""

    restoreId: str
    tenantId: str
    state: RestoreState
    planHash: str | None
    counts: dict[str, int]
    results: dict[str, int]
    stale: int
    requestedBy: str
    approvedBy: str | None
    reason: str
    source: dict[str, Any]
    selection: dict[str, Any]
    options: dict[str, Any]
    force: bool
    created: str
    modified: str
    planned: str | None
    applied: str | None
    taskId: str
    applyTaskId: str | None
    backupId: str | None
    beforeBackupId: str | None
    undoOf: str | None
    undoneBy: str | None
    findings: list[dict[str, Any]]
    missingPermissions: list[str]
    credentials: Credentials
    verification: dict[str, Any] | None
    message: str
    plan: str
    """Name of the plan's first page in the vault."""
    appliedAppOnly: bool
    scope: NotRequired[dict[str, list[str]] | None]
    """What it may write, where it may run beside others (`shared/recovery/scope`)."""


class Restores:
    """All restores of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def create(self, restore: Restore) -> Restore:
        """Write the new restore; safe to repeat: one of that id that exists is returned as it is."""
        now = self._clock()
        tenant_id, restore_id = restore["tenantId"], restore["restoreId"]
        place = f"{newest_first(now)}-{key_of(restore_id)}"
        try:
            await self._table.insert(Row(_by_id(tenant_id), key_of(restore_id), {"place": place}))
        except RowExists:
            found = await self.find(tenant_id, restore_id)
            if found is not None:
                return found
            pointer = await self._table.get(_by_id(tenant_id), key_of(restore_id))
            place = str(pointer.body["place"]) if pointer else place
        body = {**restore, "created": as_text(now), "modified": as_text(now)}
        try:
            await self._table.insert(Row(_of_tenant(tenant_id), place, body))
        except RowExists:
            return await self.get(tenant_id, restore_id)
        return cast(Restore, body)

    async def find(self, tenant_id: str, restore_id: str) -> Restore | None:
        """The restore, or None."""
        row = await self._row(tenant_id, restore_id)
        return None if row is None else cast(Restore, row.body)

    async def get(self, tenant_id: str, restore_id: str) -> Restore:
        """The restore; raises UnknownRecord."""
        found = await self.find(tenant_id, restore_id)
        if found is None:
            raise UnknownRecord(f"There is no restore {restore_id[:64]!r} in this tenant.")
        return found

    async def change(
        self, tenant_id: str, restore_id: str, change: Callable[[Restore], Mapping[str, Any] | None]
    ) -> Restore:
        """Apply what `change` says is new, unless it says None; return the restore as it then is."""
        for _ in range(TRIES):
            row = await self._row(tenant_id, restore_id)
            if row is None:
                raise UnknownRecord(f"There is no restore {restore_id[:64]!r} in this tenant.")
            restore = cast(Restore, row.body)
            new = change(restore)
            if new is None:
                return restore
            body = {**restore, **new, "modified": as_text(self._clock())}
            try:
                await self._table.update(row.with_body(body))
            except RowChanged:
                continue
            return cast(Restore, body)
        raise RowChanged(f"restore {restore_id} is changed by too many at once")

    async def set(self, tenant_id: str, restore_id: str, **new: Any) -> Restore:
        """Set these fields."""
        return await self.change(tenant_id, restore_id, lambda _: new)

    async def stream(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, Restore]]:
        """(place, restore) newest first."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after):
            yield row.key, cast(Restore, row.body)

    async def _row(self, tenant_id: str, restore_id: str) -> Row | None:
        pointer = await self._table.get(_by_id(tenant_id), key_of(restore_id))
        return pointer and await self._table.get(_of_tenant(tenant_id), str(pointer.body["place"]))


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"


def _by_id(tenant_id: str) -> str:
    return f"id|{tenant_id}"
