"""`$batch`: up to 20 requests, each answered on its own, in any order (Combine multiple requests in one HTTP call).

A failed dependency answers 424; nothing is atomic; batches do not nest.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from local.simulator.errors import GraphError, bad_request, not_allowed
from local.simulator.http_types import Request, Response, json_response

if TYPE_CHECKING:
    from local.simulator.app import App

MOST = 20


def answer(app: App, request: Request) -> Response:
    """The outer answer, 200 when the batch could be read."""
    if request.method != "POST":
        raise not_allowed()
    entries = request.json().get("requests")
    if not isinstance(entries, list) or not entries:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.")
    if len(entries) > MOST:
        raise GraphError(
            400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MOST}."
        )
    _check(entries)
    version = request.segments[0]
    answered: dict[str, dict[str, Any]] = {}
    delay = 0.0
    waiting = list(entries)
    while waiting:
        ready = [each for each in waiting if all(one in answered for one in each.get("dependsOn") or ())]
        if not ready:
            raise GraphError(400, "BadRequest", "The batch has a circular dependency.")
        for each in ready:
            waiting.remove(each)
            failed = [one for one in each.get("dependsOn") or () if answered[one]["status"] >= 400]
            if failed:
                answered[each["id"]] = _failed(each["id"])
            else:
                response = _one(app, request, version, each)
                delay = max(delay, float(response.headers.pop(":delay", 0)))
                answered[each["id"]] = _entry(each["id"], response)
    whole = json_response(200, {"responses": list(answered.values())})
    if delay:
        whole.headers[":delay"] = str(delay)  # a slow entry holds up its batch
    return whole


def _check(entries: list[Any]) -> None:
    seen: set[str] = set()
    for each in entries:
        if not isinstance(each, dict) or not isinstance(each.get("id"), str) or not each["id"]:
            raise GraphError(400, "BadRequest", "Invalid batch payload format: every request needs an id.")
        if each["id"] in seen:
            raise GraphError(400, "BadRequest", f"Request Id {each['id']} has to be unique in a batch.")
        seen.add(each["id"])
        if not isinstance(each.get("method"), str) or not isinstance(each.get("url"), str):
            raise GraphError(400, "BadRequest", "Invalid batch payload format: method and url are needed.")
        if not isinstance(each.get("headers") or {}, dict) or not isinstance(each.get("dependsOn") or [], list):
            raise GraphError(400, "BadRequest", "Invalid batch payload format: headers or dependsOn.")
        if each["url"].lower().startswith(("http://", "https://")):
            raise GraphError(400, "BadRequest", "Invalid batch payload format: url must be relative.")
    for each in entries:
        for one in each.get("dependsOn") or ():
            if one not in seen:
                raise bad_request(f"Unknown request id '{one}' in dependsOn.", "BadRequest")


def _one(app: App, outer: Request, version: str, entry: dict[str, Any]) -> Response:
    headers = {str(name).lower(): str(value) for name, value in (entry.get("headers") or {}).items()}
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    body = entry.get("body")
    raw = b"" if body is None else orjson.dumps(body)
    if isinstance(body, str) and not headers.get("content-type", "").startswith("application/json"):
        try:
            raw = base64.b64decode(body, validate=True)
        except ValueError:
            raw = body.encode()
    if raw and "content-type" not in headers:
        return app.refused(outer, bad_request("A request with a body needs a Content-Type header.", "BadRequest"))
    inner = Request(
        entry["method"].upper(), f"/{version}/{entry['url'].lstrip('/')}", headers, raw, outer.root, in_batch=True
    )
    if inner.segments[1:] == ["$batch"]:
        return app.refused(outer, bad_request("Batches cannot be nested.", "BadRequest"))
    return app.answer(inner)


def _entry(entry_id: str, response: Response) -> dict[str, Any]:
    kept = {name.title() if name != "request-id" else name: value for name, value in response.headers.items()
            if name != "content-length"}  # fmt: skip
    told: dict[str, Any] = {"id": entry_id, "status": response.status, "headers": kept}
    if response.body:
        if response.headers.get("content-type", "").startswith("application/json"):
            told["body"] = orjson.Fragment(response.body)
        else:
            told["body"] = base64.b64encode(response.body).decode()
    return told


def _failed(entry_id: str) -> dict[str, Any]:
    error = {"code": "FailedDependency", "message": "Failed dependency: a request that this one depends on failed."}
    return {"id": entry_id, "status": 424, "headers": {"Content-Type": "application/json"}, "body": {"error": error}}
