"""The durable management endpoints, `/runtime/webhooks/durabletask/instances/{id}`, as the extension shapes
them.

Invariant: whoever comes here has shown the system key already (`web`); the endpoints can do more than the API
allows, so the key is made at start, is handed to nobody by the host, and stands in no address that a client
binding builds. Shapes: "HTTP API reference - Azure Functions (Durable Functions)", Microsoft Learn.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import grpc
from durabletask.client import OrchestrationState, OrchestrationStatus

from local.host.web import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.durable_functions import DurableFunctionsClient

__all__ = ["Management"]

_NAMES = {
    OrchestrationStatus.PENDING: "Pending",
    OrchestrationStatus.RUNNING: "Running",
    OrchestrationStatus.SUSPENDED: "Suspended",
    OrchestrationStatus.COMPLETED: "Completed",
    OrchestrationStatus.FAILED: "Failed",
    OrchestrationStatus.TERMINATED: "Terminated",
    OrchestrationStatus.CONTINUED_AS_NEW: "ContinuedAsNew",
}
_ENDED = frozenset({"Completed", "Failed", "Terminated"})
_JSON = ("content-type", "application/json; charset=utf-8")


class Management:
    """Answers the management requests through the real durable client, made by `client` at first use."""

    def __init__(self, client: Callable[[], DurableFunctionsClient]) -> None:
        self._client = client

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request whose key was checked."""
        match [unquote(part) for part in request.parts[3:]]:
            case ["instances", instance_id] if request.method == "GET":
                return await self._status(instance_id, request)
            case ["instances", instance_id] if request.method == "DELETE":
                return await self._purge(instance_id)
            case ["instances", instance_id, "raiseEvent", event_name] if request.method == "POST":
                return await self._raise_event(instance_id, event_name, request.body)
            case ["instances", instance_id, verb] if request.method == "POST":
                return await self._act(instance_id, verb, request.query.get("reason", ""))
        return Answer(404)

    async def _status(self, instance_id: str, request: Request) -> Answer:
        state = await self._client().get_orchestration_state(instance_id, fetch_payloads=True)
        if state is None:
            return Answer(404)
        status = _NAMES[state.runtime_status]
        content: dict[str, Any] = {
            "name": state.name,
            "instanceId": state.instance_id,
            "runtimeStatus": status,
            "input": _payload(state.serialized_input) if request.query.get("showInput") != "false" else None,
            "customStatus": _payload(state.serialized_custom_status),
            "output": _output(state),
            "createdTime": state.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lastUpdatedTime": state.last_updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        body = json.dumps(content).encode()
        if status not in _ENDED:
            return Answer(202, body, [_JSON, ("location", request.url), ("retry-after", "10")])
        as_failure = request.query.get("returnInternalServerErrorOnFailure") == "true" and status == "Failed"
        return Answer(500 if as_failure else 200, body, [_JSON])

    async def _purge(self, instance_id: str) -> Answer:
        result = await self._client().purge_orchestration(instance_id)
        if not result.deleted_instance_count:
            return Answer(404)
        return Answer(200, json.dumps({"instancesDeleted": result.deleted_instance_count}).encode(), [_JSON])

    async def _raise_event(self, instance_id: str, event_name: str, body: bytes) -> Answer:
        try:
            content = json.loads(body) if body else None
        except ValueError:
            return Answer.text(400, "the event's content must be JSON")
        refusal = await self._refusal(instance_id)
        if refusal is None:
            await self._client().raise_orchestration_event(instance_id, event_name, data=content)
        return refusal or Answer(202)

    async def _act(self, instance_id: str, verb: str, reason: str) -> Answer:
        client = self._client()
        if verb == "rewind":
            return await self._rewind(instance_id, reason)
        if verb not in ("terminate", "suspend", "resume"):
            return Answer(404)
        refusal = await self._refusal(instance_id)
        if refusal is not None:
            return refusal
        if verb == "terminate":
            await client.terminate_orchestration(instance_id, output=reason, recursive=True)
        elif verb == "suspend":
            await client.suspend_orchestration(instance_id)
        else:
            await client.resume_orchestration(instance_id)
        return Answer(202)

    async def _rewind(self, instance_id: str, reason: str) -> Answer:
        try:
            await self._client().rewind_orchestration(instance_id, reason=reason)
        except grpc.aio.AioRpcError as error:
            refusals = {grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.FAILED_PRECONDITION: 410}
            if error.code() not in refusals:
                raise
            return Answer(refusals[error.code()])
        return Answer(202)

    async def _refusal(self, instance_id: str) -> Answer | None:
        """Return 404 for an unknown instance, 410 for one that has ended, None for one that lives."""
        state = await self._client().get_orchestration_state(instance_id, fetch_payloads=False)
        if state is None:
            return Answer(404)
        return Answer(410) if _NAMES[state.runtime_status] in _ENDED else None


def _payload(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _output(state: OrchestrationState) -> Any:
    if state.failure_details is not None:
        return state.failure_details.message
    return _payload(state.serialized_output)
