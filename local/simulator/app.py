"""From a request to its answer: control and login paths aside, every Graph request passes the same gates in order:
faults, token, quota, path, permission, then reads or writes.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

import orjson

from local.simulator import control, recovery, role_settings
from local.simulator.access import discovery, permissions
from local.simulator.access.tokens import Caller, Issuer
from local.simulator.errors import GraphError, no_segment, not_allowed, not_found
from local.simulator.faults.rules import Rule
from local.simulator.http_types import Request, Response
from local.simulator.reads import batch, collection, delta, functions
from local.simulator.reads.pages import Pages
from local.simulator.reads.view import parse_select
from local.simulator.routing import Target
from local.simulator.store import Actor
from local.simulator.tenant import Tenant
from local.simulator.writes import answer as answer_write
from local.simulator.writes import schedules

_log = logging.getLogger(__name__)
METHODS = frozenset(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"])


class App:
    """Answers requests for one tenant."""

    def __init__(self, tenant: Tenant, make: Callable[[], Tenant] | None = None) -> None:
        self._make = make
        self.replace(tenant)

    def replace(self, tenant: Tenant) -> None:
        """Answer for another tenant from now on."""
        self.tenant = tenant
        self.issuer = Issuer(tenant)
        self.pages = Pages(tenant)

    def reset(self) -> None:
        """Begin again with the tenant as it was generated; refused when it came from a file."""
        if self._make is None:
            raise GraphError(409, "Conflict", "This tenant was loaded from a file; load it again instead.")
        self.replace(self._make())

    def answer(self, request: Request) -> Response:
        """The answer; never raises for anything a caller can send."""
        request_id = str(uuid.uuid4())
        try:
            response = self._route(request, request_id)
        except GraphError as error:
            response = refusal(error, request, request_id)
        except Exception:  # noqa: BLE001 - the boundary: a caller waits, and must not learn of our bugs by silence
            _log.exception("the simulator failed on %s %s", request.method, request.path)
            response = refusal(
                GraphError(500, "generalException", "The simulator itself failed."), request, request_id
            )
        response.headers["request-id"] = request_id
        response.headers["client-request-id"] = request.headers.get("client-request-id") or request_id
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
        """The answer of Graph itself with the faults that were asked for."""
        tenant = self.tenant
        if request.in_batch:
            batch_path = False
        else:
            tenant.requests.http_requests += 1
            batch_path = segments[1:] == ["$batch"]
        if request.method not in METHODS:
            raise not_allowed()
        passage = Passage()
        rules: list[Rule] = []
        written = tenant.store.seq
        try:
            if tenant.faults.rules:
                rules = tenant.faults.struck_by(request, self._app_id(request))
                tenant.faults.before(rules, request)
            caller = self.issuer.read(request)
            if batch_path:
                tenant.requests.batches += 1
                passage.batch = True
                response = batch.answer(self, request)
                tenant.requests.batch_ended()
            else:
                response = self._pass(request, segments, caller, request_id, passage, fresh=bool(rules))
            if rules:
                response = tenant.faults.after(rules, request, response, written)
        except GraphError as error:
            error.headers = passage.headers | error.headers
            self._note(request, passage, error.status)
            raise
        finally:
            if tenant.rewound is not None:
                tenant.rewound.forward()
                tenant.rewound = None
        if not passage.batch:
            self._note(request, passage, response.status)
        return response

    def _note(self, request: Request, passage: Passage, status: int) -> None:
        self.tenant.requests.note(
            request.method, passage.template, request.target, status, passage.units, in_batch=request.in_batch
        )

    def _app_id(self, request: Request) -> str:
        try:
            return self.issuer.read(request).app_id
        except GraphError:
            return ""

    def _pass(
        self, request: Request, segments: list[str], caller: Caller, request_id: str, passage: Passage, *, fresh: bool
    ) -> Response:
        """Quota, path and permission, then the answer: a kept one when nothing has changed."""
        tenant = self.tenant
        tenant.caller = caller
        reading = request.method == "GET"
        keepable = reading and not fresh and not tenant.hidden_until
        kept = self.pages.find(request, caller) if keepable else None
        if kept is not None:
            passage.template = kept.template
            self._charge(request, caller, passage)
            permissions.check(caller, "GET", kept.template)
            permissions.check_select(caller, kept.select)
            headers = {"content-type": kept.response.headers["content-type"]} | passage.headers
            return Response(200, kept.response.body, headers, kept=kept.response)
        try:
            target = self._resolve(segments, caller)
        except GraphError:
            self._charge(request, caller, passage)
            raise
        passage.template = target.template
        self._charge(request, caller, passage)
        if target.table == "application" and request.method in ("POST", "PATCH", "DELETE"):
            tenant.throttle.take_personal(request, target.record, caller)
        permissions.check(caller, request.method, target.template, target.name)
        self._see(target, caller, request)
        response = self._dispatch(request, target, caller, request_id)
        response.headers |= passage.headers
        if keepable:
            self.pages.keep(request, caller, target, parse_select(request.query.get("$select")), response)
        return response

    def _charge(self, request: Request, caller: Caller, passage: Passage) -> None:
        passage.units, passage.headers = self.tenant.throttle.take(request, passage.template, caller)

    def _see(self, target: Target, caller: Caller, request: Request) -> None:
        """What the caller may not see although the path is open to it."""
        for record in (target.parent, target.record):
            if record is not None and self.tenant.hidden(record):
                raise not_found(record.key)
        permissions.check_select(caller, parse_select(request.query.get("$select")))
        role_settings.check(self.tenant, request, target, caller)
        parent = target.parent
        if (
            parent is not None and target.navigation is not None and request.method == "GET"
            and target.navigation.name in ("members", "transitiveMembers") and parent.table in HIDEABLE
            and parent.read().get("visibility") == "HiddenMembership"
        ):  # fmt: skip
            refused = permissions.hidden_members(caller)
            if refused is not None:
                raise refused
        if target.bin_entry is not None and request.method != "GET":
            permissions.check_bin(caller, target.bin_entry.record.table)

    def _resolve(self, segments: list[str], caller: Caller) -> Target:
        me = self.tenant.store.get(caller.object_id) if caller.kind == "user" else None
        if len(segments) < 2:
            raise no_segment("")
        if [each.lower() for each in segments[1:3]] == ["directory", "recovery"]:
            recovery.refresh(self.tenant)
        elif segments[1].lower() in SCHEDULED:
            schedules.settle(self.tenant)
        elif segments[1].lower() == "policies":
            role_settings.settle(self.tenant)
        return self.tenant.resolvers[segments[0]].resolve(segments[1:], me)

    def _dispatch(self, request: Request, target: Target, caller: Caller, request_id: str) -> Response:
        if target.shape == "operation":
            if target.name == "delta" and request.method == "GET":
                return delta.answer(self.tenant, request, target)
            answered = functions.answer(self.tenant, request, target)
            if answered is not None:
                return answered
        elif request.method == "GET":
            return collection.answer(self.tenant, request, target)
        store = self.tenant.store
        if target.table == recovery.JOB and request.method == "POST" and target.shape == "navigation set":
            return recovery.start(self.tenant, request, target)
        store.actor, store.correlation = caller.actor(), request_id
        try:
            return answer_write(self.tenant, request, target, caller)
        finally:
            store.actor, store.correlation = Actor(), ""


HIDEABLE = ("group", "administrativeUnit")
SCHEDULED = ("rolemanagement", "identitygovernance", "directoryroles")  # what PIM schedules show in


@dataclass(slots=True)
class Passage:
    """What is known of a request on its way: for the log, whatever becomes of it."""

    template: str = "(unresolved)"
    units: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    batch: bool = False


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
