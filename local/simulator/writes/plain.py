"""Create, update, delete and link in the general case."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local.simulator import model
from local.simulator.errors import bad_request, not_allowed, not_found
from local.simulator.http_types import Request, Response, json_response
from local.simulator.reads.view import View
from local.simulator.routing import Target, is_related
from local.simulator.store import Body

if TYPE_CHECKING:
    from local.simulator.access.tokens import Caller
    from local.simulator.tenant import Tenant

SOFT = frozenset((*model.BIN, *(table for table, _ in model.BINS.values())))


def answer(tenant: Tenant, request: Request, target: Target, caller: Caller) -> Response:
    """The answer to a request that changes the tenant."""
    match (request.method, target.shape):
        case ("POST", "set"):
            return _create(tenant, request, target)
        case ("PATCH", "object" | "navigation object") if target.record:
            return _update(tenant, request, target)
        case ("DELETE", "object") if target.record:
            tenant.store.delete(target.record.key, soft=target.record.table in SOFT)
            return Response(204)
        case ("DELETE", "bin object") if target.bin_entry:
            tenant.store.purge(target.bin_entry.record.key)
            return Response(204)
        case ("POST", "operation") if target.name == "restore" and target.bin_entry:
            record = tenant.store.restore(target.bin_entry.record.key)
            view = View(tenant.schemas[target.version], None, single=True, tagged=True)
            return json_response(200, view.show(record.table, record.read()))
        case ("POST" | "PUT", "navigation set" | "navigation object") if target.suffix == "$ref":
            return _add_link(tenant, request, target)
        case ("DELETE", "navigation object") if target.suffix == "$ref":
            return _remove_link(tenant, target)
    raise not_allowed()


def _create(tenant: Tenant, request: Request, target: Target) -> Response:
    body = _checked(tenant, target, request.json())
    links = {name: value for name, value in body.items() if name.endswith("@odata.bind")}
    stored = {name: value for name, value in body.items() if name not in links}
    stored["id"] = str(uuid.uuid4())
    if "createdDateTime" in tenant.schemas[target.version].properties(target.type):
        stored["createdDateTime"] = tenant.clock.stamp()
    if target.type == "application":
        stored["appId"] = str(uuid.uuid4())
    record = tenant.store.create(target.table, stored)
    for name, urls in links.items():
        for url in urls if isinstance(urls, list) else [urls]:
            tenant.store.link(record.key, name.partition("@")[0], _referenced(tenant, url))
    view = View(tenant.schemas[target.version], None, single=True)
    shown = view.show(record.table, record.read(), target.type)
    context = f"{request.root}/{target.version}/$metadata#{target.template}/$entity"
    return json_response(
        201, {"@odata.context": context, **shown},
        {"location": f"{request.root}/{target.version}/{target.template}/{record.read()['id']}"},
    )  # fmt: skip


def _update(tenant: Tenant, request: Request, target: Target) -> Response:
    assert target.record is not None
    patch = _checked(tenant, target, request.json())
    body = target.record.read()
    for name, value in patch.items():
        if name.endswith("@odata.bind"):
            for url in value:
                if not tenant.store.link(target.record.key, name.partition("@")[0], _referenced(tenant, url)):
                    raise _exists(name.partition("@")[0])
        else:
            body[name] = value
    tenant.store.update(target.record.key, body)
    return Response(204)


def _checked(tenant: Tenant, target: Target, body: Body) -> Body:
    schema = tenant.schemas[target.version]
    said = body.get("@odata.type")
    known = schema.properties(str(said).removeprefix("#microsoft.graph.") if said else target.type)
    for name in body:
        bare = name.partition("@")[0]
        if bare and bare not in known:
            raise bad_request(f"Invalid property '{name}'.")
        if not name.count("@") and known[name].read_only:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    return body


def _referenced(tenant: Tenant, url: Any) -> str:
    if not isinstance(url, str):
        raise bad_request("Invalid URL format specified in payload.")
    key = url.rstrip("/").rpartition("/")[2].lower()
    if key not in tenant.store.records:
        raise not_found(key)
    return key


def _exists(name: str) -> Exception:
    return bad_request(
        f"One or more added object references already exist for the following modified properties: '{name}'."
    )


def _add_link(tenant: Tenant, request: Request, target: Target) -> Response:
    assert target.parent is not None
    assert target.navigation is not None
    key = _referenced(tenant, request.json().get("@odata.id"))
    if not tenant.store.link(target.parent.key, target.navigation.name, key) and not target.navigation.single:
        raise _exists(target.navigation.name)
    return Response(204)


def _remove_link(tenant: Tenant, target: Target) -> Response:
    assert target.parent is not None
    assert target.navigation is not None
    if target.record is None or not is_related(tenant.store, target.parent, target.navigation, target.record.key):
        raise not_found(target.navigation.name)
    tenant.store.unlink(target.parent.key, target.navigation.name, target.record.key)
    return Response(204)
