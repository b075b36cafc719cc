"""The registry: which tenants are protected here, with their settings and the starts of their backups.

One row each for the tenant, its settings and its history, in the tenant's own partition; `all` holds a pointer a
tenant, `quiet` until when nothing is due in it. Unregistering keeps restore points: they stay until they expire.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, cast

from shared.errors import DuplicateTenant, UnknownTenant
from shared.records.table import Row, RowChanged, RowExists, Table, walk
from shared.records.times import Clock, as_text, as_time, utc_now
from shared.settings import GUID, CloudName
from shared.tenants.quiet import Quiet
from shared.tenants.schedule import History
from shared.tenants.settings import TenantSettings

TenantKind = Literal["workforce", "b2c", "external"]
TRIES = 20


class Tenant(TypedDict):
    """A tenant as the HTTP interface shows it."""

    tenantId: str
    displayName: str
    cloud: CloudName
    kind: TenantKind
    created: str
    createdBy: str
    modified: str


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """A tenant's settings with the etag of the row that holds them; empty if they are still the defaults."""

    settings: TenantSettings
    etag: str


class Tenants:
    """All tenants of this deployment."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock
        self.quiet = Quiet(table)

    async def register(
        self, *, tenant_id: str, display_name: str, cloud: CloudName, kind: TenantKind, created_by: str
    ) -> Tenant:
        """Return the new tenant; raises DuplicateTenant."""
        now = as_text(self._clock())
        tenant = Tenant(
            tenantId=tenant_id, displayName=display_name, cloud=cloud, kind=kind, created=now, createdBy=created_by,
            modified=now,
        )
        # The pointer first: should the rest fail, it leads nowhere and is passed over.
        await self._table.upsert(Row("all", tenant_id, {}))
        try:
            await self._table.insert(Row(_partition(tenant_id), "tenant", cast(Mapping[str, Any], tenant)))
        except RowExists:
            raise DuplicateTenant(f"Tenant {tenant_id} is registered already.") from None
        await self.forget(tenant_id)
        return tenant

    async def find(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None if it is not registered (or the id is no GUID)."""
        row = await self._tenant_row(tenant_id)
        return None if row is None else cast(Tenant, row.body)

    async def get(self, tenant_id: str) -> Tenant:
        """The tenant; raises UnknownTenant."""
        tenant = await self.find(tenant_id)
        if tenant is None:
            raise UnknownTenant(f"There is no tenant {tenant_id[:64]!r} here.")
        return tenant

    async def stream(self, *, after: str = "") -> AsyncIterator[tuple[str, Tenant]]:
        """(place, tenant) in the order of their ids."""
        async for tenant_id in self.ids(after=after):
            tenant = await self.find(tenant_id)
            if tenant is not None:
                yield tenant_id, tenant

    async def ids(self, *, after: str = "") -> AsyncIterator[str]:
        """The ids in their order, of tenants that are being registered or unregistered too."""
        async for pointer in walk(self._table, "all", after=after):
            yield pointer.key

    async def change(self, tenant_id: str, change: Callable[[Tenant], Tenant]) -> Tenant:
        """Return the tenant as changed; raises UnknownTenant."""
        for _ in range(TRIES):
            row = await self._tenant_row(tenant_id)
            if row is None:
                raise UnknownTenant(f"There is no tenant {tenant_id[:64]!r} here.")
            changed: Tenant = {**change(cast(Tenant, row.body)), "modified": as_text(self._clock())}
            try:
                await self._table.update(row.with_body(cast(Mapping[str, Any], changed)))
            except RowChanged:
                continue
            return changed
        raise RowChanged(f"tenant {tenant_id} is changed by too many at once")

    async def unregister(self, tenant_id: str) -> bool:
        """Forget tenant, settings and history, and say whether it was there; its restore points stay until they
        expire, for which it is remembered as a former one."""
        if await self._tenant_row(tenant_id) is None:
            return False
        tenant_id = tenant_id.lower()
        await self._table.upsert(Row("former", tenant_id, {}))
        for key in ("settings", "history", "tenant"):
            await self._table.delete(_partition(tenant_id), key)
        await self._table.delete("all", tenant_id)
        return True

    async def former(self) -> AsyncIterator[str]:
        """Tenants that are not registered any more and may still have restore points."""
        async for row in walk(self._table, "former"):
            yield row.key

    async def forget(self, tenant_id: str) -> None:
        """A former tenant has nothing left here; safe to repeat."""
        await self._table.delete("former", tenant_id.lower())
        await self.quiet.end(tenant_id)

    async def settings(self, tenant_id: str) -> StoredSettings:
        """Its settings, or the defaults if none were ever set; the tenant is not checked."""
        row = await self._table.get(_partition(tenant_id), "settings")
        if row is None:
            return StoredSettings(TenantSettings(), "")
        return StoredSettings(TenantSettings.model_validate(row.body["settings"]), row.etag)

    async def set_settings(
        self, tenant_id: str, settings: TenantSettings, *, by: str, etag: str | None = None
    ) -> StoredSettings:
        """Replace the settings; with `etag` (as `settings` gave it) only if they are still those, else RowChanged."""
        old = await self.settings(tenant_id)
        if etag is not None and etag != old.etag:
            raise RowChanged(f"settings of tenant {tenant_id} changed")
        now = as_text(self._clock())
        kept = settings.model_copy(update={"run_now": False})
        if kept.schedule != old.settings.schedule:
            await self._set_history(tenant_id, lambda history: {**history, "since": now})
        row = Row(
            _partition(tenant_id), "settings",
            {"settings": kept.model_dump(by_alias=True), "modified": now, "modifiedBy": by}, old.etag,
        )
        if etag is None:
            stored = await self._table.upsert(row)
        elif old.etag:
            stored = await self._table.update(row)
        else:
            stored = await self._insert_settings(row)
        await self.quiet.end(tenant_id)
        return StoredSettings(kept, stored.etag)

    async def history(self, tenant_id: str) -> History:
        """What the schedule must know of the past."""
        row = await self._table.get(_partition(tenant_id), "history")
        body = row.body if row else {}
        since = body.get("since") or (await self.get(tenant_id))["created"]
        return History(
            since=as_time(since), first_started=_moment(body, "firstStarted"), last_started=_moment(body, "lastStarted")
        )

    async def backup_started(self, tenant_id: str, moment: datetime) -> None:
        """Note that a backup started then; safe to repeat."""
        text = as_text(moment)

        def note(history: Mapping[str, Any]) -> dict[str, Any]:
            first, last = history.get("firstStarted") or text, history.get("lastStarted") or text
            return {**history, "firstStarted": min(first, text), "lastStarted": max(last, text)}

        await self._set_history(tenant_id, note)

    async def _set_history(self, tenant_id: str, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        for _ in range(TRIES):
            row = await self._table.get(_partition(tenant_id), "history")
            try:
                if row is None:
                    await self._table.insert(Row(_partition(tenant_id), "history", change({})))
                else:
                    await self._table.update(row.with_body(change(row.body)))
            except (RowExists, RowChanged):
                continue
            return
        raise RowChanged(f"history of tenant {tenant_id} is changed by too many at once")

    async def _insert_settings(self, row: Row) -> Row:
        try:
            return await self._table.insert(row)
        except RowExists:
            raise RowChanged("the settings were set meanwhile") from None

    async def _tenant_row(self, tenant_id: str) -> Row | None:
        return await self._table.get(_partition(tenant_id), "tenant") if GUID.fullmatch(tenant_id) else None


def _partition(tenant_id: str) -> str:
    return f"tenant|{tenant_id.lower()}"


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    text = body.get(name)
    return as_time(text) if text else None
