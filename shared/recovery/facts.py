"""What an object or a link says in other words: facts that Graph shows twice, what belongs to what, whose licence.

Pure. A role assignment, a member of an activated role, a role over an administrative unit and a PIM schedule may state
one fact; each is told as `role|template|scope|principal`, so that they meet. Sources: Microsoft Graph
"unifiedRoleAssignment", "scopedRoleMembership", "privilegedAccessGroupAssignmentSchedule", "licenseAssignmentState".
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.catalog.paths import values
from shared.catalog.row import ObjectType
from shared.catalog.where import holds
from shared.recovery.relink import GUID

type Body = Mapping[str, Any]

LICENCES = frozenset({"assignedLicenses", "licenseAssignmentStates"})
ACTIVATION = "activation"
REPEATS = "repeats"


def _role_assignment(body: Body, _: Mapping[str, str]) -> str:
    return _role(body.get("roleDefinitionId"), body.get("directoryScopeId"), body.get("principalId"))


def _eligible(body: Body, _: Mapping[str, str]) -> str:
    return _role(body.get("roleDefinitionId"), body.get("directoryScopeId"), body.get("principalId"), sort="eligible")


def _app_role(body: Body, _: Mapping[str, str]) -> str:
    return f"appRole|{body.get('resourceId')}|{body.get('appRoleId')}|{body.get('principalId')}"


def _scope(body: Body, _: Mapping[str, str]) -> str:
    return f"scope|{body.get('clientId')}|{body.get('resourceId')}|{body.get('scope') or ''}"


def _scoped_membership(body: Body, templates: Mapping[str, str]) -> str:
    member = body.get("roleMemberInfo") or {}
    scope = f"/administrativeUnits/{body.get('administrativeUnitId')}"
    return _role(templates.get(str(body.get("roleId")), ""), scope, member.get("id"))


def _group_schedule(body: Body, _: Mapping[str, str]) -> str:
    return _member(str(body.get("groupId")), f"{body.get('accessId')}s", str(body.get("principalId")))


def _group_eligibility(body: Body, templates: Mapping[str, str]) -> str:
    return _group_schedule(body, templates).replace("group|", "eligibleInGroup|", 1)


_OBJECTS: Mapping[str, Callable[[Body, Mapping[str, str]], str]] = {
    "unifiedRoleAssignment": _role_assignment,
    "unifiedRoleAssignmentSchedule": _role_assignment,
    "unifiedRoleEligibilitySchedule": _eligible,
    "appRoleAssignment": _app_role,
    "oAuth2PermissionGrant": _scope,
    "scopedRoleMembership": _scoped_membership,
    "privilegedAccessGroupAssignmentSchedule": _group_schedule,
    "privilegedAccessGroupEligibilitySchedule": _group_eligibility,
}
"""Types whose objects state such a fact; `templates` is the role template of each activated role."""


def fact_of_object(row: ObjectType, body: Body, templates: Mapping[str, str]) -> tuple[str, str]:
    """(the fact, whether it only repeats one: `repeats`, `activation` or nothing)."""
    told = _OBJECTS.get(row.name)
    if told is None:
        return "", ""
    if str(body.get("assignmentType") or "").lower() == "activated":
        return told(body, templates), ACTIVATION
    repeats = bool(row.restored_as) and holds(row.restored_as_where, body)
    return told(body, templates), REPEATS if repeats else ""


def fact_of_link(row: ObjectType, link: str, source: str, target: str, body: Body) -> tuple[str, str]:
    """As `fact_of_object`, for a link; `body` is its source's."""
    if row.name == "group":
        return _member(source, link, target), ""
    repeats = any(one.name == link and one.restored_as for one in row.links)
    if repeats and body.get("roleTemplateId"):
        return _role(body["roleTemplateId"], "/", target), REPEATS
    return "", ""


def holders(row: ObjectType, body: Body) -> tuple[str, ...]:
    """The ids of the objects without which this one is not."""
    found: list[str] = []
    for reference in row.references:
        if reference.holder:
            for value in values(body, reference.property):
                found += GUID.findall(str(value)) if reference.inside_text else [str(value)]
    return tuple(dict.fromkeys(found))


def licensing_groups(before: Body, after: Body) -> tuple[str, ...]:
    """The groups through which licences came or went, where nothing else of the licences differs."""
    old, new = _states(before), _states(after)
    differing = old ^ new
    groups = {group for _, group, _ in differing}
    return tuple(sorted(groups)) if differing and "" not in groups else ()


def _states(body: Body) -> set[tuple[str, str, str]]:
    states: Iterable[Any] = body.get("licenseAssignmentStates") or ()
    return {
        (
            str(one.get("skuId")), str(one.get("assignedByGroup") or ""),
            ",".join(sorted(map(str, one.get("disabledPlans") or ()))),
        )
        for one in states if isinstance(one, Mapping)
    }  # fmt: skip


def _role(template: Any, scope: Any, principal: Any, *, sort: str = "role") -> str:
    return f"{sort}|{template}|{scope or '/'}|{principal}"


def _member(group: str, link: str, principal: str) -> str:
    return f"group|{group}|{link}|{principal}"
