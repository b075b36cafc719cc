"""The index of restore points: one row per sealed manifest, newest first per tenant.

Two more rows lead to it: by its id, and by the time when it expires. The vault is the truth: a row is made from a
manifest's summary, may be made again at any time, and holds nothing that the manifest does not.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.table import LAST_KEY, PAGE, Row, Table, key_of, walk
from shared.records.times import as_text, as_time, newest_first

LATEST = "latest"
"""Stands for the newest restore point of kind `full` or `incremental`, in paths and bodies."""


_A_FEW = 5
"""Rows read at a time where the newest one mostly is what is looked for."""

_EXPIRING = "expiring"


class TypeCoverage(TypedDict):
    """What was read of one object type; `reason` and `remedy` are empty when all was."""

    type: str
    outcome: str
    count: int
    reason: str
    remedy: str
    readAt: str | None


class RestorePoint(TypedDict):
    """A restore point as the HTTP interface shows it, and its coverage in detail, which has a route of its own."""

    backupId: str
    tenantId: str
    kind: Literal["full", "incremental", "beforeRestore"]
    status: Literal["packed", "unpacked"]
    outcome: str
    started: str
    finished: str
    durationSeconds: float
    sizeBytes: int
    counts: dict[str, int]
    guests: NotRequired[int]
    """How many of the users are guests; they count among the users too."""
    coverage: dict[str, str]
    expires: str
    requests: int
    resourceUnits: int
    unpackedBytes: NotRequired[int]
    """Size of its browsable index, which neighbours may share; absent while packed."""
    taskId: NotRequired[str]
    manifestSha256: NotRequired[str]
    """Recorded outside the vault, so that a chain that was cut off at its end shows."""
    coverageDetails: NotRequired[list[TypeCoverage]]


class RestorePoints:
    """The restore points of all tenants."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def upsert(self, point: RestorePoint) -> None:
        """Make the row from a manifest's summary; safe to repeat."""
        backup_id, tenant_id = point["backupId"], point["tenantId"]
        place = f"{newest_first(as_time(point['started']))}-{key_of(backup_id)}"
        body = cast(Mapping[str, Any], point)
        await self._table.upsert(Row(_of_tenant(tenant_id), place, body))
        await self._table.upsert(Row(_by_id(tenant_id), key_of(backup_id), {"place": place}))
        await self._table.upsert(Row(_EXPIRING, _expiring_key(point), {"tenantId": tenant_id}))

    async def remove(self, tenant_id: str, backup_id: str) -> None:
        """Forget one that has expired; safe to repeat."""
        pointer = await self._table.get(_by_id(tenant_id), key_of(backup_id))
        if pointer is not None:
            row = await self._table.get(_of_tenant(tenant_id), pointer.body["place"])
            if row is not None:  # what says that it expires goes first: else it would be due for ever after a crash
                await self._table.delete(_EXPIRING, _expiring_key(cast(RestorePoint, row.body)))
            await self._table.delete(_of_tenant(tenant_id), pointer.body["place"])
            await self._table.delete(_by_id(tenant_id), key_of(backup_id))

    async def expired(self, now: datetime) -> list[str]:
        """The tenants in which some restore point has expired and is still here. Costs what has, not what there is."""
        rows = walk(self._table, _EXPIRING, before=as_text(now) + LAST_KEY)
        return sorted({str(row.body["tenantId"]) async for row in rows})

    async def set_unpacked(self, tenant_id: str, backup_id: str, size_bytes: int) -> None:
        """Say that its browsable index stands, and how large it is; raises UnknownRecord. Safe to repeat."""
        point = await self.get(tenant_id, backup_id)
        await self.upsert({**point, "status": "unpacked", "unpackedBytes": size_bytes})

    async def set_packed(self, tenant_id: str, backup_id: str) -> None:
        """Say that it has no browsable index any more; raises UnknownRecord. Safe to repeat."""
        point = await self.get(tenant_id, backup_id)
        point.pop("unpackedBytes", None)
        await self.upsert({**point, "status": "packed"})

    async def get(self, tenant_id: str, backup_id: str) -> RestorePoint:
        """The restore point of that id, or the newest one for `latest`; raises UnknownRecord."""
        if backup_id == LATEST:
            _, latest = await self.newest(tenant_id)
            if latest is None:
                raise UnknownRecord("This tenant has no restore point yet.")
            return latest
        pointer = await self._table.get(_by_id(tenant_id), key_of(backup_id))
        row = pointer and await self._table.get(_of_tenant(tenant_id), pointer.body["place"])
        if row is None:
            raise UnknownRecord(f"There is no restore point {backup_id[:64]!r} in this tenant.")
        return cast(RestorePoint, row.body)

    async def newest_sealed(self, tenant_id: str) -> tuple[str, str] | None:
        """(backupId, SHA-256 of its manifest) of the newest restore point of any kind, or None."""
        newest: tuple[str, str] | None = None
        async for _, point in self.stream(tenant_id):
            digest = point.get("manifestSha256", "")
            if digest and (newest is None or point["backupId"] > newest[0]):
                newest = point["backupId"], digest
        return newest

    async def newest(self, tenant_id: str) -> tuple[RestorePoint | None, RestorePoint | None]:
        """The newest restore point of any kind, and the newest that is no image taken before a restore."""
        newest: RestorePoint | None = None
        async for _, point in self.stream(tenant_id, page=_A_FEW):
            newest = newest or point
            if point["kind"] != "beforeRestore":
                return newest, point
        return newest, None

    async def stream(
        self, tenant_id: str, *, after: str = "", page: int = PAGE
    ) -> AsyncIterator[tuple[str, RestorePoint]]:
        """(place, restore point) newest first, read `page` at a time; go on by giving the last place as `after`."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after, page=page):
            yield row.key, cast(RestorePoint, row.body)


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"


def _by_id(tenant_id: str) -> str:
    return f"id|{tenant_id}"


def _expiring_key(point: RestorePoint) -> str:
    """Sorts by the time when it expires; that never changes."""
    return f"{as_text(as_time(point['expires']))}|{point['tenantId']}|{key_of(point['backupId'])}"
