"""Assignments: who has which roles in one tenant, so that a provider's operators see their customers only.

The row of the tenant is the truth and is read anew with each request. A pointer for each principal leads to the tenants
that may name it; pointers are written before the row and never removed, since one that leads nowhere gives nothing.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from shared.records.table import Row, Table, walk
from shared.records.times import Clock, as_text, utc_now
from shared.security.custom_roles import replaced
from shared.settings import GUID

PrincipalType = Literal["user", "group", "servicePrincipal"]


class Assignment(TypedDict):
    """The roles of one principal in one tenant; `principalId` is its object id in the callers' home tenant."""

    principalId: str
    principalType: PrincipalType
    roles: list[str]


@dataclass(frozen=True, slots=True)
class StoredAssignments:
    """A tenant's assignments, with the etag of the row that holds them; empty if there never were any."""

    assignments: tuple[Assignment, ...]
    etag: str


class Assignments:
    """The assignments of all tenants."""

    def __init__(self, table: Table, *, clock: Clock = utc_now) -> None:
        self._table = table
        self._clock = clock

    async def read(self, tenant_id: str) -> StoredAssignments:
        """The tenant's assignments."""
        row = await self._table.get(_of_tenant(tenant_id), "assignments") if GUID.fullmatch(tenant_id) else None
        return StoredAssignments((), "") if row is None else StoredAssignments(tuple(row.body["value"]), row.etag)

    async def replace(
        self, tenant_id: str, assignments: Sequence[Assignment], *, by: str, etag: str | None = None
    ) -> StoredAssignments:
        """Replace all of the tenant's; with `etag` (as `read` gave it) only if they are still those, else
        RowChanged."""
        await asyncio.gather(*(
            self._table.upsert(Row(_of_principal(one["principalId"]), tenant_id.lower(), {})) for one in assignments
        ))
        body = {"value": [dict(one) for one in assignments], "modified": as_text(self._clock()), "modifiedBy": by}
        stored = await replaced(self._table, _of_tenant(tenant_id), "assignments", body, etag)
        return StoredAssignments(tuple(stored.body["value"]), stored.etag)

    async def forget(self, tenant_id: str) -> None:
        """A tenant that is no longer registered has none; safe to repeat."""
        await self._table.delete(_of_tenant(tenant_id), "assignments")

    async def roles_in(self, tenant_id: str, principals: Collection[str]) -> frozenset[str]:
        """The roles that these principals (small letters) have in the tenant."""
        assignments = (await self.read(tenant_id)).assignments
        return frozenset(role for one in assignments if one["principalId"] in principals for role in one["roles"])

    async def roles_of(self, principals: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Tenant → the roles that these principals (small letters) have there, in every tenant where they have any."""
        pointing = await asyncio.gather(*(self._tenants_naming(principal) for principal in principals))
        tenants = sorted(set().union(*pointing))
        found = await asyncio.gather(*(self.roles_in(tenant_id, principals) for tenant_id in tenants))
        return {tenant_id: roles for tenant_id, roles in zip(tenants, found, strict=True) if roles}

    async def _tenants_naming(self, principal: str) -> set[str]:
        if not GUID.fullmatch(principal):
            return set()
        return {row.key async for row in walk(self._table, _of_principal(principal))}


def _of_tenant(tenant_id: str) -> str:
    return f"tenant|{tenant_id.lower()}"


def _of_principal(principal: str) -> str:
    return f"principal|{principal.lower()}"
