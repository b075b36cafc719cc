"""Scripted unkindness: rules that match requests and spoil their answers. Nothing happens unless a rule asks for it.

Rules are plain JSON (docs/simulator.md lists the kinds). A rule counts what it matched, may skip the first `after`
matches, apply to at most `count`, and toss a seeded coin (`probability`, `seed`): equal scripts give equal faults.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import orjson

from local.simulator.errors import GraphError
from local.simulator.faults.rewind import Rewound
from local.simulator.http_types import Request, Response
from local.simulator.model import BIN, NAMED, SETS, table_of
from local.simulator.store import Body

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

type Kind = Literal[
    "throttle", "status", "timeoutAfterWrite", "cut", "truncate", "notJson", "slow", "lag", "stale", "deltaReset",
    "deltaExpired", "expiredToken", "repeat", "change",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind.__value__)
BEFORE = frozenset(["throttle", "status", "expiredToken", "deltaReset", "deltaExpired"])
FIELDS = {
    "kind", "method", "path", "count", "after", "probability", "seed", "retryAfter", "status", "seconds", "caller",
    "change", "name",
}  # fmt: skip
CODES = {500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout"}


# What a `change` may strike: every collection of objects that somebody could change.
COLLECTIONS = {each.path.lower(): table_of(each.table or each.type) for each in SETS if each.type != "directoryAudit"}
SOFT = frozenset([*BIN, "conditionalAccessPolicy", "namedLocation"])


@dataclass(slots=True)
class Rule:
    """One rule and how often it has struck."""

    kind: str
    method: re.Pattern[str]
    path: re.Pattern[str]
    said: dict[str, Any]
    count: int | None = None
    after: int = 0
    probability: float = 1.0
    retry_after: float | None = None
    status: int = 503
    seconds: float = 5.0
    caller: str = ""
    change: str = "update"
    coin: random.Random = field(default_factory=lambda: random.Random(0))
    seen: int = 0
    struck: int = 0

    def strikes(self, request: Request, app_id: str) -> bool:
        """Whether the rule applies to this request, counted."""
        if self.caller and self.caller != app_id:
            return False
        if not self.method.fullmatch(request.method) or not self.path.search(request.target):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.count is not None and self.struck >= self.count):
            return False
        if self.probability < 1.0 and self.coin.random() >= self.probability:
            return False
        self.struck += 1
        return True


def parse(said: Any) -> Rule:
    """A rule from its JSON; raises GraphError 400 that names the field."""
    if not isinstance(said, dict):
        raise _wrong("a rule is a JSON object")
    unknown = set(said) - FIELDS
    if unknown:
        raise _wrong(f"unknown field '{min(unknown)}'")
    if said.get("kind") not in KINDS:
        raise _wrong(f"kind must be one of {', '.join(KINDS)}")
    number = (int, float)
    numbers: dict[str, Any] = {"count": int, "after": int, "status": int, "probability": number, "seconds": number}
    for name, kind in numbers.items():
        value = said.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool) or value < 0):
            raise _wrong(f"{name} must be a number that is not negative")
    try:
        method, path = re.compile(said.get("method") or ".*", re.IGNORECASE), re.compile(said.get("path") or "")
    except (re.error, TypeError) as error:
        raise _wrong("method and path are regular expressions") from error
    return Rule(
        said["kind"], method, path, said, said.get("count"), said.get("after") or 0,
        float(said.get("probability", 1.0)), said.get("retryAfter"), said.get("status") or 503,
        float(said.get("seconds", 5.0)), said.get("caller") or "", said.get("change") or "update",
        random.Random(said.get("seed", 0)),
    )  # fmt: skip


def _wrong(why: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Invalid fault rule: {why}.")


class Faults:
    """The rules in force."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.rules: list[Rule] = []
        self.struck: Counter[str] = Counter()

    def struck_by(self, request: Request, app_id: str) -> list[Rule]:
        """The rules that apply to a request."""
        found = [rule for rule in self.rules if rule.strikes(request, app_id)]
        self.struck.update(rule.kind for rule in found)
        return found

    def before(self, rules: list[Rule], request: Request) -> None:
        """Refuse instead of answering, or set the stage for a stale read."""
        for rule in rules:
            match rule.kind:
                case "throttle":
                    headers = {} if rule.retry_after is None else {"retry-after": f"{rule.retry_after:g}"}
                    raise GraphError(429, "TooManyRequests", "Too many requests.", headers)
                case "status":
                    headers = {} if rule.retry_after is None else {"retry-after": f"{rule.retry_after:g}"}
                    raise GraphError(rule.status, CODES.get(rule.status, "UnknownError"),
                                     "The service is temporarily unable to answer.", headers)  # fmt: skip
                case "expiredToken":
                    raise GraphError(401, "InvalidAuthenticationToken",
                                     "Lifetime validation failed, the token is expired.")  # fmt: skip
                case "deltaReset" if "/delta" in request.path and "token=" in request.target:
                    location = f"{request.root}{request.path}?$deltatoken="
                    raise GraphError(410, "resyncRequired", "Resync required.", {"location": location})
                case "deltaExpired" if "/delta" in request.path and "token=" in request.target:
                    raise GraphError(400, "syncStateNotFound", "The delta token is expired.")
                case "stale" if request.method == "GET" and self.tenant.rewound is None:
                    self.tenant.rewound = Rewound(self.tenant.store, rule.seconds)

    def after(self, rules: list[Rule], request: Request, response: Response, written: int) -> Response:
        """Spoil an answer; `written` is the log position before the request."""
        for rule in rules:
            match rule.kind:
                case "timeoutAfterWrite" if request.method not in ("GET", "HEAD"):
                    raise GraphError(504, "GatewayTimeout", "The service did not answer in time.")
                case "cut" | "truncate":
                    if request.in_batch:
                        raise GraphError(503, "ServiceUnavailable", "The service is temporarily unable to answer.")
                    response.headers[":cut"] = "before" if rule.kind == "cut" else "middle"
                case "notJson":
                    page = b"<html><body>Our services aren't available right now</body></html>"
                    status = 200 if response.status == 204 else response.status
                    response = Response(status, page, {"content-type": "text/html"})
                case "slow":
                    response.headers[":delay"] = str(float(response.headers.get(":delay", 0)) + rule.seconds)
                case "lag" if request.method != "GET" and request.segments[-1] != "$batch":
                    self._lag(rule, written)  # a batch's parts come by themselves; what a read brings forth is there
                case "repeat":
                    response = repeated(response, rule)
                case "change":
                    self._change(rule, request)
        return response

    def _lag(self, rule: Rule, written: int) -> None:
        """Objects that the request created stay unknown to reads and links for a while."""
        tenant = self.tenant
        until = tenant.clock.now() + rule.seconds
        for change in reversed(tenant.store.log):
            if change.seq <= written:
                break
            if change.kind in ("create", "restore"):
                tenant.hidden_until[change.key] = until

    def _change(self, rule: Rule, request: Request) -> None:
        """Somebody changes an object of the collection that is being read."""
        store = self.tenant.store
        path = "/".join(request.segments[1:]).partition("/delta")[0].lower()
        table = COLLECTIONS.get(path)
        keys = [key for key in store.table(table).keys if key] if table else []
        if not table or not keys:
            return
        record = store.records[rule.coin.choice(keys)]
        body = record.read()
        if rule.change == "delete":
            store.delete(record.key, soft=table in SOFT)
        elif rule.change == "create":
            if table in NAMED:
                return  # its id is a name, and somebody else's choice
            key = _guid(rule.coin)
            while key in store.records or key in store.bin:
                key = _guid(rule.coin)
            fresh = body | {"id": key} | _marked(body, " copy")
            fresh |= {name: _guid(rule.coin) for name in ("appId", "deviceId") if name in body}
            if "userPrincipalName" in body:
                fresh["userPrincipalName"] = f"{fresh['id']}@{body['userPrincipalName'].partition('@')[2]}"
                fresh["mailNickname"], fresh["mail"], fresh["proxyAddresses"] = fresh["id"], None, []
            store.create(table, fresh)
        else:
            store.update(record.key, body | _marked(body, "."))


def _marked(body: Body, mark: str) -> Body:
    """A visible change of what an object is called or says; none for a type that has no text."""
    name = next((each for each in ("displayName", "scope", "description") if isinstance(body.get(each), str)), None)
    return {name: f"{body[name]}{mark}"} if name else {}


def _guid(coin: random.Random) -> str:
    text = f"{coin.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def repeated(response: Response, rule: Rule) -> Response:
    """A page that names one of its objects twice."""
    if response.status != 200 or not response.headers.get("content-type", "").startswith("application/json"):
        return response
    page = orjson.loads(response.body)
    value = page.get("value")
    if not isinstance(value, list) or not value:
        return response
    value.append(rule.coin.choice(value))
    return Response(200, orjson.dumps(page), dict(response.headers))
