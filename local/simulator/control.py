"""The simulator's own paths under `/simulator`: truth, clock, faults, quotas, request log, reset, save and load.

No token is asked for: whoever reaches the loopback may rehearse with the tenant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.simulator import recovery, statefile
from local.simulator.errors import GraphError
from local.simulator.faults.rules import parse
from local.simulator.faults.throttle import Quota
from local.simulator.http_types import Request, Response, json_response
from local.simulator.writes import cascades, dynamic, schedules

if TYPE_CHECKING:
    from local.simulator.app import App


def answer(app: App, request: Request) -> Response:  # noqa: C901 - one line a path
    """The answer of a control path."""
    tenant = app.tenant
    path = "/".join(request.segments[1:])
    match (request.method, path):
        case ("GET", "state"):
            return json_response(200, state(app))
        case ("GET", "log"):
            return json_response(200, {"seq": tenant.store.seq, "changes": [_told(each) for each in tenant.store.log]})
        case ("GET", "clock"):
            return json_response(200, _clock(app))
        case ("POST", "clock"):
            return _move(app, request)
        case ("GET", "faults"):
            return json_response(200, _faults(app))
        case ("POST" | "PUT", "faults"):
            return _set_faults(app, request)
        case ("DELETE", "faults"):
            tenant.faults.rules.clear()
            return json_response(200, _faults(app))
        case ("GET", "quotas"):
            return json_response(200, _quotas(app))
        case ("POST", "quotas"):
            return _set_quotas(app, request)
        case ("GET", "requests"):
            return json_response(200, tenant.requests.told())
        case ("DELETE", "requests"):
            tenant.requests.clear()
            return Response(204)
        case ("POST", "reset"):
            app.reset()
            return Response(204)
        case ("POST", "deltaReset"):
            # all tokens given out so far answer 410 from now on
            tenant.store.delta_epoch = tenant.clock.now() + 1
            tenant.clock.move(1)
            return Response(204)
        case ("POST", "recovery"):
            return _recover(app, request)
        case ("POST", "save"):
            statefile.save(tenant, _file(request))
            return Response(204)
        case ("POST", "load"):
            app.replace(statefile.load(_file(request)))
            return Response(204)
        case ("POST", "token"):
            return _token(app, request)
    raise GraphError(404, "ResourceNotFound", f"There is no /simulator/{path} with {request.method}.")


def state(app: App) -> dict[str, Any]:
    """The whole tenant as plain JSON: objects by table and key, links by name and source, the bin."""
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
    }  # fmt: skip


def _links(held: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for source, target in held.pairs():
        told.setdefault(source, []).append(target)
    return {source: sorted(targets) for source, targets in sorted(told.items())}


def _told(change: Any) -> dict[str, Any]:
    return {
        "seq": change.seq, "kind": change.kind, "table": change.table, "key": change.key, "link": change.name,
        "target": change.target, "actor": change.actor.name, "inDelta": change.in_delta,
    }  # fmt: skip


def _clock(app: App) -> dict[str, Any]:
    return {"now": app.tenant.clock.stamp(), "aheadSeconds": app.tenant.clock.ahead_seconds}


def _move(app: App, request: Request) -> Response:
    seconds = request.json().get("advanceSeconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise GraphError(400, "BadRequest", "advanceSeconds must be a number that is not negative.")
    app.tenant.clock.move(float(seconds))
    cascades.expire(app.tenant.store)
    schedules.settle(app.tenant)
    dynamic.pass_time(app.tenant.store)
    return json_response(200, _clock(app))


def _faults(app: App) -> dict[str, Any]:
    rules = [each.said | {"seen": each.seen, "struck": each.struck} for each in app.tenant.faults.rules]
    return {"rules": rules, "struck": dict(app.tenant.faults.struck)}


def _set_faults(app: App, request: Request) -> Response:
    """POST adds rules, PUT replaces them; the body is one rule or {"rules": […]}."""
    said = request.json()
    rules = [parse(each) for each in (said["rules"] if isinstance(said.get("rules"), list) else [said])]
    if request.method == "PUT":
        app.tenant.faults.rules.clear()
    app.tenant.faults.rules += rules
    return json_response(200, _faults(app))


def _quotas(app: App) -> dict[str, Any]:
    throttle = app.tenant.throttle
    return {
        "scale": throttle.scale, "size": throttle.size(),
        "quotas": {name: {"limit": each.limit, "seconds": each.seconds} for name, each in throttle.quotas.items()},
    }  # fmt: skip


def _set_quotas(app: App, request: Request) -> Response:
    said = request.json()
    scale, quotas = said.get("scale"), said.get("quotas") or {}
    if scale is not None and (not isinstance(scale, int | float) or isinstance(scale, bool) or scale <= 0):
        raise GraphError(400, "BadRequest", "scale must be a positive number.")
    sizes: dict[str, Quota] = {}
    for name, each in quotas.items():
        if name not in app.tenant.throttle.quotas:
            raise GraphError(400, "BadRequest", f"There is no quota '{name}'.")
        try:
            sizes[name] = Quota(float(each["limit"]), float(each["seconds"]))
        except (KeyError, TypeError, ValueError) as error:
            raise GraphError(400, "BadRequest", f"quotas.{name} needs limit and seconds.") from error
        if sizes[name].limit <= 0 or sizes[name].seconds <= 0:
            raise GraphError(400, "BadRequest", f"quotas.{name}: limit and seconds must be positive.")
    app.tenant.throttle.set(float(scale) if scale is not None else None, sizes)
    return json_response(200, _quotas(app))


def _file(request: Request) -> Path:
    said = request.json().get("file")
    if not isinstance(said, str) or not said:
        raise GraphError(400, "BadRequest", "file must name a file.")
    return Path(said)


def _token(app: App, request: Request) -> Response:
    """A user's token: {"userPrincipalName", "clientId"?, "authTime"?}; for playing delegated callers."""
    said = request.json()
    users = app.tenant.store.find("user", "userPrincipalName", str(said.get("userPrincipalName", "")))
    client = said.get("clientId") or app.tenant.credentials.client_id
    principals = app.tenant.store.find("servicePrincipal", "appId", str(client))
    if not users or not principals:
        raise GraphError(404, "ResourceNotFound", "There is no such user or application.")
    auth_time = said.get("authTime")
    token = app.issuer.user_token(users[0], principals[0], request.root, str(auth_time) if auth_time else None)
    return json_response(200, {"access_token": token, "token_type": "Bearer"})


def _recover(app: App, request: Request) -> Response:
    """Microsoft's own recovery, played without its delegated caller: {"secondsAgo": N, "runsSeconds"?: N}."""
    seconds = request.json().get("secondsAgo")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise GraphError(400, "BadRequest", "secondsAgo must be a number that is not negative.")
    runs = request.json().get("runsSeconds", 0)
    if not isinstance(runs, int | float) or isinstance(runs, bool) or runs < 0:
        raise GraphError(400, "BadRequest", "runsSeconds must be a number that is not negative.")
    at = app.tenant.clock.now() - seconds
    return json_response(200, recovery.recover(app.tenant, at, runs_seconds=float(runs)))
