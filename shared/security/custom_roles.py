"""Custom roles: names for sets of permissions, made by administrators, the same in every tenant of a deployment.

They count wherever a role is named: in a token's `roles` and in an assignment. The names of the built-in roles cannot
be taken. A role that is removed allows nothing from the next request on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from shared.records.table import Row, RowChanged, RowExists, Table
from shared.records.times import Clock, as_text, utc_now
from shared.security.permissions import PERMISSIONS, Permission

_PLACE = ("roles", "custom")


class CustomRole(TypedDict):
    """A role that an administrator has made."""

    name: str
    description: str
    permissions: list[Permission]


@dataclass(frozen=True, slots=True)
class StoredRoles:
    """All custom roles, with the etag of the row that holds them; empty if there never were any."""

    roles: tuple[CustomRole, ...]
    etag: str

    @property
    def permissions(self) -> Mapping[str, frozenset[Permission]]:
        """What each allows; a permission that this version does not know is nothing."""
        return {role["name"]: PERMISSIONS.intersection(role["permissions"]) for role in self.roles}


class CustomRoles:
    """The custom roles of this deployment."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def read(self) -> StoredRoles:
        """All custom roles."""
        row = await self._table.get(*_PLACE)
        return StoredRoles((), "") if row is None else StoredRoles(tuple(row.body["value"]), row.etag)

    async def replace(self, roles: Sequence[CustomRole], *, by: str, etag: str | None = None) -> StoredRoles:
        """Replace all of them; with `etag` (as `read` gave it) only if they are still those, else RowChanged."""
        body = {"value": [dict(role) for role in roles], "modified": as_text(self._clock()), "modifiedBy": by}
        stored = await replaced(self._table, *_PLACE, body, etag)
        return StoredRoles(tuple(cast(list[CustomRole], stored.body["value"])), stored.etag)


async def replaced(table: Table, partition: str, key: str, body: Mapping[str, Any], etag: str | None) -> Row:
    """The row as replaced: always (etag None), if there is none yet (""), or if it is still that one; RowChanged."""
    if etag is None:
        return await table.upsert(Row(partition, key, body))
    if etag:
        return await table.update(Row(partition, key, body, etag))
    try:
        return await table.insert(Row(partition, key, body))
    except RowExists:
        raise RowChanged("it was set meanwhile") from None
