"""What a caller may do here: its token's roles with the custom roles known, and what is assigned to it in tenants."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from shared.security.assignments import Assignments
from shared.security.callers import Caller
from shared.security.custom_roles import CustomRoles
from shared.security.permissions import ROLES, permissions_of


async def with_standing(
    caller: Caller, roles: CustomRoles, assignments: Assignments, tenants: Collection[str] | None
) -> Caller:
    """The caller with all that it may do in these tenants (None: in all), as it is at this moment."""
    if tenants is None:
        assigned: Mapping[str, frozenset[str]] = await assignments.roles_of(caller.principals)
    else:
        found = {
            tenant_id.lower(): await assignments.roles_in(tenant_id, caller.principals) for tenant_id in tenants
        }
        assigned = {tenant_id: names for tenant_id, names in found.items() if names}
    named = caller.roles.union(*assigned.values())
    custom = (await roles.read()).permissions if named - ROLES.keys() else {}
    return replace(
        caller, held=permissions_of(caller.roles, custom), assigned_roles=assigned,
        assigned={tenant_id: permissions_of(names, custom) for tenant_id, names in assigned.items()},
    )
