"""Who must not be touched, and what the safety checks need to know of the tenant. Read-only."""

from collections.abc import Iterable, Mapping, Sequence

from shared.entra.listing import Asking, pages
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.plan import Operation
from shared.recovery.safety import Facts
from shared.recovery.state import Json
from shared.repository.restore_point import RestorePoint
from shared.settings import Settings

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""The role template's id, the same in every tenant ("Microsoft Entra built-in roles")."""


async def protected_objects(graph: Graph, settings: Settings, break_glass_ids: Iterable[str]) -> dict[str, str]:
    """Id → why it is never deleted, disabled or taken out of a role."""
    found = dict.fromkeys(break_glass_ids, "it is a break-glass account")
    for app_id in {settings.client_id, settings.restore_client_id} - {""}:
        for kind in ("servicePrincipals", "applications"):
            try:
                body = await graph.get_json(f"/{kind}(appId='{app_id}')?$select=id", asked="Cairn's own app")
            except EntraError:
                continue
            found[str(body.get("id"))] = "it is Cairn's own"
    administrators = await global_administrators(graph)
    if len(administrators) == 1:
        found[next(iter(administrators))] = "it is the last Global Administrator"
    return found


async def global_administrators(graph: Graph) -> frozenset[str]:
    """The principals that hold the role over the whole directory."""
    path = f"/roleManagement/directory/roleAssignments?$filter=roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'"
    try:
        values = [
            one async for page in pages(graph, path, Asking("Global Administrators")) for one in page.values
        ]
    except EntraError:
        return frozenset()
    return frozenset(str(one.get("principalId")) for one in values if one.get("directoryScopeId") == "/")


async def safety_facts(
    graph: Graph, point: RestorePoint, operations: Sequence[Operation], break_glass_ids: Iterable[str]
) -> Facts:
    """What the checks need; policies are read only where the plan changes any."""
    totals = point.manifest.counts
    policies: tuple[Json, ...] = ()
    administrators: frozenset[str] = frozenset()
    members: Mapping[str, frozenset[str]] = {}
    changed = [one for one in operations if one.object_type == "conditionalAccessPolicy"]
    if changed:
        administrators = await global_administrators(graph)
        policies = await _policies_as_restored(graph, changed)
        members = await _members(graph, policies)
    return Facts(
        totals, administrators, frozenset(break_glass_ids), policies, members,
        {one: frozenset({GLOBAL_ADMINISTRATOR}) for one in administrators},
    )


async def _policies_as_restored(graph: Graph, changed: Sequence[Operation]) -> tuple[Json, ...]:
    asking = Asking("Conditional Access policies", bucket="conditionalAccess")
    now = {
        str(one["id"]): dict(one)
        async for page in pages(graph, "/identity/conditionalAccess/policies", asking) for one in page.values
    }
    for one in changed:
        object_id = one.path.rpartition("/")[2]
        if one.kind == "delete":
            now.pop(object_id, None)
        elif one.kind == "update":
            now[object_id] = {**now.get(object_id, {}), **(one.body or {})}
        elif one.kind == "create":
            now[one.object_id] = dict(one.body or {})
    return tuple(now[key] for key in sorted(now))


async def _members(graph: Graph, policies: Iterable[Json]) -> dict[str, frozenset[str]]:
    groups = {
        group for one in policies for side in ("include", "exclude")
        for group in ((one.get("conditions") or {}).get("users") or {}).get(f"{side}Groups") or ()
    }
    found: dict[str, frozenset[str]] = {}
    for group in sorted(groups):
        try:
            found[group] = frozenset([
                str(one["id"])
                async for page in pages(graph, f"/groups/{group}/transitiveMembers?$select=id&$top=999")
                for one in page.values
            ])
        except EntraError:
            continue
    return found
