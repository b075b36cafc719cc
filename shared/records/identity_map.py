"""The identity map: for each object that Cairn made anew, its old id and the one that Entra gave it.

An entry is written once and never changed; receipts in the vault hold the same facts, so the map can be made anew.
An object that was re-created twice is followed through both entries.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from shared.records.table import Row, RowExists, Table, key_of, walk
from shared.records.times import Clock, as_text, utc_now


class Identity(TypedDict):
    """One entry, as the HTTP interface shows it."""

    oldId: str
    newId: str
    objectType: str
    oldAppId: str | None
    newAppId: str | None
    restoreId: str
    created: str


@dataclass(frozen=True, slots=True)
class KnownIdentities:
    """The whole map of one tenant, resolved: old id → the id now, old appId → the appId now."""

    objects: Mapping[str, str]
    applications: Mapping[str, str]

    def origins(self, object_id: str) -> list[str]:
        """The older ids of the object that has this one now."""
        return sorted(old for old, new in self.objects.items() if new == object_id)

    def all_of(self, object_id: str) -> list[str]:
        """Every id that the object has had, the present one last."""
        present = self.objects.get(object_id, object_id)
        return [*self.origins(present), present]


class IdentityMap:
    """The identity maps of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def add(
        self, tenant_id: str, *, old_id: str, new_id: str, object_type: str, restore_id: str,
        old_app_id: str | None = None, new_app_id: str | None = None,
    ) -> Identity:  # fmt: skip
        """Write the entry once; the same old id again, from another restore, is followed by the newer one."""
        entry = Identity(
            oldId=old_id, newId=new_id, objectType=object_type, oldAppId=old_app_id, newAppId=new_app_id,
            restoreId=restore_id, created=as_text(self._clock()),
        )  # fmt: skip
        if old_app_id and new_app_id:
            row = Row(_of_tenant(tenant_id), _key("app", old_app_id, restore_id), {**entry, "alias": True})
            with suppress(RowExists):
                await self._table.insert(row)
        key = _key("id", old_id, restore_id)
        try:
            await self._table.insert(Row(_of_tenant(tenant_id), key, cast(Mapping[str, Any], entry)))
        except RowExists:
            found = await self._table.get(_of_tenant(tenant_id), key)
            return cast(Identity, found.body) if found else entry
        return entry

    async def made_by(self, tenant_id: str, restore_id: str, old_ids: Iterable[str]) -> dict[str, str]:
        """Old id (or appId) → the new one that this restore made, for those that it made."""
        found: dict[str, str] = {}
        for old in old_ids:
            for sort, field in (("id", "newId"), ("app", "newAppId")):
                row = await self._table.get(_of_tenant(tenant_id), _key(sort, old, restore_id))
                if row is not None:
                    found[old] = str(row.body[field])
        return found

    async def stream(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, Identity]]:
        """(place, entry) of every entry."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after):
            if not row.body.get("alias"):
                yield row.key, cast(Identity, row.body)

    async def resolved(self, tenant_id: str) -> KnownIdentities:
        """The map as it is now, chains followed to their ends."""
        objects: dict[str, tuple[str, str]] = {}
        applications: dict[str, tuple[str, str]] = {}
        async for _, entry in self.stream(tenant_id):
            _newer(objects, entry["oldId"], entry["newId"], entry["created"])
            if entry["oldAppId"] and entry["newAppId"]:
                _newer(applications, entry["oldAppId"], entry["newAppId"], entry["created"])
        return KnownIdentities(_followed(objects), _followed(applications))


def _newer(known: dict[str, tuple[str, str]], old: str, new: str, created: str) -> None:
    if old not in known or known[old][1] < created:
        known[old] = (new, created)


def _followed(known: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for old in known:
        seen, now = {old}, known[old][0]
        while now in known and now not in seen:
            seen.add(now)
            now = known[now][0]
        found[old] = now
    return found


def _key(sort: str, old: str, restore_id: str) -> str:
    return f"{key_of(sort, old)}-{key_of(restore_id)}"


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"
