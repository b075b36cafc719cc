"""Takes work from the engine, has the worker library do it, and answers.

A thread of its own reads the engine's stream; everything else happens on the event loop. Invariants: no more
orchestrators, entities and activities run at once than host.json allows, and always fewer activities than the
pool has threads, since orchestrators need one too and would starve; an activity whose orchestration was
terminated meanwhile is not started; every piece of work is answered exactly once unless the host stops.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.internal.helpers import convert_to_entity_batch_request
from durabletask.internal.tracing import extract_trace_context
from google.protobuf import wrappers_pb2
from opentelemetry import context

from local.host.functions import Datum, Failure, Function, Functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.host.backend import Backend

__all__ = ["Dispatcher"]

_logger = logging.getLogger("cairn.host")


class _Lane:
    """Work of one kind: at most `limit` at once, the rest waits in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.waiting: deque[pb.WorkItem] = deque()


class _Reader:
    """The stream's other end, as the engine sees it."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def is_active(self) -> bool:
        return not self.stopped.is_set()


class Dispatcher:
    """Runs the engine's work on the app's functions, from `start` to `stop`."""

    def __init__(self, backend: Backend, functions: Functions, *, turns: int, entities: int, activities: int) -> None:
        self._backend = backend
        self._functions = functions
        self._lanes = {
            "orchestratorRequest": _Lane(turns),
            "entityRequestV2": _Lane(entities),
            "activityRequest": _Lane(activities),
        }
        self._reader = _Reader()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to read work; needs a running event loop."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            for work in self._backend.GetWorkItems(pb.GetWorkItemsRequest(), self._reader):
                if self._reader.stopped.is_set():
                    return
                loop.call_soon_threadsafe(self._accept, work)

        self._thread = threading.Thread(target=read, name="cairn-engine-reader", daemon=True)
        self._thread.start()

    async def stop(self, drain_seconds: float) -> None:
        """Start nothing more, and wait so long at most for what runs."""
        self._stopping = True
        self._reader.stopped.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=drain_seconds)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, work: pb.WorkItem) -> None:
        lane = self._lanes[work.WhichOneof("request") or ""]
        lane.waiting.append(work)
        self._advance(lane)

    def _advance(self, lane: _Lane) -> None:
        while lane.waiting and lane.running < lane.limit and not self._stopping:
            work = lane.waiting.popleft()
            if work.HasField("activityRequest") and not self._backend.wants(work):
                continue
            lane.running += 1
            task = asyncio.get_running_loop().create_task(self._perform(work, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _free(self, lane: _Lane) -> None:
        lane.running -= 1
        self._advance(lane)

    async def _perform(self, work: pb.WorkItem, lane: _Lane) -> None:
        lingering: asyncio.Task[Any] | None = None
        try:
            if work.HasField("activityRequest"):
                lingering = await self._run_activity(work.activityRequest, work.completionToken)
            elif work.HasField("orchestratorRequest"):
                await self._run_turn(work.orchestratorRequest, work.completionToken)
            else:
                await self._run_entity(work.entityRequestV2, work.completionToken)
        except Exception:
            _logger.exception("work from the engine could not be answered")
        finally:
            if lingering is None or lingering.done():
                self._free(lane)
            else:  # the thread is still taken, so its place is too
                lingering.add_done_callback(lambda _: self._free(lane))

    async def _run_activity(self, request: pb.ActivityRequest, token: str) -> asyncio.Task[Any] | None:
        instance_id = request.orchestrationInstance.instanceId
        response = pb.ActivityResponse(instanceId=instance_id, taskId=request.taskId, completionToken=token)
        function = self._functions.durable("activityTrigger", request.name)
        lingering = None
        if function is None:
            response.failureDetails.CopyFrom(_unknown("activity", request.name))
        else:
            given = request.input.value if request.HasField("input") else "null"
            with _traced(self._backend.trace_of(instance_id)):
                outcome = await self._functions.invoke(function, Datum(given, "json"))
            lingering = outcome.lingering
            if outcome.failure is None:
                response.result.CopyFrom(wrappers_pb2.StringValue(value=outcome.value.value))
            else:
                _log_failure("activity", function, outcome.failure, instance_id)
                response.failureDetails.CopyFrom(_details(outcome.failure))
        self._backend.CompleteActivityTask(response, None)
        return lingering

    async def _run_turn(self, request: pb.OrchestratorRequest, token: str) -> None:
        name = _orchestrator_name([*request.newEvents[::-1], *request.pastEvents])
        function = self._functions.durable("orchestrationTrigger", name)
        if function is None:
            response = _failed_turn(request, _unknown("orchestrator", name))
        else:
            outcome = await self._functions.invoke(function, _encoded(request), limited=False)
            if outcome.failure is None:
                response = pb.OrchestratorResponse.FromString(base64.b64decode(outcome.value.value))
            else:
                _log_failure("orchestrator", function, outcome.failure, request.instanceId)
                response = _failed_turn(request, _details(outcome.failure))
        response.completionToken = token
        self._backend.CompleteOrchestratorTask(response, None)

    async def _run_entity(self, request: pb.EntityRequest, token: str) -> None:
        batch, operations = convert_to_entity_batch_request(request)
        name = request.instanceId.split("@")[1] if request.instanceId.startswith("@") else request.instanceId
        function = self._functions.durable("entityTrigger", name)
        failure = None if function else _unknown("entity", name)
        result = pb.EntityBatchResult()
        if function is not None:
            outcome = await self._functions.invoke(function, _encoded(batch), limited=False)
            if outcome.failure is None:
                result.ParseFromString(base64.b64decode(outcome.value.value))
            else:
                _log_failure("entity", function, outcome.failure, request.instanceId)
                failure = _details(outcome.failure)
        if failure is not None:  # nothing of the batch happened: its state stays, each caller learns why
            result.entityState.CopyFrom(request.entityState)
            for _ in operations:
                result.results.add().failure.failureDetails.CopyFrom(failure)
        if not result.operationInfos:
            result.operationInfos.extend(operations)
        result.completionToken = token
        self._backend.CompleteEntityTask(result, None)


@contextlib.contextmanager
def _traced(started_in: pb.TraceContext | None) -> Iterator[None]:
    """Go on with the trace that the orchestration was started in, as the worker on Azure does."""
    found = extract_trace_context(started_in)
    if found is None:
        yield
        return
    token = context.attach(found)
    try:
        yield
    finally:
        context.detach(token)


def _encoded(message: Any) -> Datum:
    return Datum(base64.b64encode(message.SerializeToString()).decode("ascii"), "string")


def _orchestrator_name(events: Sequence[pb.HistoryEvent]) -> str:
    for event in events:
        if event.HasField("executionStarted"):
            return event.executionStarted.name
    return ""


def _failed_turn(request: pb.OrchestratorRequest, details: pb.TaskFailureDetails) -> pb.OrchestratorResponse:
    complete = pb.CompleteOrchestrationAction(
        orchestrationStatus=pb.ORCHESTRATION_STATUS_FAILED, failureDetails=details
    )
    action = pb.OrchestratorAction(id=-1, completeOrchestration=complete)
    return pb.OrchestratorResponse(instanceId=request.instanceId, actions=[action])


def _details(failure: Failure) -> pb.TaskFailureDetails:
    return pb.TaskFailureDetails(
        errorType=failure.type_name,
        errorMessage=failure.text,
        stackTrace=wrappers_pb2.StringValue(value=failure.stack),
    )


def _unknown(kind: str, name: str) -> pb.TaskFailureDetails:
    text = f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function."
    return pb.TaskFailureDetails(errorType="ArgumentException", errorMessage=text, isNonRetriable=True)


def _log_failure(kind: str, function: Function, failure: Failure, instance_id: str) -> None:
    # The text stays out of the log, since an exception may quote what it was given; the task's record has it.
    _logger.warning("%s %s failed: %s (instance %s)", kind, function.name, failure.type_name, instance_id)
    _logger.debug("%s %s failed\n%s", kind, function.name, failure.stack)
