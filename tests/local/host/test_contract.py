"""Every name that the local host uses of the pinned packages without a promise: a new version must fail here, loudly.

When a pin moves and a test here fails, read what changed in that package and mend the host before the pin.
"""

import importlib
import inspect
import logging
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest
from durabletask.testing.in_memory_backend import (
    ActivityWorkItem,
    EntityState,
    InMemoryOrchestrationBackend,
    OrchestrationInstance,
    StateWaiter,
)

REQUIREMENTS = Path(__file__).parents[3] / "requirements.txt"

PINS = {
    "azure-functions": "2.4.0b1",
    "azure-functions-durable": "2.0.0rc3",
    "durabletask": "1.12.0",
    "azure-functions-runtime": "1.3.0",
}

RUNTIME = "azure_functions_runtime"
BACKEND = "durabletask.testing.in_memory_backend"
HELPERS = "durabletask.internal.helpers"

# What is called, with the parameters it is called by.
CALLABLES = [
    (RUNTIME, "worker_init_request", ["request"]),
    (RUNTIME, "functions_metadata_request", ["request"]),
    (
        RUNTIME + ".native_invocation",
        "invocation_request_native",
        ["invocation_id", "function_id", "inputs", "trigger_metadata"],
    ),
    (RUNTIME + ".bindings.datumdef", "Datum", ["value", "type"]),
    (RUNTIME + ".utils.threadpool", "get_threadpool_executor", []),
    (RUNTIME + ".handle_event", "_functions.get_function", ["function_id"]),
    ("azure.functions._durable_functions", "df_loads", ["s", "expected_type"]),
    ("azure.durable_functions", "DurableFunctionsClient", ["client_as_string"]),
    (
        "durabletask.internal.orchestrator_service_pb2_grpc",
        "add_TaskHubSidecarServiceServicer_to_server",
        ["servicer", "server"],
    ),
    (HELPERS, "new_terminated_event", ["encoded_output"]),
    (HELPERS, "new_orchestrator_started_event", ["timestamp"]),
    (HELPERS, "new_orchestrator_completed_event", []),
    (HELPERS, "new_execution_completed_event", ["status", "encoded_result", "failure_details"]),
    (HELPERS, "new_sub_orchestration_completed_event", ["event_id", "encoded_output"]),
    (HELPERS, "new_timer_created_event", ["timer_id", "fire_at"]),
    (HELPERS, "new_timer_fired_event", ["timer_id", "fire_at"]),
    (HELPERS, "convert_to_entity_batch_request", ["req"]),
    ("concurrent.futures.thread", "_threads_queues.pop", None),
    ("uvicorn", "Server.capture_signals", ["self"]),
]

# What the subclass overrides or calls of the backend, with the parameters in order.
METHODS = {
    "__init__": ["self", "max_history_size", "port"],
    "start": ["self"],
    "stop": ["self", "grace"],
    "StartInstance": ["self", "request", "context"],
    "GetWorkItems": ["self", "request", "context"],
    "CompleteOrchestratorTask": ["self", "request", "context"],
    "CompleteActivityTask": ["self", "request", "context"],
    "CompleteEntityTask": ["self", "request", "context"],
    "AbandonTaskActivityWorkItem": ["self", "request", "context"],
    "WaitForInstanceStart": ["self", "request", "context"],
    "WaitForInstanceCompletion": ["self", "request", "context"],
    "_enqueue_orchestration": ["self", "instance_id"],
    "_enqueue_entity": ["self", "entity_id"],
    "_is_terminal_status": ["self", "status"],
    "_terminate_instance_internal": ["self", "instance_id", "output", "recursive"],
    "_watch_sub_orchestration": ["self", "parent_instance_id", "sub_instance_id", "task_id"],
    "_wait_for_state": ["self", "instance_id", "predicate", "timeout"],
    "_notify_waiters": ["self", "instance_id"],
    "_process_complete_orchestration_action": ["self", "instance", "complete_action"],
    "_process_schedule_task_action": ["self", "instance", "action"],
    "_process_create_timer_action": ["self", "instance", "action"],
    "_schedule_delayed_entity_operation": ["self", "entity_id", "event", "fire_at"],
    "_queue_entity_operation": ["self", "entity_id", "event"],
}

ATTRIBUTES = [
    "_lock", "_instances", "_orchestration_queue", "_orchestration_queue_set", "_orchestration_in_flight",
    "_activity_queue", "_entities", "_entity_in_flight", "_state_waiters", "_next_completion_token",
    "_max_history_size", "_port", "_server", "_shutdown_event", "_work_available",
]  # fmt: skip


@pytest.mark.parametrize(("package", "pinned"), PINS.items())
def test_the_package_is_the_pinned_one(package, pinned):
    assert version(package) == pinned


@pytest.mark.parametrize("package", ["azure-functions", "azure-functions-durable", "durabletask"])
def test_azure_installs_the_same_version(package):
    assert f"{package}=={PINS[package]}" in REQUIREMENTS.read_text().splitlines()


@pytest.mark.parametrize(
    ("module", "name", "parameters"), CALLABLES, ids=lambda each: each if isinstance(each, str) else ""
)
def test_the_callable_is_there_with_its_parameters(module, name, parameters):
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
    if parameters is not None:
        assert list(inspect.signature(found).parameters)[: len(parameters)] == parameters


@pytest.mark.parametrize(("name", "parameters"), METHODS.items())
def test_the_backend_has_the_method_with_its_parameters(name, parameters):
    assert list(inspect.signature(getattr(InMemoryOrchestrationBackend, name)).parameters) == parameters


def test_the_backend_has_the_attributes():
    backend = InMemoryOrchestrationBackend()
    assert [name for name in ATTRIBUTES if not hasattr(backend, name)] == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (OrchestrationInstance, {"instance_id", "status", "output", "failure_details", "history", "completed_at",
                                 "last_updated_at", "pending_events", "dispatched_events", "completion_token"}),
        (ActivityWorkItem, {"completion_token"}),
        (EntityState, {"pending_operations", "dispatched_operations", "completion_token"}),
        (StateWaiter, {"predicate", "event", "result"}),
    ],
)  # fmt: skip
def test_the_backends_records_have_the_fields(kind, names):
    assert names <= {field.name for field in fields(kind)}


def test_the_librarys_registry_and_pool_are_where_the_host_looks():
    handle_event = importlib.import_module(RUNTIME + ".handle_event")
    native = importlib.import_module(RUNTIME + ".native_invocation")
    assert native._functions is handle_event._functions
    assert isinstance(handle_event._functions._functions, dict)
    threadpool = importlib.import_module(RUNTIME + ".utils.threadpool")
    mark = object()
    before, threadpool._threadpool_executor = threadpool._threadpool_executor, mark
    assert threadpool.get_threadpool_executor() is mark
    threadpool._threadpool_executor = before


def test_the_library_logs_what_an_invocation_raised_on_the_logger_that_the_host_filters():
    library = importlib.import_module(RUNTIME + ".logging")
    assert isinstance(library.logger, logging.Logger)
    source = inspect.getsource(importlib.import_module(RUNTIME + ".native_invocation").invocation_request_native)
    assert "logger.exception(" in source


def test_indexed_functions_tell_whether_they_are_async():
    assert "is_async" in importlib.import_module(RUNTIME + ".functions").FunctionInfo._fields
