"""Who must not be touched, and what the safety checks need to know of the tenant. Read-only."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace

from shared.entra.batch import Part, read_parts
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.covered import Memberships, groups_of, roles_of
from shared.recovery.guarded import (
    BREAK_GLASS,
    CAIRNS_OWN,
    GLOBAL_ADMINISTRATOR,
    LAST_ADMINISTRATOR,
    Administrators,
)
from shared.recovery.plan import Operation
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
    graph: Graph, point: RestorePoint, operations: Iterable[Operation], break_glass_ids: Iterable[str],
    administrators: frozenset[str],
) -> Facts:
    """What the checks need; policies are read only where the plan changes any, or whom they apply to.

    A group that policies leave out locks people out as well as a policy does, when the plan takes them out of it.
    """
    break_glass = frozenset(break_glass_ids)
    people = administrators | break_glass
    facts = Facts(point.manifest.counts, administrators, break_glass)
    changed = [one for one in operations if one.object_type == "conditionalAccessPolicy"]
    if not any(map(_weighs, operations)):
        return facts
    groups_now, groups = await groups_of(graph, people, Memberships.of(operations))
    known = {one: frozenset({GLOBAL_ADMINISTRATOR}) for one in administrators}
    roles_now, roles = await roles_of(graph, people, known, operations)
    if not changed and (groups_now, roles_now) == (groups, roles):
        return facts
    policies = await _policies_as_restored(graph, changed)
    named = {group for users in map(_users, policies) for side in _GROUPS for group in users.get(side) or ()}
    members = {group: frozenset(one for one in people if group in groups[one]) for group in named}
    return replace(facts, policies=policies, members=members, roles=roles)


_GROUPS = ("includeGroups", "excludeGroups")


def _weighs(one: Operation) -> bool:
    """Whether it may change what Conditional Access asks of whom."""
    if one.object_type == "group":
        return one.kind == "delete" or one.link == "members"
    return one.object_type in ("conditionalAccessPolicy", "unifiedRoleAssignment")


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


def _users(policy: Json) -> Json:
    return (policy.get("conditions") or {}).get("users") or {}
