"""The index of restore points: one row per sealed manifest, newest first per tenant.

The vault is the truth: a row is made from a manifest's summary, may be made again at any time, and holds nothing that
the manifest does not.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

from shared.errors import UnknownRecord
from shared.records.table import Row, Table, key_of, walk
from shared.records.times import as_time, newest_first

LATEST = "latest"
"""Stands for the newest restore point of kind `full` or `incremental`, in paths and bodies."""


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

    async def remove(self, tenant_id: str, backup_id: str) -> None:
        """Forget one that has expired; safe to repeat."""
        pointer = await self._table.get(_by_id(tenant_id), key_of(backup_id))
        if pointer is not None:
            await self._table.delete(_of_tenant(tenant_id), pointer.body["place"])
            await self._table.delete(_by_id(tenant_id), key_of(backup_id))

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
            async for _, point in self.stream(tenant_id):
                if point["kind"] != "beforeRestore":
                    return point
            raise UnknownRecord("This tenant has no restore point yet.")
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

    async def stream(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, RestorePoint]]:
        """(place, restore point) newest first; go on by giving the last place as `after`."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after):
            yield row.key, cast(RestorePoint, row.body)


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"


def _by_id(tenant_id: str) -> str:
    return f"id|{tenant_id}"
