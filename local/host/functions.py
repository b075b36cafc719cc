"""The app's functions, indexed and invoked by Microsoft's own worker library, as in Azure.

The library speaks protobuf with its host; here plain objects stand in for the messages, and its native entry
takes and returns `Datum`. Invariants: one app is indexed at a time, and indexing starts from an empty
registry and a fresh import of function_app.py (an app object can be indexed only once); an invocation never
raises, whatever the function does, be it `sys.exit()`; a failure looks as it does in Azure: the exception's
bare type name and the first line of its text.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import json
import logging
import re
import sys
import traceback
import uuid
import warnings
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from azure.functions._durable_functions import df_loads
from azure_functions_runtime import (
    functions_metadata_request,
    handle_event,
    native_invocation,
    worker_init_request,
)
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.logging import logger as library_logger

from local.host.errors import NotIndexed, NotSupported

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

__all__ = ["Datum", "Failure", "Function", "Functions", "Outcome", "indexed_app"]

_logger = logging.getLogger("cairn.host")

_TRIGGERS = ("httpTrigger", "timerTrigger", "activityTrigger", "orchestrationTrigger", "entityTrigger")
_CLIENT = "durableClient"
_REPRESENTED = re.compile(r"(?P<type>\w+)\((?P<text>.*)\)", re.DOTALL)

# Where the exception of the invocation that runs now is put by _ExceptionCatcher.
_caught: ContextVar[list[BaseException] | None] = ContextVar("cairn_host_caught", default=None)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an invocation failed, as Azure tells it; `stack` is the worker's traceback."""

    type_name: str
    text: str
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to; `lingering` still runs after its time-out and holds a thread."""

    value: Any = None
    failure: Failure | None = None
    lingering: asyncio.Task[Outcome] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """One indexed function: its trigger as the binding's JSON, and where the durable client goes."""

    name: str
    function_id: str
    trigger: Mapping[str, Any]
    client_parameters: tuple[str, ...]
    is_async: bool

    @property
    def kind(self) -> str:
        """Return the trigger's type, as in function.json."""
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        """Return the name that orchestrators and clients call it by."""
        for key in ("activity", "orchestration", "entityName"):
            if self.trigger.get(key):
                return str(self.trigger[key])
        return self.name


class Functions:
    """The functions of one app, ready to be invoked; `client_binding` is the durable client's JSON."""

    def __init__(self, functions: Iterable[Function], client_binding: str, timeout_seconds: float | None) -> None:
        self.all = tuple(functions)
        self._client_binding = client_binding
        self._timeout_seconds = timeout_seconds
        self._durable = {(function.kind, function.durable_name.lower()): function for function in self.all}
        self._running: dict[asyncio.Task[Outcome], Function] = {}

    def of_kind(self, kind: str) -> tuple[Function, ...]:
        """Return the functions of one trigger type."""
        return tuple(function for function in self.all if function.kind == kind)

    def durable(self, kind: str, name: str) -> Function | None:
        """Return the activity, orchestrator or entity of that name; case does not count, as in Azure."""
        return self._durable.get((kind, name.lower()))

    @property
    def threads_taken(self) -> tuple[str, ...]:
        """Return the names of the synchronous functions that still run."""
        return tuple(function.name for function in self._running.values() if not function.is_async)

    async def cancel(self) -> None:
        """End every async function; a synchronous one runs on in its thread, and its outcome is lost."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def invoke(self, function: Function, trigger_value: Datum, *, limited: bool = True) -> Outcome:
        """Run the function and return what it came to; `limited` by functionTimeout of host.json."""
        inputs = [(str(function.trigger["name"]), trigger_value)]
        inputs += [(parameter, Datum(self._client_binding, "string")) for parameter in function.client_parameters]
        call = asyncio.create_task(_call(function, inputs), name=f"function {function.name}")
        self._running[call] = function
        call.add_done_callback(lambda done: self._running.pop(done, None))
        timeout_seconds = self._timeout_seconds if limited else None
        try:
            done, _ = await asyncio.wait({call}, timeout=timeout_seconds)
        except asyncio.CancelledError:
            if function.is_async:
                call.cancel()
            raise
        if done:
            return await call
        if function.is_async:
            call.cancel()  # a thread cannot be ended: it runs on and keeps its place until it returns
        text = f"Timeout value of {_clock(timeout_seconds or 0)} was exceeded by function '{function.name}'"
        return Outcome(failure=Failure("FunctionTimeoutException", text), lingering=call)


async def _call(function: Function, inputs: list[tuple[str, Datum]]) -> Outcome:
    caught: list[BaseException] = []
    _caught.set(caught)  # this coroutine is a task of its own, so the variable is too
    invocation_id = str(uuid.uuid4())
    call = native_invocation.invocation_request_native(invocation_id, function.function_id, inputs, {})
    try:
        succeeded, value, _, represented, stack = await call
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return Outcome(failure=Failure("OperationCanceledException", "the host ended the function"))
        return Outcome(failure=_failure(error, traceback.format_exc()))  # the function itself raised it
    except BaseException as error:  # noqa: BLE001 -- sys.exit() in a function is a failure, not the host's end
        return Outcome(failure=_failure(error, traceback.format_exc()))
    if succeeded:
        return Outcome(value=value)
    if caught:
        return Outcome(failure=_failure(caught[0], stack))
    return Outcome(failure=_represented_failure(represented or "", stack or ""))


def _failure(error: BaseException, stack: str) -> Failure:
    return Failure(type(error).__name__, _first_line(str(error)), stack)


def _represented_failure(represented: str, stack: str) -> Failure:
    """Read `repr(exception)`, all that is left where somebody has silenced the library's log."""
    match = _REPRESENTED.fullmatch(represented)
    if match is None:
        return Failure("Exception", _first_line(represented), stack)
    text = match["text"]
    with contextlib.suppress(ValueError, SyntaxError):
        text = str(ast.literal_eval(text))
    return Failure(match["type"], _first_line(text), stack)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


class _ExceptionCatcher(logging.Filter):
    """Keeps the exception that the library logs and forgets, and its traceback out of the log.

    The library's native entry answers a failure with texts only, and logs the exception itself; both happen
    in the invocation's own task.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        caught = _caught.get()
        if caught is None or record.exc_info is None or record.exc_info[1] is None:
            return record.levelno >= logging.WARNING
        caught.append(record.exc_info[1])
        return False


class _Message(SimpleNamespace):
    """Stands in for every protobuf message that indexing builds."""

    Failure, Success = 0, 1
    undefined, out, inout = 0, 1, 2  # BindingInfo.Direction, as far as the library compares it


class _Messages:
    """Stands in for the module of protobuf messages."""

    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


@contextlib.asynccontextmanager
async def indexed_app(directory: Path) -> AsyncIterator[tuple[Function, ...]]:
    """Import function_app.py afresh and yield its functions; raises NotIndexed or NotSupported in one line.

    While the block runs the directory leads the import path, as on Azure; afterwards the process knows
    the app no more, and has the module back that was called function_app before.
    """
    if not (directory / "function_app.py").is_file():
        message = f"no function app in {directory}: function_app.py is missing"
        raise NotIndexed(message)
    module_before = sys.modules.pop("function_app", None)
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    with warnings.catch_warnings():
        # The SDK's converter, not the app, earns this advice; it is given once a process, so it is taken here.
        warnings.simplefilter("ignore", DeprecationWarning)
        df_loads("null")
    catcher = _ExceptionCatcher()
    library_logger.addFilter(catcher)
    try:
        yield await _index(directory)
    finally:
        library_logger.removeFilter(catcher)
        handle_event._functions._functions.clear()  # noqa: SLF001 -- the process's, not the app's
        sys.path.remove(str(directory))
        sys.modules.pop("function_app", None)
        if module_before is not None:
            sys.modules["function_app"] = module_before


async def _index(directory: Path) -> tuple[Function, ...]:
    init = SimpleNamespace(capabilities={}, function_app_directory=str(directory))
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"host": "", "protos": _Messages()}
    )
    caught: list[BaseException] = []
    token = _caught.set(caught)
    try:
        response = await worker_init_request(request)
    except (Exception, SystemExit) as error:
        raise _not_indexed(error) from error
    finally:
        _caught.reset(token)
    if response.result.status != _Message.Success:
        _logger.debug("indexing failed\n%s", response.result.exception.stack_trace)
        text = _first_line(response.result.exception.message).partition(". Cannot find module. Please check")[0]
        raise NotIndexed(f"the function app cannot be indexed: {text}")
    metadata = (await functions_metadata_request(request)).function_metadata_results
    if not metadata:
        message = f"the function app in {directory} has no functions"
        raise NotIndexed(message)
    return tuple(_function(each) for each in metadata)


def _not_indexed(error: BaseException) -> NotIndexed:
    return NotIndexed(f"the function app cannot be indexed: {type(error).__name__}: {_first_line(str(error))}")


def _function(metadata: Any) -> Function:
    bindings = [json.loads(raw) if isinstance(raw, str) else raw for raw in metadata.raw_bindings]
    triggers = [binding for binding in bindings if binding["type"] in _TRIGGERS]
    unknown = sorted({binding["type"] for binding in bindings if binding["type"] not in (*_TRIGGERS, _CLIENT, "http")})
    if unknown or len(triggers) != 1:
        message = (
            f"function {metadata.name}: the local host knows {', '.join(_TRIGGERS)} and {_CLIENT}, "
            f"not {', '.join(unknown) or 'a function without one trigger'}"
        )
        raise NotSupported(message)
    clients = tuple(binding["name"] for binding in bindings if binding["type"] == _CLIENT)
    is_async = handle_event._functions.get_function(metadata.function_id).is_async  # noqa: SLF001 -- as above
    return Function(metadata.name, metadata.function_id, triggers[0], clients, is_async)
