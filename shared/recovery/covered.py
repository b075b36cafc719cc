"""In which groups and roles some people stand, as they are and as a plan leaves them: what Conditional Access goes by.
Read-only.

It is looked at from the people upwards, since they are few and groups may be large: a request for each person, and one
for each group above them only where the plan changes a membership on the way. What cannot be read counts as not
standing there.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.entra.listing import Asking, pages, with_query
from shared.entra.pages import TYPE
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.plan import Operation
from shared.recovery.relink import placeholders_in

_GROUP = "#microsoft.graph.group"
_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"

type Standing = Mapping[str, frozenset[str]]
"""Person → ids of the groups, or of the roles, that they stand in."""


@dataclass(frozen=True, slots=True)
class Memberships:
    """What a plan does to memberships of groups, by their ends: (member, group)."""

    added: frozenset[tuple[str, str]]
    removed: frozenset[tuple[str, str]]
    deleted: frozenset[str]
    """Groups that the plan deletes."""

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Memberships":
        """Those of the plan; a group that is made anew goes by its placeholder."""
        ends: dict[str, set[tuple[str, str]]] = {"link": set(), "unlink": set()}
        deleted: set[str] = set()
        for one in operations:
            if one.object_type != "group":
                continue
            if one.kind == "delete":
                deleted.add(one.chain)
            elif one.link == "members":
                ends[one.kind].update((target, one.chain) for target in one.targets)
        return cls(frozenset(ends["link"]), frozenset(ends["unlink"]), frozenset(deleted))

    def touch(self, known: Collection[str]) -> bool:
        """Whether any of these becomes a member of more or fewer groups."""
        changed = {member for member, _ in self.added | self.removed} | self.deleted
        return not changed.isdisjoint(known)


async def groups_of(graph: Graph, people: Iterable[str], changes: Memberships) -> tuple[Standing, Standing]:
    """Person → the groups that they are in, directly and through others: now, and as the plan leaves them."""
    now: dict[str, frozenset[str]] = {}
    then: dict[str, frozenset[str]] = {}
    above: dict[str, frozenset[str]] = {}
    for person in sorted(people):
        shown = await _above(graph, f"/users/{person}/transitiveMemberOf")
        now[person] = then[person] = shown
        if changes.touch({person, *shown}):
            then[person] = await _as_left(graph, person, changes, above)
    return now, then


async def _as_left(
    graph: Graph, person: str, changes: Memberships, above: dict[str, frozenset[str]]
) -> frozenset[str]:
    found: set[str] = set()
    waiting = [person]
    while waiting:
        one = waiting.pop()
        if one not in above:
            kind = "users" if one == person else "groups"
            above[one] = frozenset() if placeholders_in(one) else await _above(graph, f"/{kind}/{one}/memberOf")
        direct = above[one] | {group for member, group in changes.added if member == one}
        direct -= {group for member, group in changes.removed if member == one} | changes.deleted
        waiting += sorted(direct - found)
        found |= direct
    return frozenset(found)


async def _above(graph: Graph, path: str) -> frozenset[str]:
    asking = Asking("groups that a person is in", permission="GroupMember.Read.All")
    try:
        return frozenset([
            str(one["id"]) async for page in pages(graph, with_query(path, select="id", top=999), asking)
            for one in page.values if one.get(TYPE, _GROUP) == _GROUP  # roles and administrative units stand there too
        ])
    except EntraError:
        return frozenset()


async def roles_of(
    graph: Graph, people: Iterable[str], known: Standing, operations: Iterable[Operation]
) -> tuple[Standing, Standing]:
    """Person → the roles that they hold directly, which is what a policy's roles are compared with: now, and as the
    plan leaves them."""
    now, then = dict(known), dict(known)
    made = [one.body or {} for one in operations if one.kind == "create" and one.object_type == "unifiedRoleAssignment"]
    taken = {
        one.path.rpartition("/")[2] for one in operations
        if one.kind == "delete" and one.object_type == "unifiedRoleAssignment"
    }
    for person in sorted(people):
        listed = with_query(_ASSIGNMENTS, filter=f"principalId eq '{person}'")
        try:
            held = {
                str(one.get("id")): str(one.get("roleDefinitionId"))
                async for page in pages(graph, listed, Asking("roles of a person")) for one in page.values
            }
        except EntraError:
            continue
        given = {str(one.get("roleDefinitionId")) for one in made if one.get("principalId") == person}
        through_others = known.get(person, frozenset()) - set(held.values())
        now[person] = frozenset(held.values()) | through_others
        left = {role for assignment, role in held.items() if assignment not in taken}
        then[person] = frozenset(left | given) | through_others
    return now, then
