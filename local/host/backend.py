"""The engine's memory: durabletask's in-memory backend with its eight known faults mended.

The stock backend is made for unit tests. Beside it, here:

1. work handed to a worker that went away is handed out again; what the lost worker says later is dropped;
2. terminate ends the work at once: no further turn, queued activities dropped, children too when it is
recursive;
3. an orchestration over the history limit fails with errorType HistoryLimit, it does not hang;
4. a sub-orchestration may run for any time;
5. a failure with an empty text is a failure;
6. 64 calls at once are served, not 10;
7. messages may have 128 MB, not 4;
8. only the loopback address listens.

Invariants: every change of state happens under the inherited lock; no thread is made per timer or per child
(one thread, `Alarms`, serves all); an instance has at most one turn in flight; a timer, an activity or a
child counts only for the execution that asked for it, so that continue-as-new starts clean. State is memory
only.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, override

import durabletask.internal.helpers as events
import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
from durabletask.internal.orchestrator_service_pb2_grpc import add_TaskHubSidecarServiceServicer_to_server
from durabletask.testing.in_memory_backend import (
    ActivityWorkItem,
    InMemoryOrchestrationBackend,
    OrchestrationInstance,
    StateWaiter,
)
from google.protobuf import timestamp_pb2

from local.host.alarms import Alarms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MAX_MESSAGE_BYTES", "Backend", "Stream"]

HISTORY_LIMIT_EVENTS = 100_000  # Azure has none; this one only catches a runaway, at about 50,000 activities
MAX_MESSAGE_BYTES = 128 * 2**20  # 100 MB is refused by the SDK anyway; payloads should stay under 100 kB
CALLS_AT_ONCE = 64  # a client that waits for an orchestration holds one of them all the while
REPLAY_SECONDS_PER_EVENT = 20e-6  # what one turn costs for each event of the history (measured: 12-17 microseconds)
SHORT_HISTORY_EVENTS = 200  # below this a turn is cheaper than any waiting
LONGEST_PAUSE_SECONDS = 0.1


class Stream(Protocol):
    """What reads work: as much of a gRPC context as handing out needs."""

    def is_active(self) -> bool:
        """Return whether the reader still reads."""


@dataclass(frozen=True, slots=True)
class _Execution:
    """One run of an instance: continue-as-new and a new instance of the same id are other executions."""

    instance: OrchestrationInstance
    number: int


@dataclass(frozen=True, slots=True)
class _Activity:
    """A scheduled activity that has not completed."""

    work: ActivityWorkItem
    asked_by: _Execution


@dataclass(frozen=True, slots=True)
class _Held:
    """Work that a stream was handed: a turn, an activity or an entity's batch."""

    kind: str
    owner: str
    stream: int


class Backend(InMemoryOrchestrationBackend):
    """The in-memory backend, mended; `start` binds a free loopback port and returns host:port."""

    def __init__(self, max_history_size: int = HISTORY_LIMIT_EVENTS, port: int = 0) -> None:
        super().__init__(max_history_size=max_history_size, port=port)
        self._alarms = Alarms("cairn-engine-alarms")
        self._calls: ThreadPoolExecutor | None = None
        self._call = threading.local()  # the gRPC context of the call that this thread serves
        self._executions: dict[str, int] = {}
        self._activities: dict[int, _Activity] = {}
        self._activities_of: defaultdict[str, set[int]] = defaultdict(set)
        self._parents: dict[str, tuple[_Execution, int]] = {}
        self._children_of: defaultdict[str, set[str]] = defaultdict(set)
        self._traces: dict[str, pb.TraceContext] = {}
        self._held: dict[str, _Held] = {}  # what was handed out and not answered, by token
        self._streams = 0

    # Life ---------------------------------------------------------------------------------------------------

    def start(self) -> str:
        """Serve on the loopback address and return it as host:port; a free port when none was asked for."""
        self._shutdown_event.clear()
        self._calls = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="cairn-engine-call")
        server = grpc.server(
            self._calls,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ],
        )
        add_TaskHubSidecarServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]  # generated
        self._port = server.add_insecure_port(f"127.0.0.1:{self._port}")
        server.start()
        self._server = server
        return f"127.0.0.1:{self._port}"

    def stop(self, grace: float | None = None) -> None:
        """End the server, its threads, every timer and every wait; safe to repeat."""
        self._alarms.stop()
        self._shutdown_event.set()
        with self._lock:
            for waiters in self._state_waiters.values():
                for waiter in waiters:
                    waiter.event.set()
        super().stop(grace)
        if self._calls is not None:
            self._calls.shutdown(wait=True)

    # Handing out (1) ----------------------------------------------------------------------------------------

    @override
    def GetWorkItems(self, request: pb.GetWorkItemsRequest, context: Stream) -> Iterator[pb.WorkItem]:
        """Hand out work until the reader goes away, then take back what it has not answered."""
        with self._lock:
            self._streams += 1
            stream = self._streams
        try:
            for work in super().GetWorkItems(request, context):
                if work.HasField("activityRequest") and not self.wants(work):
                    continue
                with self._lock:
                    self._held[work.completionToken] = _held(work, stream)
                yield work
        finally:
            self._take_back(stream)

    def wants(self, work: pb.WorkItem) -> bool:
        """Return whether an activity that was handed out is still to be run: false after a terminate."""
        return int(work.completionToken) in self._activities

    def trace_of(self, instance_id: str) -> pb.TraceContext | None:
        """Return the trace that the orchestration, or the one that called it, was started in; None without one."""
        return self._traces.get(instance_id)

    def _take_back(self, stream: int) -> None:
        with self._lock:
            lost = [token for token, held in self._held.items() if held.stream == stream]
            for token in lost:
                held = self._held.pop(token)
                self._hand_out_again(held.kind, held.owner, token)

    def _hand_out_again(self, kind: str, owner: str, token: str) -> None:
        if kind == "activity":
            activity = self._activities.get(int(token))
            if activity is not None:
                self._activity_queue.append(activity.work)
                self._work_available.set()
        elif kind == "turn":
            instance = self._instances.get(owner)
            if instance is not None and str(instance.completion_token) == token:
                instance.pending_events[:0] = instance.dispatched_events
                instance.dispatched_events.clear()
                instance.completion_token = self._new_token()  # the lost worker's answer comes too late
                self._orchestration_in_flight.discard(owner)
                self._enqueue_orchestration(owner)
        else:
            entity = self._entities.get(owner)
            if entity is not None and str(entity.completion_token) == token:
                entity.pending_operations[:0] = entity.dispatched_operations
                entity.dispatched_operations.clear()
                entity.completion_token = self._new_token()
                self._entity_in_flight.discard(owner)
                self._enqueue_entity(owner)

    def _enqueue_orchestration(self, instance_id: str) -> None:
        """Queue a turn, unless one is in flight (its end queues the next) or the instance has ended.

        A long history with more work under way is given as much pause as its replay costs, so that completions
        gather and at most half the time goes into replaying.
        """
        instance = self._instances.get(instance_id)
        if instance is None or self._is_terminal_status(instance.status):
            return
        if instance_id in self._orchestration_in_flight or instance_id in self._orchestration_queue_set:
            return
        more_to_come = self._activities_of.get(instance_id) or self._children_of.get(instance_id)
        if len(instance.history) < SHORT_HISTORY_EVENTS or not more_to_come:
            super()._enqueue_orchestration(instance_id)
            return
        self._orchestration_queue_set.add(instance_id)  # it counts as queued while it pauses

        def end_pause() -> None:
            with self._lock:
                if instance_id in self._orchestration_queue_set:
                    self._orchestration_queue.append(instance_id)
                    self._work_available.set()

        pause_seconds = min(LONGEST_PAUSE_SECONDS, len(instance.history) * REPLAY_SECONDS_PER_EVENT)
        self._alarms.after(pause_seconds, end_pause)

    # Answers (1, 2, 3, 5) -----------------------------------------------------------------------------------

    @override
    def CompleteOrchestratorTask(self, request: pb.OrchestratorResponse, context: Any) -> pb.CompleteTaskResponse:
        """Take a turn's answer; one that comes late, twice or after the end is dropped."""
        with self._lock:
            instance = self._instances.get(request.instanceId)
            self._held.pop(request.completionToken, None)
            if (
                instance is None
                or str(instance.completion_token) != request.completionToken
                or request.instanceId not in self._orchestration_in_flight
            ):
                return pb.CompleteTaskResponse()
            event_count = len(instance.history) + len(instance.dispatched_events)
            if event_count > self._max_history_size:
                self._fail_over_limit(instance, event_count)
                return pb.CompleteTaskResponse()
            super().CompleteOrchestratorTask(request, context)
            if self._is_terminal_status(instance.status):
                self._tell_parent(instance)
            elif any(event.HasField("executionResumed") for event in instance.pending_events):
                self._enqueue_orchestration(request.instanceId)  # it came while the suspending turn was in flight
        return pb.CompleteTaskResponse()

    @override
    def CompleteActivityTask(self, request: pb.ActivityResponse, context: Any) -> pb.CompleteTaskResponse:
        """Take an activity's answer once, and only for the execution that asked."""
        with self._lock:
            token = request.completionToken
            self._held.pop(token, None)
            activity = self._activities.pop(int(token), None) if token.isdecimal() else None
            if activity is None:
                return pb.CompleteTaskResponse()
            self._activities_of[request.instanceId].discard(int(token))
            instance = activity.asked_by.instance
            if not self._is_current(activity.asked_by):
                return pb.CompleteTaskResponse()
            if request.HasField("failureDetails"):
                answer = pb.HistoryEvent(
                    eventId=-1,
                    timestamp=timestamp_pb2.Timestamp(),
                    taskFailed=pb.TaskFailedEvent(
                        taskScheduledId=request.taskId, failureDetails=request.failureDetails
                    ),
                )
            else:
                answer = pb.HistoryEvent(
                    eventId=-1,
                    timestamp=timestamp_pb2.Timestamp(),
                    taskCompleted=pb.TaskCompletedEvent(taskScheduledId=request.taskId, result=request.result),
                )
            self._add_event(instance, answer)
        return pb.CompleteTaskResponse()

    @override
    def CompleteEntityTask(self, request: pb.EntityBatchResult, context: Any) -> pb.CompleteTaskResponse:
        """Take an entity's answer."""
        with self._lock:
            self._held.pop(request.completionToken, None)
            return super().CompleteEntityTask(request, context)

    @override
    def AbandonTaskActivityWorkItem(
        self, request: pb.AbandonActivityTaskRequest, context: Any
    ) -> pb.AbandonActivityTaskResponse:
        """Queue the activity again that a worker gives back."""
        with self._lock:
            self._hand_out_again("activity", "", request.completionToken)
        return super().AbandonTaskActivityWorkItem(request, context)

    # Ends (2, 3, 4) -----------------------------------------------------------------------------------------

    def _terminate_instance_internal(self, instance_id: str, output: str | None, recursive: bool = False) -> None:
        instance = self._instances.get(instance_id)
        if instance is None or self._is_terminal_status(instance.status):
            return
        children = [child for child in self._children_of[instance_id] if recursive]
        instance.output = output
        self._end(instance, pb.ORCHESTRATION_STATUS_TERMINATED, events.new_terminated_event(encoded_output=output))
        for child in children:
            self._terminate_instance_internal(child, output, recursive=True)

    def _fail_over_limit(self, instance: OrchestrationInstance, event_count: int) -> None:
        instance.failure_details = pb.TaskFailureDetails(
            errorType="HistoryLimit",
            errorMessage=(
                f"the history of {event_count} events is over the limit of {self._max_history_size}; "
                "split the work into sub-orchestrations or continue as new"
            ),
            isNonRetriable=True,
        )
        self._end(instance, pb.ORCHESTRATION_STATUS_FAILED)

    def _end(
        self,
        instance: OrchestrationInstance,
        status: pb.OrchestrationStatus,
        cause: pb.HistoryEvent | None = None,
    ) -> None:
        """End an instance from outside: a turn in flight comes too late, queued activities are dropped."""
        now = datetime.now(UTC)
        instance.status = status
        instance.completed_at = instance.last_updated_at = now
        instance.history.extend([*instance.dispatched_events, *instance.pending_events])
        instance.history.append(events.new_orchestrator_started_event(now))
        if cause is not None:
            instance.history.append(cause)
        instance.history.append(events.new_orchestrator_completed_event())
        instance.history.append(events.new_execution_completed_event(status, instance.output, instance.failure_details))
        instance.dispatched_events.clear()
        instance.pending_events.clear()
        instance.completion_token = self._new_token()
        self._orchestration_in_flight.discard(instance.instance_id)
        self._orchestration_queue_set.discard(instance.instance_id)
        for token in self._activities_of.pop(instance.instance_id, set()):
            self._activities.pop(token, None)
        self._notify_waiters(instance.instance_id)
        self._tell_parent(instance)

    def _watch_sub_orchestration(self, parent_instance_id: str, sub_instance_id: str, task_id: int) -> None:
        self._parents[sub_instance_id] = (self._execution(parent_instance_id), task_id)
        self._children_of[parent_instance_id].add(sub_instance_id)
        if parent_instance_id in self._traces:
            self._traces[sub_instance_id] = self._traces[parent_instance_id]
        child = self._instances.get(sub_instance_id)
        if child is not None and self._is_terminal_status(child.status):
            self._tell_parent(child)

    def _tell_parent(self, child: OrchestrationInstance) -> None:
        self._children_of.pop(child.instance_id, None)
        parent, task_id = self._parents.pop(child.instance_id, (None, 0))
        if parent is None:
            return
        self._children_of[parent.instance.instance_id].discard(child.instance_id)
        if not self._is_current(parent):
            return
        if child.status == pb.ORCHESTRATION_STATUS_COMPLETED:
            answer = events.new_sub_orchestration_completed_event(task_id, child.output)
        else:
            details = child.failure_details or pb.TaskFailureDetails(
                errorType="Terminated", errorMessage=f"sub-orchestration {child.instance_id} was terminated"
            )
            answer = pb.HistoryEvent(
                eventId=-1,
                timestamp=timestamp_pb2.Timestamp(),
                subOrchestrationInstanceFailed=pb.SubOrchestrationInstanceFailedEvent(
                    taskScheduledId=task_id, failureDetails=details
                ),
            )
        self._add_event(parent.instance, answer)

    # Executions, timers and waits ---------------------------------------------------------------------------

    def _process_complete_orchestration_action(
        self, instance: OrchestrationInstance, complete_action: pb.CompleteOrchestrationAction
    ) -> None:
        super()._process_complete_orchestration_action(instance, complete_action)
        if complete_action.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            self._executions[instance.instance_id] = self._executions.get(instance.instance_id, 0) + 1

    def _process_schedule_task_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        super()._process_schedule_task_action(instance, action)
        work = self._activity_queue[-1]
        work.completion_token = self._new_token()  # stock: one for all activities of a turn
        self._activities[work.completion_token] = _Activity(work, self._execution(instance.instance_id))
        self._activities_of[instance.instance_id].add(work.completion_token)

    def _process_create_timer_action(self, instance: OrchestrationInstance, action: pb.OrchestratorAction) -> None:
        due = action.createTimer.fireAt.ToDatetime(tzinfo=UTC)
        instance.history.append(events.new_timer_created_event(action.id, due))
        if instance.status == pb.ORCHESTRATION_STATUS_PENDING:
            instance.status = pb.ORCHESTRATION_STATUS_RUNNING
        asked_by, timer_id = self._execution(instance.instance_id), action.id

        def fire() -> None:
            with self._lock:
                if self._is_current(asked_by):
                    self._add_event(asked_by.instance, events.new_timer_fired_event(timer_id, due))

        self._alarms.after((due - datetime.now(UTC)).total_seconds(), fire)

    def _schedule_delayed_entity_operation(self, entity_id: str, event: pb.HistoryEvent, fire_at: datetime) -> None:
        def fire() -> None:
            with self._lock:
                self._queue_entity_operation(entity_id, event)

        self._alarms.after((fire_at - datetime.now(UTC)).total_seconds(), fire)

    @override
    def StartInstance(self, request: pb.CreateInstanceRequest, context: Any) -> pb.CreateInstanceResponse:
        """Create the instance; its first turn waits for the time it is scheduled for."""
        with self._lock:
            response = super().StartInstance(request, context)
            if request.HasField("parentTraceContext"):
                self._traces[response.instanceId] = request.parentTraceContext
            else:
                self._traces.pop(response.instanceId, None)
            due = request.scheduledStartTimestamp.ToDatetime(tzinfo=UTC)  # 1970 when there is none
            delay_seconds = (due - datetime.now(UTC)).total_seconds()
            if delay_seconds > 0:
                instance_id = response.instanceId
                self._orchestration_queue.remove(instance_id)
                self._orchestration_queue_set.discard(instance_id)
                self._alarms.after(delay_seconds, lambda: self._enqueue_orchestration_now(instance_id))
        return response

    def _enqueue_orchestration_now(self, instance_id: str) -> None:
        with self._lock:
            self._enqueue_orchestration(instance_id)

    @override
    def WaitForInstanceStart(self, request: pb.GetInstanceRequest, context: Any) -> pb.GetInstanceResponse:
        """Wait as long as the caller does, not 30 s."""
        self._call.context = context
        return super().WaitForInstanceStart(request, context)

    @override
    def WaitForInstanceCompletion(self, request: pb.GetInstanceRequest, context: Any) -> pb.GetInstanceResponse:
        """Wait as long as the caller does, not 30 s."""
        self._call.context = context
        return super().WaitForInstanceCompletion(request, context)

    def _wait_for_state(
        self, instance_id: str, predicate: Callable[[OrchestrationInstance], bool], timeout: float | None
    ) -> OrchestrationInstance | None:
        with self._lock:
            instance = self._instances.get(instance_id)
            if instance is not None and predicate(instance):
                return instance
            waiter = StateWaiter(predicate=predicate)
            self._state_waiters.setdefault(instance_id, []).append(waiter)
            self._call.context.add_callback(waiter.event.set)  # a caller that goes away frees its thread
        waiter.event.wait(timeout)
        with self._lock:
            waiters = self._state_waiters.get(instance_id, [])
            if waiter in waiters:
                waiters.remove(waiter)
        return waiter.result

    # Small things -------------------------------------------------------------------------------------------

    def _new_token(self) -> int:
        self._next_completion_token += 1
        return self._next_completion_token - 1

    def _execution(self, instance_id: str) -> _Execution:
        return _Execution(self._instances[instance_id], self._executions.get(instance_id, 0))

    def _is_current(self, execution: _Execution) -> bool:
        instance = execution.instance
        return (
            self._instances.get(instance.instance_id) is instance
            and self._executions.get(instance.instance_id, 0) == execution.number
            and not self._is_terminal_status(instance.status)
        )

    def _add_event(self, instance: OrchestrationInstance, event: pb.HistoryEvent) -> None:
        instance.pending_events.append(event)
        instance.last_updated_at = datetime.now(UTC)
        self._enqueue_orchestration(instance.instance_id)


def _held(work: pb.WorkItem, stream: int) -> _Held:
    if work.HasField("activityRequest"):
        return _Held("activity", work.activityRequest.orchestrationInstance.instanceId, stream)
    if work.HasField("orchestratorRequest"):
        return _Held("turn", work.orchestratorRequest.instanceId, stream)
    return _Held("entity", work.entityRequestV2.instanceId, stream)
