"""The identity map: for each object that Cairn made anew, its old id and the one that Entra gave it.

An entry is written once and never changed; receipts in the vault hold the same facts, so the map can be made anew.

Read as a whole, the entries make chains: all ids that one object has had, in order. An object that was made anew twice
is followed through both entries, also where both start from the id of the first restore point. What is known by
`{parent}/{key}` has every id that its parents' and its own keys make together.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
    _older: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Id now → the older ones, the oldest first."""

    def now(self, object_id: str) -> str:
        """The id that the object of this one has now."""
        return now_of(self.objects, object_id)

    def all_of(self, object_id: str) -> list[str]:
        """Every id that the object has had, the present one last."""
        present = self.now(object_id)
        older = self._older.get(present, ())
        if not older and "/" in present:
            parent, _, key = present.partition("/")
            older = tuple(f"{one}/{key}" for one in self._older.get(parent, ()))
        return [*older, present]


def now_of(objects: Mapping[str, str], object_id: str) -> str:
    """The id now by a map of old ids; of `{parent}/{key}` each part by itself where the whole is not in it."""
    if object_id not in objects and "/" in object_id:
        parent, _, key = object_id.partition("/")
        return f"{objects.get(parent, parent)}/{key}"
    return objects.get(object_id, object_id)


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
            for sort, name in (("id", "newId"), ("app", "newAppId")):
                row = await self._table.get(_of_tenant(tenant_id), _key(sort, old, restore_id))
                if row is not None:
                    found[old] = str(row.body[name])
        return found

    async def stream(self, tenant_id: str, *, after: str = "") -> AsyncIterator[tuple[str, Identity]]:
        """(place, entry) of every entry."""
        async for row in walk(self._table, _of_tenant(tenant_id), after=after):
            if not row.body.get("alias"):
                yield row.key, cast(Identity, row.body)

    async def resolved(self, tenant_id: str) -> KnownIdentities:
        """The map as it is now, chains followed to their ends."""
        entries = sorted([one async for _, one in self.stream(tenant_id)], key=lambda one: one["created"])
        objects = _chains((one["oldId"], one["newId"]) for one in entries if "/" not in one["oldId"])
        applications = _chains(
            (one["oldAppId"], one["newAppId"]) for one in entries if one["oldAppId"] and one["newAppId"]
        )

        def rooted(object_id: str) -> str:
            parent, _, key = object_id.partition("/")
            return f"{objects[parent][0] if parent in objects else parent}/{key}"

        within = _chains((rooted(one["oldId"]), rooted(one["newId"])) for one in entries if "/" in one["oldId"])
        for chain in {id(one): one for one in within.values()}.values():
            parent = chain[0].partition("/")[0]
            whole = [
                f"{each}/{one.partition('/')[2]}" for each in objects.get(parent, [parent]) for one in chain
            ]
            objects.update(dict.fromkeys(whole, whole))
        return KnownIdentities(
            _ends(objects), _ends(applications), {chain[-1]: tuple(chain[:-1]) for chain in objects.values()}
        )


def _chains(entries: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each id → all ids of its object in order, from (old, new) in order of time.

    The object that an old id stands for has the new one from then on, whatever it was made into before: so an entry
    adds to the end of the old id's chain. An id that comes again (a key that follows from what is sent) is moved there.
    """
    chains: dict[str, list[str]] = {}
    for old, new in entries:
        chain, other = chains.get(old, [old]), chains.get(new, [new])
        if other is not chain:
            chain = [*other, *chain]
        chain = [*(one for one in chain if one != new), new]
        chains.update(dict.fromkeys(chain, chain))
    return chains


def _ends(chains: Mapping[str, list[str]]) -> dict[str, str]:
    return {one: chain[-1] for one, chain in chains.items() if one != chain[-1]}


def _key(sort: str, old: str, restore_id: str) -> str:
    return f"{key_of(sort, old)}-{key_of(restore_id)}"


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id}"
