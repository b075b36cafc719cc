"""Properties that Microsoft Graph takes by requests of their own (`actions` of a catalog row). Pure.

Sources: "user: assignLicense", "group: assignLicense", "Update unifiedRoleManagementPolicyRule", "Update
authenticationMethodConfiguration", "authenticationStrengthPolicy: updateAllowedCombinations", "Create
permissionGrantConditionSet", "Update organizationalBranding".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.catalog.row import PARENT, ObjectType
from shared.recovery.looked_up import place_of_policy
from shared.recovery.state import Json
from shared.recovery.writable import same


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One such request; an empty method means the row's own."""

    path: str
    body: Json | None
    reason: str = "it differs from the restore point"
    method: str = ""
    stream: str = ""
    checked: bool = True
    """Whether what is there must still be what the plan saw."""
    becomes: Json = field(default_factory=dict)
    """What the property says afterwards: its whole `value`, or elements that it then `holds` or `lacks`."""
    find: Json = field(default_factory=dict)
    """How a request that adds an element is found to have been done: a list's `path` and what to `match`."""


LICENCES = "assignedLicenses"

type Maker = Callable[[ObjectType, str, Json, Json], Iterable[ActionRequest]]


def is_as_wanted(name: str, wanted: Json, present: Json) -> bool:
    """Whether nothing has to be sent for `name`."""
    return same(expected_value(name, wanted), expected_value(name, present))


def expected_value(name: str, body: Json) -> Any:
    """What a request on `name` expects to find: of licences those of the object's own, since a group may bring or take
    others in the same restore; of a provisioning schema all but the id that each job has of its own."""
    if name == LICENCES:
        return [one for _, one in sorted(direct_licences(body).items())]
    value = body.get(name)
    return _bare(value) if name == "schema" and isinstance(value, Mapping) else value


def has_become(becomes: Json, name: str, body: Json) -> bool:
    """Whether the property says what the request should have made of it."""
    if "value" in becomes:
        value = becomes["value"]
        return same(_bare(value) if name == "schema" else value, expected_value(name, body))
    there = _elements(name, body)
    return all(_stands_in(one, there) for one in becomes.get("holds", ())) and not any(
        _stands_in(one, there) for one in becomes.get("lacks", ())
    )


def _elements(name: str, body: Json) -> Iterable[Json]:
    value = body.get(name) or ()
    return value.get("rules") or () if isinstance(value, Mapping) else value


def _stands_in(element: Json, there: Iterable[Json]) -> bool:
    known = [name for name in element if "@" not in name]
    return any(all(same(one.get(name), element[name]) for name in known) for one in there)


def read_beside(name: str) -> tuple[str, ...]:
    """What must be read with `name` to know its expected value."""
    return ("licenseAssignmentStates",) if name == LICENCES else ()


def action_requests(row: ObjectType, name: str, path: str, wanted: Json, present: Json) -> list[ActionRequest]:
    """The requests that make `name` what the restore point says; `present` is empty for an object made anew."""
    maker = _BY_NAME.get(name, _stream if name in row.streams else None)
    return list(maker(row, path, wanted, present)) if maker else []


def _licences(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    """Direct ones only: what comes through a group comes back with the membership."""
    ours, theirs = (direct_licences(body) for body in (wanted, present))
    add = [
        {"skuId": sku, "disabledPlans": one.get("disabledPlans") or []}
        for sku, one in sorted(ours.items()) if not same(one, theirs.get(sku))
    ]
    remove = sorted(sku for sku in theirs if sku not in ours)
    if add or remove:
        yield ActionRequest(
            path, {"addLicenses": add, "removeLicenses": remove}, becomes={"value": expected_value(LICENCES, wanted)}
        )


def direct_licences(body: Json) -> dict[str, Json]:
    """Licence → what was assigned to the user or group itself; `assignedLicenses` shows inherited ones as well."""
    states = body.get("licenseAssignmentStates") or ()
    inherited = {str(one.get("skuId")) for one in states if one.get("assignedByGroup")}
    own = {str(one.get("skuId")) for one in states if not one.get("assignedByGroup")}
    return {
        str(one["skuId"]): one for one in body.get("assignedLicenses") or ()
        if str(one["skuId"]) in own or str(one["skuId"]) not in inherited
    }


def _configurations(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    now = {one.get("id"): one for one in present.get("authenticationMethodConfigurations") or ()}
    base = path.rpartition("/")[0]
    for one in wanted.get("authenticationMethodConfigurations") or ():
        if one.get("id") in now and not same(one, now[one["id"]]):
            there = now[one["id"]]
            body = {
                name: value for name, value in one.items()
                if name == "@odata.type" or (name != "id" and not same(value, there.get(name)))
            }
            yield ActionRequest(
                f"{base}/{one['id']}", body, checked=False, becomes={"holds": [{"id": one["id"], **body}]}
            )


def _rules(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    now = {one.get("id"): one for one in present.get("rules") or ()}
    for one in wanted.get("rules") or ():
        if one.get("id") in now and not same(one, now[one["id"]]):
            there = now[one["id"]]
            body = {
                name: value for name, value in one.items()
                if name == "@odata.type" or (name != "id" and not same(value, there.get(name)))
            }
            yield ActionRequest(
                path.replace("{ruleId}", str(one["id"])), body, checked=False, becomes={"holds": [dict(one)]}
            )


def _rules_of_group(row: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    """Those of a group that is made anew are all set; whose settings they are is looked up when they are sent."""
    ours, theirs = (body.get("policy") or {} for body in (wanted, present))
    path = path.replace("{policyId}", place_of_policy(str(wanted[PARENT]), str(wanted["roleDefinitionId"])))
    if present:
        yield from _rules(row, path, ours, theirs)
        return
    for one in ours.get("rules") or ():
        body = {name: value for name, value in one.items() if name not in ("id", "target")}
        yield ActionRequest(
            path.replace("{ruleId}", str(one["id"])), body, reason="the settings of what is made anew are the defaults",
            becomes={"holds": [{"id": one["id"], **body}]},
        )


def _combinations(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    if present:
        value = wanted.get("allowedCombinations")
        yield ActionRequest(path, {"allowedCombinations": value}, becomes={"value": value})


def _combination_configurations(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    ours, theirs = (
        [{name: value for name, value in one.items() if name != "id"} for one in
         body.get("combinationConfigurations") or ()] for body in (wanted, present)
    )
    for one in ours:
        if not any(same(one, other) for other in theirs):
            yield _added(path, one)
    for now in present.get("combinationConfigurations") or ():
        bare = {name: value for name, value in now.items() if name != "id"}
        if not any(same(bare, one) for one in ours):
            yield _removed(path, now)


def _condition_sets(name: str) -> Maker:
    def requests(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
        ours, theirs = ([_bare(one) for one in body.get(name) or ()] for body in (wanted, present))
        for one in ours:
            if not any(same(one, other) for other in theirs):
                yield _added(path, one)
        for now in present.get(name) or ():
            if not any(same(_bare(now), one) for one in ours):
                yield _removed(path, now)

    return requests


def _put(name: str) -> Maker:
    def requests(_: ObjectType, path: str, wanted: Json, __: Json) -> Iterable[ActionRequest]:
        if isinstance(wanted.get(name), dict):
            body = {key: value for key, value in wanted[name].items() if key != "tenantId"}
            yield ActionRequest(path, body, becomes={"value": wanted[name]})

    return requests


def _allowed_values(_: ObjectType, path: str, wanted: Json, present: Json) -> Iterable[ActionRequest]:
    now = {one.get("id"): one for one in present.get("allowedValues") or ()}
    for one in wanted.get("allowedValues") or ():
        known = now.get(one.get("id"))
        if known is None:
            yield _added(path, one)
        elif known.get("isActive") != one.get("isActive"):
            body = {"isActive": one.get("isActive")}
            yield ActionRequest(
                f"{path}/{one['id']}", body, method="PATCH", checked=False,
                becomes={"holds": [{"id": one["id"], **body}]},
            )


def _stream(_: ObjectType, path: str, wanted: Json, __: Json) -> Iterable[ActionRequest]:
    name = path.rpartition("/")[2]
    if isinstance(wanted.get(name), str) and wanted[name]:
        yield ActionRequest(path, None, stream=str(wanted[name]), checked=False, becomes={"value": wanted[name]})


def _added(path: str, element: Json) -> ActionRequest:
    plain = {name: value for name, value in element.items() if isinstance(value, str | bool | list) and "@" not in name}
    return ActionRequest(
        path, dict(element), checked=False, becomes={"holds": [dict(element)]}, find={"path": path, "match": plain}
    )


def _removed(path: str, element: Json) -> ActionRequest:
    return ActionRequest(
        f"{path}/{element['id']}", None, method="DELETE", checked=False, becomes={"lacks": [{"id": element["id"]}]}
    )


def _bare(one: Mapping[str, Any]) -> Json:
    return {name: value for name, value in one.items() if name != "id"}


_BY_NAME: Mapping[str, Maker] = {
    "assignedLicenses": _licences,
    "authenticationMethodConfigurations": _configurations,
    "rules": _rules,
    "policy": _rules_of_group,
    "allowedCombinations": _combinations,
    "combinationConfigurations": _combination_configurations,
    "includes": _condition_sets("includes"),
    "excludes": _condition_sets("excludes"),
    "identitySynchronization": _put("identitySynchronization"),
    "schema": _put("schema"),
    "allowedValues": _allowed_values,
}
