"""The simulator's own paths under `/simulator`: truth, clock, faults, request log. No token is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.simulator.errors import GraphError
from local.simulator.http_types import Request, Response, json_response

if TYPE_CHECKING:
    from local.simulator.app import App


def answer(app: App, request: Request) -> Response:
    """The answer of a control path."""
    path = "/".join(request.segments[1:])
    match (request.method, path):
        case ("GET", "state"):
            return json_response(200, state(app))
        case ("GET", "clock"):
            return json_response(200, {"now": app.tenant.clock.stamp(), "ahead": app.tenant.clock.ahead_seconds})
        case ("POST", "clock"):
            return _move(app, request)
    raise GraphError(404, "ResourceNotFound", f"There is no /simulator/{path} with {request.method}.")


def state(app: App) -> dict[str, Any]:
    """The whole tenant as plain JSON: objects by table and id, links by name and source, the bin."""
    store = app.tenant.store
    return {
        "tenantId": store.tenant_id,
        "objects": {
            name: {record.key: record.read() for record in store.all(name)} for name in sorted(store.tables)
        },
        "links": {name: _links(held) for name, held in sorted(store.links.items())},
        "deleted": {
            key: {"table": each.record.table, "body": each.record.read(), "links": sorted(each.links)}
            for key, each in store.bin.items()
        },
    }


def _links(held: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for source, target in held.pairs():
        told.setdefault(source, []).append(target)
    return {source: sorted(targets) for source, targets in sorted(told.items())}


def _move(app: App, request: Request) -> Response:
    seconds = request.json().get("advanceSeconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise GraphError(400, "BadRequest", "advanceSeconds must be a number that is not negative.")
    app.tenant.clock.move(float(seconds))
    app.tenant.store.purge_expired()
    return json_response(200, {"now": app.tenant.clock.stamp(), "ahead": app.tenant.clock.ahead_seconds})
