"""/roles: the built-in roles, and the custom ones that administrators make."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, field_validator

from api.auditing import note
from api.guard import GuardedRoute, permit
from api.matching import IfMatch, changed_since, matched
from api.problems import Problem, unprocessable, wrong
from api.services import CalledBy, Kept
from shared.expectations import expecting
from shared.records.table import RowChanged
from shared.security.custom_roles import CustomRole, StoredRoles
from shared.security.permissions import BUILT_IN_MEANINGS, ENTRY, PERMISSIONS, ROLES, Permission
from shared.tenants.settings import Body

router = APIRouter(prefix="/roles", tags=["roles"], route_class=GuardedRoute)

MOST_ROLES = 100


class Role(Body):
    """A role: its name, what it is for, and what it allows."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]$"),
        expecting("2 to 64 letters, digits, spaces and ._-, a letter first"),
    ]
    description: Annotated[str, Field(max_length=500), expecting("text of at most 500 characters")] = ""
    permissions: Annotated[list[str], Field(max_length=len(PERMISSIONS)), expecting("an array of permissions")]
    built_in: bool = False
    """Only ever as a GET gives it."""

    @field_validator("permissions")
    @classmethod
    def known(cls, permissions: list[str]) -> list[str]:
        """The permissions, each once."""
        return sorted(set(permissions))


class Roles(Body):
    """All roles; built-in ones may stand among them as GET gave them, and are passed over."""

    value: Annotated[list[Role], Field(max_length=MOST_ROLES + len(ROLES))]


@router.get("")
@permit("backups.read")
async def list_roles(records: Kept, response: Response) -> dict[str, Any]:
    """Every role with its permissions: first the built-in ones, then the custom ones. The list is whole."""
    return _shown(await records.roles.read(), response)


@router.put("")
@permit("tenants.manage", everywhere=True)
async def put_roles(
    request: Request, body: Roles, caller: CalledBy, records: Kept, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Replace the custom roles. Nobody makes a role that allows more than they may do themselves."""
    custom = _checked(body)
    beyond = sorted({permission for role in custom for permission in role["permissions"]} - caller.permissions)
    if beyond:
        raise beyond_own(beyond)
    stored = await records.roles.read()
    note(request, before=_names(stored.roles), after=_names(custom))
    try:
        etag = matched(if_match, stored.etag)
        return _shown(await records.roles.replace(custom, by=caller.subject, etag=etag), response)
    except RowChanged:
        raise changed_since("roles") from None


def beyond_own(permissions: list[Permission]) -> Problem:
    """403 for giving away what the caller does not hold."""
    return Problem(
        403, "forbidden", "You cannot give more than you hold.",
        f"Your own roles do not hold {', '.join(permissions)}.",
        errors=[wrong("permissions", permission, "a permission that you hold") for permission in permissions],
        remedy="Ask an administrator who holds these permissions.",
    )


def _checked(body: Roles) -> list[CustomRole]:
    errors = []
    custom: dict[str, CustomRole] = {}
    taken = {name.casefold() for name in (*ROLES, ENTRY)}
    for at, role in enumerate(body.value):
        if role.name in ROLES and set(role.permissions) == ROLES[role.name]:
            continue
        if role.name.casefold() in taken:
            errors.append(wrong(f"value.{at}.name", role.name, "a name that no other role has"))
        taken.add(role.name.casefold())
        errors += [
            wrong(f"value.{at}.permissions", name, "one of " + ", ".join(sorted(PERMISSIONS)))
            for name in role.permissions if name not in PERMISSIONS
        ]
        permissions = sorted(PERMISSIONS.intersection(role.permissions))
        custom[role.name] = CustomRole(name=role.name, description=role.description, permissions=permissions)
    if len(custom) > MOST_ROLES:
        errors.append(wrong("value", len(custom), f"at most {MOST_ROLES} custom roles"))
    if errors:
        raise unprocessable(*errors[:50])
    return list(custom.values())


def _names(roles: Iterable[CustomRole]) -> list[str]:
    return [f"{role['name']}: {' '.join(role['permissions'])}" for role in roles][:20]


def _shown(stored: StoredRoles, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = stored.etag or '"defaults"'
    built_in = [
        {"name": name, "description": BUILT_IN_MEANINGS[name], "permissions": sorted(held), "builtIn": True}
        for name, held in ROLES.items()
    ]
    return {"value": [*built_in, *({**role, "builtIn": False} for role in stored.roles)]}
