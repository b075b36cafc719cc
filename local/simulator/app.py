"""From a request to its answer: control and login paths aside, every Graph request passes the same gates in order:
faults, token, quota, path, permission, then reads or writes.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from email.utils import format_datetime

import orjson

from local.simulator import control
from local.simulator.access import discovery
from local.simulator.access.tokens import Caller, Issuer
from local.simulator.errors import GraphError, no_segment, not_allowed
from local.simulator.http_types import Request, Response
from local.simulator.reads import batch, collection, delta, functions
from local.simulator.routing import Target
from local.simulator.tenant import Tenant
from local.simulator.writes import answer as answer_write

METHODS = frozenset(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"])


class App:
    """Answers requests for one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.issuer = Issuer(tenant)

    def answer(self, request: Request) -> Response:
        """The answer; never raises for anything a caller can send."""
        request_id = str(uuid.uuid4())
        try:
            response = self._route(request, request_id)
        except GraphError as error:
            response = refusal(error, request, request_id)
        response.headers.setdefault("request-id", request_id)
        said = request.headers.get("client-request-id")
        response.headers.setdefault("client-request-id", said or request_id)
        return response

    def refused(self, request: Request, error: GraphError) -> Response:
        """An error as an answer, for entries of a batch that never reach Graph."""
        return refusal(error, request, str(uuid.uuid4()))

    def _route(self, request: Request, request_id: str) -> Response:
        segments = request.segments
        head = segments[0] if segments else ""
        if head == "simulator":
            return control.answer(self, request)
        if head not in ("v1.0", "beta"):
            return self._login(request, segments)
        return self.graph(request, segments, request_id)

    def _login(self, request: Request, segments: list[str]) -> Response:
        path = "/".join(segments[1:])
        if path == "oauth2/v2.0/token":
            if request.method != "POST":
                raise not_allowed()
            return self.issuer.issue(request)
        if path.endswith(".well-known/openid-configuration"):
            return discovery.openid(request, segments[0])
        if path == "discovery/instance":
            return discovery.instances(request)
        if path in ("discovery/v2.0/keys", "discovery/keys"):
            return discovery.keys()
        raise GraphError(404, "ResourceNotFound", "There is no such address here; Graph is at /v1.0 and /beta.")

    def graph(self, request: Request, segments: list[str], request_id: str) -> Response:
        """The answer of Graph itself, after faults and before transport."""
        if request.method not in METHODS:
            raise not_allowed()
        caller = self.issuer.read(request)
        if segments[1:] == ["$batch"]:
            return batch.answer(self, request)
        target = self._resolve(request, segments, caller)
        return self._dispatch(request, target, caller, request_id)

    def _resolve(self, request: Request, segments: list[str], caller: Caller) -> Target:
        me = self.tenant.store.get(caller.object_id) if caller.kind == "user" else None
        if len(segments) < 2:
            raise no_segment("")
        return self.tenant.resolvers[segments[0]].resolve(segments[1:], me)

    def _dispatch(self, request: Request, target: Target, caller: Caller, request_id: str) -> Response:
        if target.shape == "operation":
            if target.name == "delta" and request.method == "GET":
                return delta.answer(self.tenant.store, self.tenant.schemas[target.version], request, target)
            answered = functions.answer(self.tenant, request, target)
            if answered is not None:
                return answered
        elif request.method == "GET":
            return collection.answer(self.tenant, request, target)
        store = self.tenant.store
        store.actor, store.correlation = caller.actor(), request_id
        return answer_write(self.tenant, request, target, caller)


def refusal(error: GraphError, request: Request, request_id: str) -> Response:
    """An error in Graph's shape."""
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    said: dict[str, object] = {"code": error.code, "message": error.message, "innerError": inner}
    if error.details:
        said["details"] = error.details
    headers = {"content-type": "application/json"} | error.headers
    return Response(error.status, orjson.dumps({"error": said}), headers)


def date_header() -> str:
    """The Date header of now."""
    return format_datetime(datetime.now(UTC), usegmt=True)
