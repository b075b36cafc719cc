"""Every request that changes the tenant: which rule answers it.

The order of judgement is the path (resolved before), then who may do it at all, then the body against Microsoft's
schema, then the rules of the type. A refused request changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator import model
from local.simulator.errors import denied, not_allowed, not_found
from local.simulator.http_types import Request, Response
from local.simulator.routing import Target
from local.simulator.writes import (
    actions,
    bins,
    custom_attributes,
    grants,
    groups,
    identity_settings,
    invitations,
    links,
    objects,
    policies,
    provisioning,
    refusals,
    roles,
    streams,
)
from local.simulator.writes.change import Write, no_content

if TYPE_CHECKING:
    from local.simulator.access.tokens import Caller
    from local.simulator.tenant import Tenant

# The modules whose import registers the rules of their types.
RULE_MODULES = (custom_attributes, grants, groups, identity_settings, policies, provisioning, roles)


def answer(tenant: Tenant, request: Request, target: Target, caller: Caller) -> Response:
    """The answer to a POST, PATCH, PUT or DELETE; raises GraphError for what Graph refuses. The store's actor is
    the caller's to set before."""
    write = Write(tenant, request, target, caller)
    for record in (target.record, target.parent):
        if record is not None and tenant.hidden(record):
            raise not_found(record.key)
    if target.shape == "operation":
        return actions.answer(write)
    match request.method:
        case "POST":
            return _post(write)
        case "PATCH":
            return _patch(write)
        case "PUT":
            return _put(write)
        case "DELETE":
            return _delete(write)
    raise not_allowed()


def _post(write: Write) -> Response:
    target = write.target
    if target.shape == "set" and not target.suffix:
        if target.type == "invitation":
            return invitations.create(write)
        if target.table in TENANTS_OWN:
            raise not_allowed()
        if target.cast and target.type not in write.schema.family(target.cast) | {target.type}:
            raise not_allowed()
        return objects.create(write, target.cast or target.type, target.table)
    if target.shape == "navigation set":
        if target.suffix == "$ref":
            return links.add(write)
        return _contained(write)
    raise not_allowed()


def _contained(write: Write) -> Response:
    target, navigation = write.target, write.target.navigation
    parent = write.parent()
    if navigation is None or target.suffix:
        raise not_allowed()
    if navigation.how == "child" and navigation.via != ("rules",):
        link = model.link_name(navigation)
        if link == "localizations" and parent.table == "organization":
            raise not_allowed()
        declared = navigation.target
        if navigation.name == "authentication/methods":
            raise not_allowed()
        record = objects.insert(write, declared, model.child_table(navigation), write.request.json(), parent, link)
        if declared == "temporaryAccessPassAuthenticationMethod":
            return write.created(record, {"temporaryAccessPass": identity_settings.temporary_access_pass()})
        return write.created(record)
    if navigation.how == "where" and navigation.name in (
        "appRoleAssignedTo",
        "appRoleAssignments",
        "scopedRoleMembers",
    ):
        return objects.create(write, navigation.target, navigation.target)
    if parent.table == "administrativeUnit" and navigation.name == "members":
        return _member_of_unit(write)
    raise not_allowed()


def _member_of_unit(write: Write) -> Response:
    """POST a group into an administrative unit: made and added at once (Add a member)."""
    body = write.request.json()
    if body.get("@odata.type") not in ("#microsoft.graph.group", "microsoft.graph.group"):
        raise refusals.required("@odata.type", "directoryObject")
    unit = write.parent()
    links.check_source(write, unit, "members")
    inner = Write(
        write.tenant, write.request, write.tenant.resolvers[write.target.version].resolve(["groups"]), write.caller
    )
    record = objects.insert(inner, "group", "group", body)
    links.make(write, unit, "members", [record])
    return inner.created(write.store.records[record.key])


def _patch(write: Write) -> Response:
    target = write.target
    if target.missing_key is not None:
        return objects.upsert(write)
    if target.shape not in ("object", "navigation object") or target.suffix:
        raise not_allowed()
    navigation = target.navigation
    if navigation is not None and navigation.how not in ("child", "where") and target.record is not None:
        raise not_allowed()
    if navigation is not None and navigation.target in MADE_BY_PATCH and target.record is None:
        made = {"id": MADE_BY_PATCH[navigation.target], **model.DEFAULTS.get(navigation.target, {})}
        return objects.first_change(write, navigation, made)
    return objects.update(write, write.record())


# Single contained objects that a first PATCH makes. For branding, whose default a tenant may lack, unconfirmed.
MADE_BY_PATCH = {"organizationalBranding": "0", "strongAuthenticationRequirements": "", "signInPreferences": ""}


def _put(write: Write) -> Response:
    target = write.target
    if target.suffix == "$ref":
        return links.put(write)
    if target.shape == "property":
        return streams.put(write)
    navigation = target.navigation
    if navigation is not None and navigation.name == "identitySynchronization":
        policies.put_synchronization(write, write.parent(), write.request.json())
        return no_content()
    if navigation is not None and navigation.target == "synchronizationSchema":
        return provisioning.put_schema(write)
    if target.record is not None and target.record.table in ("adminConsentRequestPolicy", "deviceRegistrationPolicy"):
        return objects.update(write, target.record)
    raise not_allowed()


def _delete(write: Write) -> Response:
    target = write.target
    if target.suffix == "$ref":
        return links.remove(write)
    if target.suffix:
        raise not_allowed()
    if target.shape == "bin object":
        return bins.purge(write)
    if target.shape == "property":
        return streams.delete(write)
    if target.shape not in ("object", "navigation object"):
        raise not_allowed()
    navigation = target.navigation
    record = write.record()
    if navigation is not None and navigation.how not in ("child", "where"):
        raise not_allowed()  # an object is deleted under its own address; a link by its $ref
    if record.table in TENANTS_OWN:
        raise denied()
    return objects.delete(write, record)


# What a tenant has and nobody makes or removes.
TENANTS_OWN = frozenset(
    [
        "organization",
        "subscribedSku",
        "contract",
        "directoryRoleTemplate",
        "groupSettingTemplate",
        "applicationTemplate",
        "directoryAudit",
        "secureScore",
        "synchronizationTemplate",
        "connector",
        "orgContact",
        "resourceSpecificPermissionGrant",
    ]
)

__all__ = ["answer"]
