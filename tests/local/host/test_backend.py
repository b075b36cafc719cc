"""The eight faults of durabletask's in-memory backend: each law holds on ours and fails on the stock one.

`xfail(strict=True)` is the proof for the stock backend: the day a release mends a fault, its test fails
here and the mend can go.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import psutil
import pytest
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub
from durabletask.testing import in_memory_backend
from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend
from google.protobuf import timestamp_pb2, wrappers_pb2

from local.host.backend import Backend


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stream:
    """A worker's end of the stream that gives up once there is nothing more to do."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []
        self.aborted: grpc.StatusCode | None = None

    def is_active(self) -> bool:
        return True

    def abort(self, code: grpc.StatusCode, text: str) -> None:
        self.aborted = code

    def add_callback(self, call: Any) -> bool:
        self.callbacks.append(call)
        return True


class StopWaiting(Exception):
    pass


class Impatient:
    """In the place of the backend's wake-up event: waiting means no work, and ends the stream."""

    def wait(self, timeout: float | None = None) -> bool:
        raise StopWaiting

    def set(self) -> None: ...

    def clear(self) -> None: ...


def make(kind: type[InMemoryOrchestrationBackend], **given: Any) -> InMemoryOrchestrationBackend:
    backend = kind(**given)
    backend._work_available = Impatient()  # type: ignore[assignment]
    backend._logger.disabled = False
    return backend


both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(Backend, id="ours"),
        pytest.param(
            InMemoryOrchestrationBackend,
            id="stock",
            marks=pytest.mark.xfail(strict=True, raises=(AssertionError, grpc.RpcError)),
        ),
    ],
)


def start(backend: InMemoryOrchestrationBackend, instance_id: str = "one") -> None:
    backend.StartInstance(pb.CreateInstanceRequest(instanceId=instance_id, name="work"), Stream())  # type: ignore[arg-type]


def read(backend: InMemoryOrchestrationBackend) -> Iterator[pb.WorkItem]:
    return backend.GetWorkItems(pb.GetWorkItemsRequest(), Stream())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _end_streams() -> Iterator[None]:
    yield
    for stream in _streams.values():
        stream.close()  # type: ignore[attr-defined]
    _streams.clear()


_streams: dict[InMemoryOrchestrationBackend, Iterator[pb.WorkItem]] = {}


def everything(backend: InMemoryOrchestrationBackend) -> list[pb.WorkItem]:
    """All work that is handed out until there is none, to one worker."""
    found = []
    while backend._orchestration_queue or backend._activity_queue or backend._entity_queue:
        stream = _streams.setdefault(backend, read(backend))
        work = next(stream, None)
        if work is None:  # what was queued was not handed out
            del _streams[backend]
        else:
            found.append(work)
    return found


def answer_turn(backend: InMemoryOrchestrationBackend, work: pb.WorkItem, *actions: pb.OrchestratorAction) -> Stream:
    context = Stream()
    response = pb.OrchestratorResponse(
        instanceId=work.orchestratorRequest.instanceId, completionToken=work.completionToken, actions=actions
    )
    backend.CompleteOrchestratorTask(response, context)  # type: ignore[arg-type]
    return context


def answer_activity(backend: InMemoryOrchestrationBackend, work: pb.WorkItem, **result: Any) -> None:
    request = work.activityRequest
    response = pb.ActivityResponse(
        instanceId=request.orchestrationInstance.instanceId,
        taskId=request.taskId,
        completionToken=work.completionToken,
        **result,
    )
    backend.CompleteActivityTask(response, Stream())  # type: ignore[arg-type]


def activity(number: int) -> pb.OrchestratorAction:
    return pb.OrchestratorAction(id=number, scheduleTask=pb.ScheduleTaskAction(name="step"))


def child(number: int, instance_id: str) -> pb.OrchestratorAction:
    return pb.OrchestratorAction(
        id=number, createSubOrchestration=pb.CreateSubOrchestrationAction(name="work", instanceId=instance_id)
    )


def complete(status: pb.OrchestrationStatus = pb.ORCHESTRATION_STATUS_COMPLETED) -> pb.OrchestratorAction:
    return pb.OrchestratorAction(
        id=99, completeOrchestration=pb.CompleteOrchestrationAction(orchestrationStatus=status)
    )


def obey(backend: InMemoryOrchestrationBackend) -> list[pb.WorkItem]:
    """Do what a worker does with a terminated orchestration; return the activities it was given meanwhile."""
    activities = []
    while found := everything(backend):
        for work in found:
            if work.HasField("activityRequest"):
                activities.append(work)
            else:
                answer_turn(backend, work, complete(pb.ORCHESTRATION_STATUS_TERMINATED))
    return activities


# 1 ---------------------------------------------------------------------------------------------------------


@both
def test_a_turn_of_a_lost_worker_is_handed_out_again(kind: type[InMemoryOrchestrationBackend]) -> None:
    backend = make(kind)
    start(backend)
    stream = read(backend)
    lost = next(stream)
    stream.close()  # type: ignore[attr-defined]
    again = everything(backend)
    assert [work.orchestratorRequest.instanceId for work in again] == ["one"]
    answer_turn(backend, lost, complete(pb.ORCHESTRATION_STATUS_FAILED))
    assert backend._instances["one"].status == pb.ORCHESTRATION_STATUS_PENDING, "the lost answer counted"
    answer_turn(backend, again[0], complete())
    assert backend._instances["one"].status == pb.ORCHESTRATION_STATUS_COMPLETED


@both
def test_an_activity_of_a_lost_worker_is_handed_out_again_and_counts_once(
    kind: type[InMemoryOrchestrationBackend],
) -> None:
    backend = make(kind)
    start(backend)
    answer_turn(backend, everything(backend)[0], activity(1))
    stream = read(backend)
    lost = next(stream)
    stream.close()  # type: ignore[attr-defined]
    again = everything(backend)
    assert [work.activityRequest.taskId for work in again] == [1]
    answer_activity(backend, again[0])
    answer_activity(backend, lost)
    results = [event for event in backend._instances["one"].pending_events if event.HasField("taskCompleted")]
    assert len(results) == 1


@both
def test_an_entity_batch_of_a_lost_worker_is_handed_out_again(
    kind: type[InMemoryOrchestrationBackend],
) -> None:
    backend = make(kind)
    backend.SignalEntity(pb.SignalEntityRequest(instanceId="@counter@a", name="add"), Stream())  # type: ignore[arg-type]
    stream = read(backend)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert [work.entityRequestV2.instanceId for work in everything(backend)] == ["@counter@a"]


# 2 ---------------------------------------------------------------------------------------------------------


@both
def test_no_activity_starts_after_a_terminate(kind: type[InMemoryOrchestrationBackend]) -> None:
    backend = make(kind)
    start(backend)
    answer_turn(backend, everything(backend)[0], *(activity(number) for number in range(1, 13)))
    stream = read(backend)
    running = [next(stream) for _ in range(8)]
    backend.TerminateInstance(pb.TerminateRequest(instanceId="one"), Stream())  # type: ignore[arg-type]
    for work in running:
        answer_activity(backend, work)
    assert obey(backend) == []
    assert backend._instances["one"].status == pb.ORCHESTRATION_STATUS_TERMINATED


@both
def test_a_turn_under_way_schedules_nothing_after_a_terminate(
    kind: type[InMemoryOrchestrationBackend],
) -> None:
    backend = make(kind)
    start(backend)
    turn = everything(backend)[0]
    backend.TerminateInstance(pb.TerminateRequest(instanceId="one"), Stream())  # type: ignore[arg-type]
    answer_turn(backend, turn, activity(1))
    assert obey(backend) == []


@both
def test_a_recursive_terminate_ends_the_children(kind: type[InMemoryOrchestrationBackend]) -> None:
    backend = make(kind)
    start(backend)
    answer_turn(backend, everything(backend)[0], child(1, "two"))
    answer_turn(backend, everything(backend)[0], child(1, "three"))
    backend.TerminateInstance(pb.TerminateRequest(instanceId="one", recursive=True), Stream())  # type: ignore[arg-type]
    states = {name: instance.status for name, instance in backend._instances.items()}
    assert states == dict.fromkeys(["one", "two", "three"], pb.ORCHESTRATION_STATUS_TERMINATED)


# 3 ---------------------------------------------------------------------------------------------------------


@both
def test_a_history_over_the_limit_fails_the_orchestration(kind: type[InMemoryOrchestrationBackend]) -> None:
    backend = make(kind, max_history_size=4)
    start(backend)
    answer_turn(backend, everything(backend)[0], activity(1), activity(2))
    for work in everything(backend):
        answer_activity(backend, work)
    answer_turn(backend, everything(backend)[0], activity(3))
    instance = backend._instances["one"]
    assert instance.status == pb.ORCHESTRATION_STATUS_FAILED
    assert instance.failure_details is not None
    assert instance.failure_details.errorType == "HistoryLimit"


# 4 ---------------------------------------------------------------------------------------------------------


class NoPatience(threading.Event):
    """A clock that runs out at once, however long it was set."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set() if timeout is not None else super().wait()


@both
def test_a_child_may_take_longer_than_thirty_seconds(
    kind: type[InMemoryOrchestrationBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_memory_backend.threading, "Event", NoPatience)
    before = set(threading.enumerate())
    backend = make(kind)
    start(backend)
    monkeypatch.setattr(
        in_memory_backend,
        "StateWaiter",
        lambda predicate: in_memory_backend_waiter(predicate, NoPatience()),
    )
    answer_turn(backend, everything(backend)[0], child(1, "two"))
    for watcher in set(threading.enumerate()) - before:
        watcher.join(10)  # its thirty seconds are over
    answer_turn(backend, everything(backend)[0], complete())
    for watcher in set(threading.enumerate()) - before:
        watcher.join(10)
    told = [event.WhichOneof("eventType") for event in backend._instances["one"].pending_events]
    assert told == ["subOrchestrationInstanceCompleted"]


_Waiter = in_memory_backend.StateWaiter


def in_memory_backend_waiter(predicate: Any, event: threading.Event) -> in_memory_backend.StateWaiter:
    return _Waiter(predicate=predicate, event=event)


# 5 ---------------------------------------------------------------------------------------------------------


@both
def test_a_failure_without_a_text_is_a_failure(kind: type[InMemoryOrchestrationBackend]) -> None:
    backend = make(kind)
    start(backend)
    answer_turn(backend, everything(backend)[0], activity(1))
    answer_activity(backend, everything(backend)[0], failureDetails=pb.TaskFailureDetails(errorType="ValueError"))
    told = [event.WhichOneof("eventType") for event in backend._instances["one"].pending_events]
    assert told == ["taskFailed"]


# 6, 7, 8 ---------------------------------------------------------------------------------------------------


@pytest.fixture
def served(kind: type[InMemoryOrchestrationBackend]) -> Iterator[tuple[str, InMemoryOrchestrationBackend]]:
    backend = kind(port=free_port())
    backend.start()
    yield f"127.0.0.1:{backend._port}", backend
    backend.stop(0)


def connect(address: str) -> grpc.Channel:
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return grpc.insecure_channel(address, options=unlimited)


@both
def test_twelve_waiting_callers_do_not_keep_others_out(
    kind: type[InMemoryOrchestrationBackend], served: tuple[str, InMemoryOrchestrationBackend]
) -> None:
    address, backend = served
    with connect(address) as channel:
        stub = TaskHubSidecarServiceStub(channel)  # type: ignore[no-untyped-call]
        stub.StartInstance(pb.CreateInstanceRequest(instanceId="one", name="work"), timeout=10)
        request = pb.GetInstanceRequest(instanceId="one")
        waiting = [stub.WaitForInstanceCompletion.future(request, timeout=60) for _ in range(12)]
        while len(backend._state_waiters.get("one", [])) < 10:  # the stock backend takes no more
            time.sleep(0.005)
        try:
            assert stub.GetInstance(request, timeout=30 if kind is Backend else 1).exists
        finally:
            for call in waiting:
                call.cancel()


@both
def test_a_message_of_five_megabytes_passes_both_ways(
    served: tuple[str, InMemoryOrchestrationBackend],
) -> None:
    address, _ = served
    payload = "x" * (5 * 2**20)
    with connect(address) as channel:
        stub = TaskHubSidecarServiceStub(channel)  # type: ignore[no-untyped-call]
        given = wrappers_pb2.StringValue(value=payload)
        stub.StartInstance(pb.CreateInstanceRequest(instanceId="one", name="work", input=given), timeout=10)
        request = pb.GetInstanceRequest(instanceId="one", getInputsAndOutputs=True)
        assert stub.GetInstance(request, timeout=10).orchestrationState.input.value == payload


@both
def test_only_the_loopback_address_listens(served: tuple[str, InMemoryOrchestrationBackend]) -> None:
    port = int(served[0].rpartition(":")[2])
    connections = psutil.Process().net_connections(kind="tcp")
    listening = [each.laddr.ip for each in connections if each.status == "LISTEN" and each.laddr.port == port]
    assert listening
    assert all(ipaddress.ip_address(ip.removeprefix("::ffff:")).is_loopback for ip in listening)


@both
def test_work_of_a_worker_whose_connection_broke_is_handed_out_again(
    kind: type[InMemoryOrchestrationBackend], served: tuple[str, InMemoryOrchestrationBackend]
) -> None:
    with connect(served[0]) as channel:
        stub = TaskHubSidecarServiceStub(channel)  # type: ignore[no-untyped-call]
        stub.StartInstance(pb.CreateInstanceRequest(instanceId="one", name="work"), timeout=10)
        broken = stub.GetWorkItems(pb.GetWorkItemsRequest(), timeout=30)
        next(broken)
        broken.cancel()
        again = stub.GetWorkItems(pb.GetWorkItemsRequest(), timeout=30 if kind is Backend else 1)
        assert next(again).orchestratorRequest.instanceId == "one"
        again.cancel()


# What ours must keep, beyond the eight


def test_a_timer_of_an_execution_that_continued_as_new_does_not_fire() -> None:
    backend = make(Backend)
    fired: list[Any] = []
    backend._alarms.after = lambda seconds, call: fired.append(call)  # type: ignore[attr-defined,method-assign]
    start(backend)
    timer = pb.OrchestratorAction(id=1, createTimer=pb.CreateTimerAction(fireAt=timestamp_pb2.Timestamp()))
    answer_turn(backend, everything(backend)[0], timer, complete(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
    fired[0]()
    (turn,) = everything(backend)
    assert not any(event.HasField("timerFired") for event in turn.orchestratorRequest.newEvents)


def test_an_activity_of_an_execution_that_continued_as_new_does_not_count() -> None:
    backend = make(Backend)
    start(backend)
    answer_turn(backend, everything(backend)[0], activity(1))
    (late,) = everything(backend)
    backend.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), Stream())  # type: ignore[arg-type]
    answer_turn(backend, everything(backend)[0], complete(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
    answer_activity(backend, late)
    (turn,) = everything(backend)
    assert not any(event.HasField("taskCompleted") for event in turn.orchestratorRequest.newEvents)


def test_an_orchestration_that_is_scheduled_for_later_starts_then() -> None:
    backend = make(Backend)
    alarms: list[tuple[float, Any]] = []
    backend._alarms.after = lambda seconds, call: alarms.append((seconds, call))  # type: ignore[attr-defined,method-assign]
    later = timestamp_pb2.Timestamp()
    later.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    request = pb.CreateInstanceRequest(instanceId="one", name="work", scheduledStartTimestamp=later)
    backend.StartInstance(request, Stream())  # type: ignore[arg-type]
    assert everything(backend) == []
    ((seconds, start_now),) = alarms
    assert 3590 < seconds <= 3600
    start_now()
    assert [work.orchestratorRequest.instanceId for work in everything(backend)] == ["one"]


def test_a_resume_that_comes_during_the_suspending_turn_is_not_lost() -> None:
    backend = make(Backend)
    start(backend)
    answer_turn(backend, everything(backend)[0])
    backend.SuspendInstance(pb.SuspendRequest(instanceId="one"), Stream())  # type: ignore[arg-type]
    (suspending,) = everything(backend)
    backend.ResumeInstance(pb.ResumeRequest(instanceId="one"), Stream())  # type: ignore[arg-type]
    answer_turn(backend, suspending)
    (resuming,) = everything(backend)
    answer_turn(backend, resuming)
    assert backend._instances["one"].status == pb.ORCHESTRATION_STATUS_RUNNING


def test_a_failed_child_tells_its_parent_the_type_and_text_of_its_failure() -> None:
    backend = make(Backend)
    start(backend)
    answer_turn(backend, everything(backend)[0], child(1, "two"))
    failed = pb.CompleteOrchestrationAction(
        orchestrationStatus=pb.ORCHESTRATION_STATUS_FAILED,
        failureDetails=pb.TaskFailureDetails(errorType="Broken", errorMessage="why"),
    )
    answer_turn(backend, everything(backend)[0], pb.OrchestratorAction(id=9, completeOrchestration=failed))
    (event,) = backend._instances["one"].pending_events
    details = event.subOrchestrationInstanceFailed.failureDetails
    assert (details.errorType, details.errorMessage) == ("Broken", "why")


def test_a_long_history_pauses_between_turns_while_more_is_under_way() -> None:
    backend = make(Backend)
    pauses: list[float] = []
    backend._alarms.after = lambda seconds, call: pauses.append(seconds)  # type: ignore[attr-defined,method-assign]
    start(backend)
    answer_turn(backend, everything(backend)[0], *(activity(number) for number in range(1, 300)))
    first, second, *_ = everything(backend)
    answer_activity(backend, first)
    answer_activity(backend, second)
    assert len(pauses) == 1, "one pause for all that comes meanwhile"
    assert 0 < pauses[0] <= 0.1


def test_neither_a_short_history_nor_the_last_answer_pauses() -> None:
    backend = make(Backend)
    pauses: list[float] = []
    backend._alarms.after = lambda seconds, call: pauses.append(seconds)  # type: ignore[attr-defined,method-assign]
    start(backend)
    answer_turn(backend, everything(backend)[0], activity(1), activity(2))
    for work in everything(backend):
        answer_activity(backend, work)
    answer_turn(backend, everything(backend)[0], *(activity(number) for number in range(3, 300)))
    *others, last = everything(backend)
    for work in others:
        answer_activity(backend, work)
    pauses.clear()
    backend._orchestration_queue_set.clear()
    answer_activity(backend, last)
    assert pauses == []
