"""Functions and read-only actions: getByIds and the membership checks (Microsoft Graph directoryObject methods)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator import model, recovery
from local.simulator.errors import bad_request
from local.simulator.http_types import Request, Response, json_response
from local.simulator.reads.view import View, parse_select
from local.simulator.routing import GUID, Target
from local.simulator.store import Body, Record

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

MOST_IDS = 1000
CHECKED_IDS = 20


def answer(tenant: Tenant, request: Request, target: Target) -> Response | None:
    """The answer of a function that changes nothing, or None when this is not one."""
    match target.name:
        case "getByIds" if request.method == "POST":
            return _by_ids(tenant, request, target)
        case "getAvailableExtensionProperties" if request.method == "POST":
            return _extension_properties(tenant, request, target)
        case "getMemberGroups" | "getMemberObjects" if request.method == "POST" and target.record:
            return _memberships(tenant, request, target, target.record)
        case "checkMemberGroups" | "checkMemberObjects" if request.method == "POST" and target.record:
            return _check(tenant, request, target, target.record)
        case "getChanges" | "getFailedChanges" if request.method == "GET" and target.table == recovery.JOB:
            return recovery.changes(tenant, request, target, failed=target.name == "getFailedChanges")
        case "usage" if request.method == "GET" and target.record:
            return _usage(tenant, request, target, target.record)
    return None


def _by_ids(tenant: Tenant, request: Request, target: Target) -> Response:
    body = request.json()
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise bad_request("The parameter 'ids' must be a collection of strings.")
    if not ids or len(ids) > MOST_IDS:
        raise bad_request(f"The number of ids must be between 1 and {MOST_IDS}.")
    if not all(GUID.match(each) for each in ids):
        raise bad_request("Invalid GUID specified.")
    types = body.get("types")
    if types is not None and not isinstance(types, list):
        raise bad_request("The parameter 'types' must be a collection of strings.")
    view = View(tenant.schemas[target.version], parse_select(request.query.get("$select")), tagged=True,
                unknown_enum_members=request.prefers("include-unknown-enum-members"))  # fmt: skip
    found = []
    for each in dict.fromkeys(one.lower() for one in ids):
        record = tenant.store.get(each)
        if record is None or record.table not in (*model.DIRECTORY_TABLES, "servicePrincipal") or tenant.hidden(record):
            continue
        if types and "directoryObject" not in types and record.table not in types:
            continue
        found.append(view.show(record.table, record.read()))
    return json_response(
        200, {"@odata.context": f"{request.root}/{target.version}/$metadata#directoryObjects", "value": found}
    )


def _extension_properties(tenant: Tenant, request: Request, target: Target) -> Response:
    """Every extension property of the tenant's applications (directoryObject: getAvailableExtensionProperties)."""
    synced = (request.json() if request.body.strip() else {}).get("isSyncedFromOnPremises")
    if synced is not None and not isinstance(synced, bool):
        raise bad_request("The parameter 'isSyncedFromOnPremises' must be a Boolean.")
    view = View(tenant.schemas[target.version], None)
    found = [view.show(each.table, each.read()) for each in tenant.store.all("extensionProperty")]
    value = [each for each in found if synced is None or bool(each["isSyncedFromOnPremises"]) == synced]
    return json_response(
        200, {"@odata.context": f"{request.root}/{target.version}/$metadata#extensionProperties", "value": value}
    )


def _above(tenant: Tenant, record: Record) -> list[Record]:
    members = tenant.store.link_set("members")
    seen: dict[str, None] = {}
    queue = [record.key]
    for key in queue:
        for source in members.sources(key):
            if source not in seen:
                seen[source] = None
                queue.append(source)
    return [each for key in seen if (each := tenant.store.get(key)) is not None]


def _memberships(tenant: Tenant, request: Request, target: Target, record: Record) -> Response:
    only_security = request.json().get("securityEnabledOnly", False)
    above = _above(tenant, record)
    if target.name == "getMemberGroups" or only_security:
        above = [each for each in above if each.table == "group"]
    if only_security:
        above = [each for each in above if each.read().get("securityEnabled")]
    return _strings(request, target, [each.key for each in above])


def _check(tenant: Tenant, request: Request, target: Target, record: Record) -> Response:
    name = "groupIds" if target.name == "checkMemberGroups" else "ids"
    asked = request.json().get(name)
    if not isinstance(asked, list) or len(asked) > CHECKED_IDS:
        raise bad_request(f"The parameter '{name}' must be a collection of at most {CHECKED_IDS} ids.")
    above = {each.key for each in _above(tenant, record)}
    return _strings(request, target, [each for each in asked if str(each).lower() in above])


def _strings(request: Request, target: Target, value: list[str]) -> Response:
    context = f"{request.root}/{target.version}/$metadata#Collection(Edm.String)"
    return json_response(200, {"@odata.context": context, "value": value})


def _usage(tenant: Tenant, request: Request, target: Target, record: Record) -> Response:
    mfa: list[Body] = []
    none: list[Body] = []
    view = View(tenant.schemas[target.version], None)
    for policy in tenant.store.all("conditionalAccessPolicy"):
        body = policy.read()
        strength = (body.get("grantControls") or {}).get("authenticationStrength") or {}
        if strength.get("id") == record.read()["id"]:
            (mfa if "mfa" in (body["grantControls"].get("builtInControls") or ()) else none).append(
                view.show(policy.table, body)
            )
    context = f"{request.root}/{target.version}/$metadata#microsoft.graph.authenticationStrengthUsage"
    return json_response(200, {"@odata.context": context, "mfa": mfa, "none": none})
