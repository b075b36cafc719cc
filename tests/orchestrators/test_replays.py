"""Orchestrations that began under a release go on under this one: saved histories are replayed, turn by turn."""

import base64
from pathlib import Path

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from azure.durable_functions.worker import DurableFunctionsWorker

from tests.laws.driver import ORCHESTRATORS
from tests.orchestrators.histories import FOLDER, History, Turn, save, saved

# The worker library says once a process that it will ask for types one day.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

FILES = sorted(FOLDER.glob("*/*.json"))


def replayed(history: History, turn: Turn) -> list[pb.OrchestratorAction]:
    """What today's orchestrator asks for in this turn, by the worker library that runs it in Azure."""
    request = pb.OrchestratorRequest(instanceId="replayed", pastEvents=turn.past, newEvents=turn.new)
    body = base64.b64encode(request.SerializeToString()).decode()
    answered = DurableFunctionsWorker().execute_orchestration_request(ORCHESTRATORS[history.name], body)
    response = pb.OrchestratorResponse()
    response.ParseFromString(base64.b64decode(answered))
    return list(response.actions)


def asked_then(turn: Turn) -> list[tuple[str, ...]]:
    """The calls of a turn, as the history has them."""
    calls = []
    for event in turn.asked:
        if event.HasField("taskScheduled"):
            calls.append(("activity", event.taskScheduled.name, event.taskScheduled.input.value))
        elif event.HasField("subOrchestrationInstanceCreated"):
            child = event.subOrchestrationInstanceCreated
            calls.append(("child", child.name, child.instanceId, child.input.value))
        else:
            calls.append(("timer",))
    return calls


def asked_now(actions: list[pb.OrchestratorAction]) -> list[tuple[str, ...]]:
    """The calls of a turn, as today's orchestrator makes them."""
    calls = []
    for action in actions:
        if action.HasField("scheduleTask"):
            calls.append(("activity", action.scheduleTask.name, action.scheduleTask.input.value))
        elif action.HasField("createSubOrchestration"):
            child = action.createSubOrchestration
            calls.append(("child", child.name, child.instanceId, child.input.value))
        elif action.HasField("createTimer"):
            calls.append(("timer",))
    return calls


def ended(actions: list[pb.OrchestratorAction]) -> pb.CompleteOrchestrationAction | None:
    """How the orchestrator ended, if it did."""
    return next((one.completeOrchestration for one in actions if one.HasField("completeOrchestration")), None)


def test_the_histories_of_the_long_operations_are_there() -> None:
    assert {
        "apply_lane", "back_up_tenant", "capture_lane", "read_live", "report_differences", "restore_tenant",
        "unpack_backup", "verify_backup",
    } <= {saved(file).name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_was_in_flight_goes_on_as_it_began(file: Path) -> None:
    history = saved(file)
    for turn in history.turns():
        actions = replayed(history, turn)
        end = ended(actions)
        assert end is None or end.orchestrationStatus != pb.ORCHESTRATION_STATUS_FAILED, end
        assert asked_now(actions) == asked_then(turn), "a release must ask for the same, in the same order"
        last = end
    completed = history.ended()
    assert completed is not None
    assert last is not None
    assert (last.orchestrationStatus, last.result.value) == (completed.orchestrationStatus, completed.result.value)


def test_another_order_of_calls_would_be_seen() -> None:
    history = next(saved(file) for file in FILES if file.stem.startswith("verify_backup"))
    other = History("expire_backups", history.events)
    said = [ended(replayed(other, turn)) for turn in history.turns()]
    assert any(end and "NonDeterminism" in end.failureDetails.errorType for end in said)


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    history = saved(FILES[0])
    save(tmp_path, 1, history)
    assert saved(tmp_path / f"{history.name}-1.json") == history


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_message_in_a_history_is_over_sixteen_kilobytes(file: Path) -> None:
    for event in saved(file).events:
        assert event.ByteSize() < 16 * 1024, event.WhichOneof("eventType")
