"""Directory roles that the restoring app needs beside its permissions, so that a refusal is no surprise. Pure, but for
`read_standing`.

Application permissions alone do not reach sensitive properties of users who hold administrator roles, nor members of
restricted management administrative units. Sources: Microsoft Graph "Working with users" (who can perform sensitive
actions); Microsoft Entra "Restricted management administrative units".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.catalog import OBJECT_TYPES
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.guarded import GLOBAL_ADMINISTRATOR
from shared.recovery.plan import Finding, Operation
from shared.recovery.state import Json

PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
SUFFICIENT = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})
HARMLESS = frozenset({
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",  # Directory Readers
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",  # Guest Inviter
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",  # Message Center Reader
    "4a5d8f65-41da-4de4-8968-e035b65339cf",  # Reports Reader
})
"""Roles whose holders count as ordinary users for sensitive actions."""

OPEN_IN_RESTRICTED = frozenset({"usageLocation", "assignedLicenses"})
IN_UNITS = frozenset({"user", "group", "device"})
NAMED = 3
"""So many objects are named in a finding."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who holds roles, what restricted units hold, and what the restoring app holds itself."""

    privileged: frozenset[str] = frozenset()
    """Users with an administrator role, directly or through a group, or who own a group that gives roles."""
    own_roles: frozenset[str] = frozenset()
    own_scopes: frozenset[str] = frozenset()
    """Ids of administrative units over which the restoring app holds a role."""
    restricted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Restricted management unit → its members."""
    names: Mapping[str, str] = field(default_factory=dict)
    unread: str = ""
    """Why it could not be read."""


def unmet(operations: Iterable[Operation], standing: Standing) -> list[Finding]:
    """Which directory roles the app lacks for what the plan writes; the operations are gone through more than once."""
    if standing.unread:
        count = sum(one.kind != "manual" and is_sensitive(one) for one in operations)
        return [Finding(
            "rolesUnchecked", "Whether targets are privileged could not be checked, so some may be refused: "
            f"{standing.unread}", blocks=False, count=count,
        )] if count else []
    found: list[Finding] = []
    privileged = {
        target(one): one.object_name for one in operations
        if one.kind != "manual" and is_sensitive(one) and target(one) in standing.privileged
    } if not SUFFICIENT & standing.own_roles else {}
    if privileged:
        found.append(Finding(
            "privilegedTargets", f"{_some(privileged)} hold administrator roles: to delete, revive or set sensitive "
            "properties of such users, the restoring app's service principal must itself hold the directory role "
            "Privileged Authentication Administrator (or Global Administrator), and it does not.",
            blocks=True, count=len(privileged),
        ))
    for unit, members in sorted(standing.restricted.items()):
        inside = {
            target(one): one.object_name for one in operations
            if one.kind != "manual" and touches_restricted(one) and target(one) in members
        }
        if inside and unit not in standing.own_scopes:
            found.append(Finding(
                "restrictedUnit", f"{_some(inside)} are in the restricted management administrative unit "
                f"{standing.names.get(unit) or unit}: to write there, the restoring app's service principal must hold "
                "a directory role (User Administrator or Groups Administrator) over that unit, and it does not.",
                blocks=True, count=len(inside),
            ))
    return found


def is_sensitive(one: Operation) -> bool:
    """Whether Microsoft Graph takes it for a sensitive action on a user."""
    if one.object_type != "user":
        return False
    return one.kind in ("delete", "revive") or (
        one.kind == "update" and bool(set(one.attributes) & set(OBJECT_TYPES["user"].sensitive))
    )


def touches_restricted(one: Operation) -> bool:
    """Whether a restricted unit refuses it: memberships elsewhere, licences and usageLocation stay open."""
    if one.object_type not in IN_UNITS or one.kind == "create":
        return False
    return one.kind != "update" or bool(set(one.attributes) - OPEN_IN_RESTRICTED)


def target(one: Operation) -> str:
    """The id, now, of the object that the operation writes."""
    return one.chain or one.object_id


async def read_standing(graph: Graph, operations: Iterable[Operation], app_id: str) -> Standing:
    """What is needed to tell; nothing is read for a plan that touches no user, group or device. Read-only."""
    if not any(is_sensitive(one) or touches_restricted(one) for one in operations):
        return Standing()
    try:
        own = await graph.get_json(f"/servicePrincipals(appId='{app_id}')?$select=id", asked="Cairn's own app")
        assignments = await _all(graph, "/roleManagement/directory/roleAssignments", "role assignments")
        groups = await _groups_that_give_roles(graph)
        restricted, names = await _restricted(graph)
    except EntraError as error:
        return Standing(unread=str(error))
    holders = {str(own.get("id"))} | {group for group, members in groups.items() if str(own.get("id")) in members}
    mine = [one for one in assignments if one.get("principalId") in holders]
    roles = {
        str(one.get("principalId")) for one in assignments if str(one.get("roleDefinitionId")) not in HARMLESS
    }
    return Standing(
        frozenset(roles | {member for members in groups.values() for member in members}),
        frozenset(str(one.get("roleDefinitionId")) for one in mine if one.get("directoryScopeId") == "/"),
        frozenset(str(one.get("directoryScopeId")).removeprefix("/administrativeUnits/") for one in mine),
        restricted, names,
    )


async def _groups_that_give_roles(graph: Graph) -> dict[str, frozenset[str]]:
    """Group → its members and owners, for groups that a role can be assigned to."""
    query = with_query("/groups", filter="isAssignableToRole eq true", select="id")
    listed = await _all(graph, query, "groups that give roles")
    found: dict[str, frozenset[str]] = {}
    for one in listed:
        group = str(one["id"])
        people = await _all(graph, f"/groups/{group}/members?$select=id", "members of a group that gives roles")
        people += await _all(graph, f"/groups/{group}/owners?$select=id", "owners of a group that gives roles")
        found[group] = frozenset(str(each["id"]) for each in people)
    return found


async def _restricted(graph: Graph) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    query = "/directory/administrativeUnits?$select=id,displayName,isMemberManagementRestricted"
    members: dict[str, frozenset[str]] = {}
    names: dict[str, str] = {}
    for unit in await _all(graph, query, "administrative units"):
        if unit.get("isMemberManagementRestricted"):
            unit_id = str(unit["id"])
            listed = f"/directory/administrativeUnits/{unit_id}/members?$select=id"
            members[unit_id] = frozenset(
                str(one["id"]) for one in await _all(graph, listed, "members of a restricted unit")
            )
            names[unit_id] = str(unit.get("displayName") or "")
    return members, names


async def _all(graph: Graph, path: str, asked: str) -> list[Json]:
    return [one async for page in pages(graph, path, Asking(asked)) for one in page.values]


def _some(named: Mapping[str, str]) -> str:
    """How many, and the first of them."""
    first = sorted(name or object_id for object_id, name in named.items())[:NAMED]
    more = len(named) - len(first)
    return f"{len(named)} targets ({', '.join(first)}{f' and {more} more' if more else ''})"
