"""The recycle bins: un-deleting and permanent deletion (Restore deleted item, Permanently delete item).

Ids come back, and with them what `cascades` brings; a name that another object took meanwhile refuses the restore,
unless the body of a user's restore settles it.
"""

from __future__ import annotations

from local.simulator.errors import bad_request, not_allowed, not_found
from local.simulator.http_types import Response, json_response
from local.simulator.store import Body, Deleted, Record
from local.simulator.writes import cascades, dynamic, guards, licences, objects, refusals, unique, users
from local.simulator.writes.change import Write, no_content


def restore(write: Write) -> Response:
    """POST `…/deletedItems/{id}/restore`: 200 with the object."""
    entry = _entry(write)
    record, options = entry.record, _options(write)
    body = record.read()
    match record.table:
        case "user":
            body = _user(write, record, body, options)
        case "group":
            _group(write, record, body)
        case "application":
            for each in body.get("identifierUris") or ():
                unique.check(write.store, "application", "identifierUris", each, record.key)
        case "servicePrincipal":
            _service_principal(write, entry, body)
        case "conditionalAccessPolicy" | "namedLocation":
            write.require("Policy.ReadWrite.ConditionalAccess")
        case "unifiedRoleDefinition":
            write.require("RoleManagement.ReadWrite.Directory")
    restored = write.store.restore(record.key, body)
    cascades.unpark(write.store, restored)
    if restored.table == "user":
        licences.retake(write.store, restored)
        dynamic.place(write.store, write.store.records[restored.key])
        dynamic.reports_changed(write.store, restored.key)
    if restored.table in ("group", "administrativeUnit"):
        dynamic.refill(write.store, restored)
    if restored.table == "administrativeUnit":
        for key in write.store.link_set("members").targets(restored.key):
            dynamic.mark_restricted(write.store, write.store.records[key])
    shown = write.shown(write.store.records[restored.key])
    tagged = {"@odata.type": f"#microsoft.graph.{write.type_of(restored)}", **shown}
    context = f"{write.request.root}/{write.target.version}/$metadata#directoryObjects/$entity"
    return json_response(200, {"@odata.context": context, **tagged})


def purge(write: Write) -> Response:
    """DELETE `…/deletedItems/{id}`: 204; gone for good."""
    entry = _entry(write)
    if entry.record.table == "administrativeUnit":
        raise bad_request("A deleted administrative unit cannot be deleted permanently.")
    if entry.record.table == "user":
        guards.check_privileged(write, entry.record)
    cascades.forget(write.store, entry.record.key)
    write.store.purge(entry.record.key)
    return no_content()


def _entry(write: Write) -> Deleted:
    entry = write.target.bin_entry
    if entry is None:
        raise not_allowed()
    if write.store.bin.get(entry.record.key) is None:
        raise not_found(entry.record.key)
    return entry


def _options(write: Write) -> Body:
    options = write.request.json() if write.request.body.strip() else {}
    known = {"newUserPrincipalName": str, "autoReconcileProxyConflict": bool}
    for name, value in options.items():
        if name not in known:
            raise refusals.unknown_property(name)
        if value is not None and not isinstance(value, known[name]):
            raise refusals.invalid_value(name, "directoryObject")
    return options


def _user(write: Write, record: Record, body: Body, options: Body) -> Body:
    guards.check_privileged(write, record)
    name = options.get("newUserPrincipalName")
    if name:
        users.check_name(write, name, body.get("onPremisesImmutableId"), record.key)
        body["userPrincipalName"] = name
    unique.check(write.store, "user", "userPrincipalName", body["userPrincipalName"], record.key)
    kept = []
    for address in unique.addresses_of(body):
        try:
            unique.check_addresses(write.store, [address], record.key)
        except refusals.GraphError:
            if not options.get("autoReconcileProxyConflict"):
                raise
            continue
        kept.append(address)
    return body | {"proxyAddresses": kept}


def _group(write: Write, record: Record, body: Body) -> None:
    guards.check_role_assignable(write, body)
    unique.check_addresses(write.store, unique.addresses_of(body), record.key)
    if body.get("uniqueName"):
        unique.check(write.store, "group", "uniqueName", body["uniqueName"], record.key)


def _service_principal(write: Write, entry: Deleted, body: Body) -> None:
    if unique.holder(write.store, "servicePrincipal", "appId", body["appId"]) is not None:
        raise refusals.same_key(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{body['appId']} is already in use."
        )
    ours = body.get("appOwnerOrganizationId") == write.store.tenant_id
    if ours and unique.holder(write.store, "application", "appId", body["appId"]) is None:
        raise bad_request("The application of the service principal must be restored first.")
    entry.links = [each for each in entry.links if each[1] not in cascades.NOT_BROUGHT_BACK]


def delete(write: Write) -> Response:
    """DELETE on a living object."""
    return objects.delete(write, write.record())
