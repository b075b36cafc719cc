"""Who must not be touched, and what the safety checks need to know of the tenant. Read-only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing

from shared.entra.batch import Part, read_parts
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.guarded import (
    BREAK_GLASS,
    CAIRNS_OWN,
    GLOBAL_ADMINISTRATOR,
    LAST_ADMINISTRATOR,
    Administrators,
)
from shared.recovery.plan import Operation
from shared.recovery.relink import placeholders_in
from shared.recovery.safety import Facts
from shared.recovery.state import Json
from shared.repository.restore_point import RestorePoint
from shared.settings import Settings

_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"


async def protected_objects(
    graph: Graph, settings: Settings, break_glass_ids: Iterable[str], administrators: Collection[str]
) -> dict[str, str]:
    """Id → why it is never deleted, disabled or taken out of a role."""
    found = dict.fromkeys(break_glass_ids, BREAK_GLASS)
    for app_id in {settings.client_id, settings.restore_client_id} - {""}:
        for kind in ("servicePrincipals", "applications"):
            try:
                body = await graph.get_json(f"/{kind}(appId='{app_id}')?$select=id", asked="Cairn's own app")
            except EntraError:
                continue
            found[str(body.get("id"))] = CAIRNS_OWN
    if len(administrators) == 1:
        found.setdefault(next(iter(administrators)), LAST_ADMINISTRATOR)
    return found


async def administrators_now(graph: Graph) -> Administrators:
    """Users who can sign in and are Global Administrator over the whole directory, and by what."""
    path = with_query(_ASSIGNMENTS, filter=f"roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'")
    try:
        assignments = [
            one async for page in pages(graph, path, Asking("Global Administrators")) for one in page.values
            if one.get("directoryScopeId") == "/"
        ]
    except EntraError:
        return Administrators()
    holders = {str(one.get("principalId")): str(one.get("id")) for one in assignments}
    through: dict[str, frozenset[str]] = {}
    parts = [Part(one, f"/users/{one}?$select=id,accountEnabled", "a Global Administrator") for one in sorted(holders)]
    others: list[str] = []
    async with aclosing(read_parts(graph, parts)) as answers:
        async for answer in answers:
            if answer.error is not None:
                others.append(answer.part.id)
            elif isinstance(answer.body, dict) and answer.body.get("accountEnabled") is not False:
                through[holders[answer.part.id]] = frozenset({answer.part.id})
    for group in sorted(others):
        listed = f"/groups/{group}/members/microsoft.graph.user?$select=id,accountEnabled&$top=999"
        try:
            users = frozenset([
                str(one["id"]) async for page in pages(graph, listed, Asking("a group of administrators"))
                for one in page.values if one.get("accountEnabled") is not False
            ])
        except EntraError:
            continue  # no group: a service principal does not sign in as a person does
        through[group] = users
    return Administrators(frozenset(user for users in through.values() for user in users), through)


async def safety_facts(
    graph: Graph, point: RestorePoint, operations: Sequence[Operation], break_glass_ids: Iterable[str],
    administrators: frozenset[str],
) -> Facts:
    """What the checks need; policies are read only where the plan changes any."""
    totals = point.manifest.counts
    policies: tuple[Json, ...] = ()
    members: Mapping[str, frozenset[str]] = {}
    people = administrators | frozenset(break_glass_ids)
    roles: dict[str, frozenset[str]] = {one: frozenset({GLOBAL_ADMINISTRATOR}) for one in administrators}
    changed = [one for one in operations if one.object_type == "conditionalAccessPolicy"]
    if changed:
        policies = await _policies_as_restored(graph, changed)
        members = await _members_as_restored(graph, policies, operations)
        if any(users.get(side) for users in map(_users, policies) for side in ("includeRoles", "excludeRoles")):
            roles = await _roles(graph, people, roles)
    return Facts(totals, administrators, frozenset(break_glass_ids), policies, members, roles)


async def _policies_as_restored(graph: Graph, changed: Sequence[Operation]) -> tuple[Json, ...]:
    now = await _policies(graph, "/identity/conditionalAccess/policies")
    binned: dict[str, Json] = {}
    if any(one.kind == "revive" for one in changed):
        binned = await _policies(graph, "/identity/conditionalAccess/deletedItems/policies")
    for one in sorted(changed, key=lambda each: each.kind != "revive"):
        object_id = one.path.rpartition("/")[2]
        if one.kind == "revive":
            object_id = one.path.split("/")[-2]
            now[object_id] = binned.get(object_id, {})
        elif one.kind == "delete":
            now.pop(object_id, None)
        elif one.kind == "update":
            now[object_id] = {**now.get(object_id, {}), **(one.body or {})}
        elif one.kind == "create":
            now[one.object_id] = dict(one.body or {})
    return tuple(now[key] for key in sorted(now))


async def _policies(graph: Graph, path: str) -> dict[str, Json]:
    asking = Asking("Conditional Access policies", bucket="conditionalAccess")
    return {str(one["id"]): dict(one) async for page in pages(graph, path, asking) for one in page.values}


async def _members_as_restored(
    graph: Graph, policies: Iterable[Json], operations: Sequence[Operation]
) -> dict[str, frozenset[str]]:
    """Group that a policy names → its members as the plan leaves them; one that is made anew by its placeholder."""
    groups = {
        group for users in map(_users, policies) for side in ("includeGroups", "excludeGroups")
        for group in users.get(side) or ()
    }
    found: dict[str, frozenset[str]] = {}
    for group in sorted(groups):
        listed = f"/groups/{group}/transitiveMembers?$select=id&$top=999"
        try:
            found[group] = frozenset() if placeholders_in(group) else frozenset([
                str(one["id"]) async for page in pages(graph, listed, Asking("members that a policy covers"))
                for one in page.values
            ])
        except EntraError:
            continue
    for one in operations:
        if one.object_type == "group" and one.link == "members" and one.chain in found:
            targets = frozenset(one.targets)
            now = found[one.chain]
            found[one.chain] = now | targets if one.kind == "link" else now - targets
    return found


async def _roles(
    graph: Graph, people: Iterable[str], known: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """User → the roles that they hold directly, which is what a policy's roles are compared with."""
    found = dict(known)
    for one in sorted(people):
        listed = with_query(_ASSIGNMENTS, filter=f"principalId eq '{one}'")
        try:
            held = [
                str(each.get("roleDefinitionId")) async for page in pages(graph, listed, Asking("roles of a person"))
                for each in page.values
            ]
        except EntraError:
            continue
        found[one] = frozenset(held) | known.get(one, frozenset())
    return found


def _users(policy: Json) -> Json:
    return (policy.get("conditions") or {}).get("users") or {}
