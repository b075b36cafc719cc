"""Questions about a moment: who was in a group, who held a role, who could reach an application.

Each is a link name that Microsoft Graph has not, beside those that it has: `transitiveMembers` of a group, `holders` of
a role, `reachableBy` of an application. An answer says by what way each came to be in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.browse.engine import QueryTooExpensive
from shared.browse.point import Point
from shared.catalog import OBJECT_TYPES
from shared.repository.records import ObjectRecord

ROLE_TYPES = ("directoryRole", "unifiedRoleDefinition")
APP_TYPES = ("application", "servicePrincipal")
MOST_GROUPS = 2_000
"""Groups that one answer follows into each other."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Who, in the order of ids: (id, type, what is known of the way); `more` is said of the answer as a whole."""

    entries: list[tuple[str, str, dict[str, Any]]]
    more: Mapping[str, Any] = field(default_factory=dict)


def questions_of(object_type: str) -> tuple[str, ...]:
    """The names of the questions that an object of this type can be asked."""
    if object_type == "group":
        return ("transitiveMembers",)
    if object_type in ROLE_TYPES:
        return ("holders",)
    return ("reachableBy",) if object_type in APP_TYPES else ()


async def links_named(point: Point, record: ObjectRecord, name: str) -> Answer | None:
    """What the object's link, inverse link or question of that name leads to; None where it has none of that name."""
    row = OBJECT_TYPES.get(record.object_type)
    link = next((one for one in row.links if one.name == name), None) if row else None
    if link is not None and link.reading == "inverse":
        return Answer([(target, kind, {}) for target, kind in await point.backward(record, link)])
    if link is not None:
        return Answer([(target, kind, {}) for target, kind in (await point.forward(record)).get(name, [])])
    if name not in questions_of(record.object_type):
        return None
    if name == "transitiveMembers":
        return Answer(await _members(point, [record.object_id]))
    return await (_holders(point, record) if name == "holders" else _reaching(point, record))


async def _members(point: Point, group_ids: Iterable[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Members of the groups and of the groups in them, each with the group that it is a direct member of."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    waiting = list(group_ids)
    followed: set[str] = set()
    while waiting:
        if len(followed) >= MOST_GROUPS:
            raise QueryTooExpensive(f"More than {MOST_GROUPS} groups are within each other.")
        batch = [one for one in dict.fromkeys(waiting) if one not in followed]
        followed.update(batch)
        waiting = []
        for links in (await point.view("group").links_of(batch)).values():
            for link in links:
                if link.link == "members":
                    found.setdefault(link.target_id, (link.target_type, {"via": link.source_id}))
                    if link.target_type == "group":
                        waiting.append(link.target_id)
    return [(target, *found[target]) for target in sorted(found)]


async def _holders(point: Point, record: ObjectRecord) -> Answer:
    """Everyone to whom the role is assigned, now or eligible, directly or by a group that it is assigned to.

    Microsoft Graph, "unifiedRoleAssignment", "unifiedRoleEligibilitySchedule": a directory role is known in assignments
    by its template's id. Activations of PIM are among the active schedules.
    """
    role_ids = {record.object_id, *_texts(record.body, "roleTemplateId", "templateId")}
    entries: dict[tuple[str, str, str], tuple[str, dict[str, Any]]] = {}
    for object_type, held in (
        ("unifiedRoleAssignment", "active"), ("unifiedRoleAssignmentSchedule", "active"),
        ("unifiedRoleEligibilitySchedule", "eligible"),
    ):
        for one in await point.naming(object_type, "roleDefinitionId", role_ids):
            principal, scope = str(one.body.get("principalId")), str(one.body.get("directoryScopeId") or "/")
            entries.setdefault((principal, held, scope), ("directoryObject", {"assignment": held, "scope": scope}))
    if record.object_type == "directoryRole":
        for target, kind in (await point.forward(record)).get("members", []):
            if (target, "active", "/") not in entries:
                entries[target, "active", "/"] = (kind, {"assignment": "active", "scope": "/"})
    by_group = await _through_groups(point, entries)
    return Answer(sorted(
        [(principal, kind, more) for (principal, _, _), (kind, more) in entries.items()] + by_group,
        key=lambda one: (one[0], str(one[2])),
    ))


async def _through_groups(
    point: Point, entries: Mapping[tuple[str, str, str], tuple[str, dict[str, Any]]]
) -> list[tuple[str, str, dict[str, Any]]]:
    """Members of the groups among the holders, and who may become one: role-assignable groups hold no groups, so direct
    members are all (Microsoft Entra, "Use Microsoft Entra groups to manage role assignments"; Microsoft Graph,
    "privilegedAccessGroupEligibilitySchedule")."""
    ids = {principal for principal, _, _ in entries}
    links = await point.view("group").links_of(ids)
    eligible: dict[str, list[str]] = {}
    for one in await point.naming("privilegedAccessGroupEligibilitySchedule", "groupId", ids):
        if one.body.get("accessId") == "member":
            eligible.setdefault(str(one.body["groupId"]), []).append(str(one.body.get("principalId")))
    found: list[tuple[str, str, dict[str, Any]]] = []
    for (principal, _, _), (_, more) in entries.items():
        found += [
            (link.target_id, link.target_type, {**more, "via": principal})
            for link in links[principal] if link.link == "members"
        ]
        found += [
            (one, "directoryObject", {**more, "assignment": "eligible", "via": principal})
            for one in eligible.get(principal, ())
        ]
    return found


async def _reaching(point: Point, record: ObjectRecord) -> Answer:
    """Everyone to whom the application is assigned, by themselves or by a group, with the app role.

    Where assignment is not required everyone in the tenant can sign in to it: `everyone` says so. Microsoft Entra does
    not follow groups in groups here (Microsoft Entra, "Manage users and groups assignment to an application").
    """
    services = await _services(point, record)
    entries: list[tuple[str, str, dict[str, Any]]] = []
    assignments = await point.naming("appRoleAssignment", "resourceId", [one.object_id for one in services])
    roles = {
        role.get("id"): role.get("value") or role.get("displayName")
        for one in services for role in one.body.get("appRoles") or () if isinstance(role, Mapping)
    }
    groups: dict[str, dict[str, Any]] = {}
    for one in assignments:
        principal, kind = str(one.body.get("principalId")), str(one.body.get("principalType") or "")
        kind = kind[:1].lower() + kind[1:]
        more = {"appRoleId": one.body.get("appRoleId"), "appRole": roles.get(one.body.get("appRoleId"))}
        entries.append((principal, kind, more))
        if kind == "group":
            groups[principal] = more
    for source, links in (await point.view("group").links_of(groups)).items():
        entries += [
            (link.target_id, link.target_type, {**groups[source], "via": source})
            for link in links if link.link == "members"
        ]
    everyone = any(one.body.get("appRoleAssignmentRequired") is False for one in services)
    return Answer(sorted(entries, key=lambda one: (one[0], str(one[2]))), {"everyone": everyone})


async def _services(point: Point, record: ObjectRecord) -> list[ObjectRecord]:
    """The service principals of an application in this tenant; a service principal is its own."""
    if record.object_type == "servicePrincipal":
        return [record]
    app_id = record.body.get("appId")
    return [
        one async for batch in point.view("servicePrincipal").object_batches() for one in batch
        if one.body.get("appId") == app_id
    ]


def _texts(body: Mapping[str, Any], *names: str) -> list[str]:
    return [body[name] for name in names if isinstance(body.get(name), str)]
