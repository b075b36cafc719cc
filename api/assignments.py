"""/tenants/{tenantId}/assignments: who has which roles in this tenant alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.auditing import note
from api.guard import GuardedRoute, permit
from api.matching import IfMatch, changed_since, matched
from api.problems import unprocessable, wrong
from api.roles import beyond_own
from api.services import CalledBy, Kept
from shared.expectations import expecting
from shared.records.table import RowChanged
from shared.security.assignments import Assignment, PrincipalType, StoredAssignments
from shared.security.permissions import ROLES, permissions_of
from shared.tenants.settings import Body, Guid

router = APIRouter(prefix="/tenants/{tenant_id}/assignments", tags=["roles"], route_class=GuardedRoute)

MOST_ASSIGNMENTS = 500
SHOWN = 100
"""Changes that one entry of the audit trail names."""


class Assigned(Body):
    """The roles of one principal, by its object id in the tenant that callers sign in to."""

    principal_id: Guid
    principal_type: Annotated[PrincipalType, expecting("one of user, group, servicePrincipal")] = "user"
    roles: Annotated[
        list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=20),
        expecting("an array of 1 to 20 names of roles"),
    ]


class AllAssigned(Body):
    """All assignments of the tenant."""

    value: Annotated[list[Assigned], Field(max_length=MOST_ASSIGNMENTS)]


@router.get("")
@permit("tenants.manage")
async def get_assignments(tenant_id: str, records: Kept, response: Response) -> dict[str, Any]:
    """Who has which roles in this tenant, beside those whose token carries a role for it. The list is whole."""
    return _shown(await records.assignments.read(tenant_id), response)


@router.put("")
@permit("tenants.manage")
async def put_assignments(
    request: Request,
    tenant_id: str,
    body: AllAssigned,
    caller: CalledBy,
    records: Kept,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Replace the tenant's assignments; they count from the next request on. Nobody gives more than they hold."""
    custom = (await records.roles.read()).permissions
    stored = await records.assignments.read(tenant_id)
    _check(body, {*ROLES, *custom})
    given = {(one.principal_id, role) for one in body.value for role in one.roles}
    had = {(one["principalId"], role) for one in stored.assignments for role in one["roles"]}
    note(
        request, given=[" ".join(one) for one in sorted(given - had)][:SHOWN],
        taken=[" ".join(one) for one in sorted(had - given)][:SHOWN],
    )  # fmt: skip
    beyond = sorted(permissions_of({role for _, role in given - had}, custom) - caller.permissions)
    if beyond:
        raise beyond_own(beyond)
    wanted = [
        Assignment(principalId=one.principal_id, principalType=one.principal_type, roles=sorted(set(one.roles)))
        for one in body.value
    ]
    try:
        etag = matched(if_match, stored.etag)
        return _shown(await records.assignments.replace(tenant_id, wanted, by=caller.subject, etag=etag), response)
    except RowChanged:
        raise changed_since("assignments") from None


def _check(body: AllAssigned, known: set[str]) -> None:
    errors = [
        wrong(f"value.{at}.roles", role, "one of " + ", ".join(sorted(known)))
        for at, one in enumerate(body.value) for role in one.roles if role not in known
    ]
    seen: set[str] = set()
    for at, one in enumerate(body.value):
        if one.principal_id in seen:
            errors.append(wrong(f"value.{at}.principalId", one.principal_id, "each principal once"))
        seen.add(one.principal_id)
    if errors:
        raise unprocessable(*errors[:50])


def _shown(stored: StoredAssignments, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = stored.etag or '"defaults"'
    return {"value": list(stored.assignments)}
