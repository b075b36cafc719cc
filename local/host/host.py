"""The local host: one function app served on a loopback port, from start to a bounded stop.

Start: settings into the environment, host.json, index, engine, dispatcher, timers, port. Stop, in the reverse
order: no new request, timer or activity; what runs has `drain_seconds` to end; then async functions are
cancelled, threads are left behind as daemons, and the engine goes last, since clients talk to it until then.

Invariants: one app a process at a time, for the worker library keeps its registry in module globals; only
loopback listens; a start that fails leaves nothing running and says why in one line (`HostError`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Self

from azure.durable_functions import DurableFunctionsClient

from local.host.backend import MAX_MESSAGE_BYTES, Backend
from local.host.dispatcher import Dispatcher
from local.host.errors import HostError
from local.host.functions import Function, Functions, Outcome, indexed_app
from local.host.hostfile import HostFile, read_host_file
from local.host.management import Management
from local.host.pool import FunctionPool
from local.host.server import Server, listen
from local.host.timers import Timers
from local.host.web import WebFront

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["LocalHost"]

_logger = logging.getLogger("cairn.host")

# Room for orchestrators, HTTP functions and timers beside a full lane of activities.
_SPARE_THREADS = 8
_MOST_THREADS = 256
_MAX_BODY_BYTES = 104_857_600  # what the Functions host takes when FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is not set
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_QUIET = ("durabletask", "azure.durable_functions", "azure.functions", "uvicorn")

_hosted: LocalHost | None = None


class LocalHost:
    """Serves the function app in `app_directory` while the `async with` block runs.

    `settings` are app settings: environment variables while the host runs, as on Azure. `port` 0 takes a free
    one. `system_key` opens the durable management endpoints; a random one is made when none is given.
    """

    def __init__(
        self,
        app_directory: Path | str,
        port: int = 7071,
        *,
        settings: Mapping[str, str] | None = None,
        system_key: str | None = None,
        drain_seconds: float = 5.0,
    ) -> None:
        self.app_directory = Path(app_directory).resolve()
        self.port = port
        self.system_key = system_key or secrets.token_urlsafe(32)
        self.drain_seconds = drain_seconds
        self.abandoned: tuple[str, ...] = ()
        self._settings = {
            "AzureWebJobsScriptRoot": str(self.app_directory),
            "FUNCTIONS_WORKER_RUNTIME": "python",
            **(settings or {}),
        }
        self._running: contextlib.AsyncExitStack | None = None
        self._client: DurableFunctionsClient | None = None
        self._functions: Functions | None = None
        self._timers: Timers | None = None
        self._client_binding = ""
        self._hurry = asyncio.Event()
        self._catches_signals = False

    @property
    def url(self) -> str:
        """Return the address without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def functions(self) -> tuple[Function, ...]:
        """Return the indexed functions; empty while the host is not running."""
        return self._functions.all if self._functions else ()

    def durable_client(self) -> DurableFunctionsClient:
        """Return the host's own durable client, which it closes at its end; needs a running host."""
        if not self._client_binding:
            message = "the host is not running"
            raise RuntimeError(message)
        if self._client is None:
            self._client = DurableFunctionsClient(self._client_binding)
        return self._client

    async def fire_timer(self, name: str) -> Outcome:
        """Run a timer function now and return what it came to; raises LookupError for an unknown name."""
        if self._timers is None:
            message = "the host is not running"
            raise RuntimeError(message)
        return await self._timers.fire(name)

    async def serve_forever(self, on_ready: Callable[[], None] | None = None) -> None:
        """Return when SIGINT or SIGTERM asks the process to end; a second one cuts the drain short.

        `on_ready` is called once a signal would end the host cleanly: the place to say that it serves.
        """
        if self._running is None:
            message = "the host is not running"
            raise RuntimeError(message)
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        def ask() -> None:
            if asked.is_set():
                self._hurry.set()
            asked.set()

        self._catches_signals = True
        for number in _ENDING_SIGNALS:
            loop.add_signal_handler(number, ask)  # removed after the drain, see __aexit__
        if on_ready is not None:
            on_ready()
        await asked.wait()

    async def __aenter__(self) -> Self:
        global _hosted
        if _hosted is not None:
            message = f"this process already hosts {_hosted.app_directory}: one app at a time"
            raise HostError(message)
        _hosted = self
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(_forget_host)
            await self._start(stack)
            self._running = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        try:
            await running.aclose()
        finally:
            for number in _ENDING_SIGNALS if self._catches_signals else ():  # a caller's own handlers stay
                asyncio.get_running_loop().remove_signal_handler(number)

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        stack.enter_context(_environment(self._settings))
        host_file = read_host_file(self.app_directory / "host.json", os.environ)
        listener = stack.enter_context(listen(self.port))
        self.port = listener.getsockname()[1]
        stack.enter_context(_quiet())
        indexed = await stack.enter_async_context(indexed_app(self.app_directory))
        pool, activities = _make_pool(host_file)
        pool.install()
        stack.push_async_callback(asyncio.to_thread, pool.leave)
        backend = Backend()
        engine_address = backend.start()
        stack.push_async_callback(asyncio.to_thread, backend.stop)
        self._client_binding = json.dumps(
            {
                "taskHubName": host_file.hub_name,
                "rpcBaseUrl": f"http://{engine_address}",
                "maxGrpcMessageSizeInBytes": MAX_MESSAGE_BYTES,
            }
        )
        stack.push_async_callback(self._close_client)
        functions = self._functions = Functions(indexed, self._client_binding, host_file.function_timeout_seconds)
        self._web = WebFront(
            functions,
            Management(self.durable_client),
            route_prefix=host_file.route_prefix,
            system_key=self.system_key,
            max_body_bytes=int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") or _MAX_BODY_BYTES),
        )
        timers = self._timers = Timers(functions, os.environ)
        dispatcher = Dispatcher(
            backend,
            functions,
            turns=host_file.max_orchestrators,
            entities=host_file.max_entities,
            activities=activities,
        )
        server = Server(self._web)
        stack.push_async_callback(self._drain, functions, dispatcher, timers, server)
        dispatcher.start()
        await server.start(listener)
        timers.start()
        _logger.info("serving %d functions of %s on %s", len(indexed), self.app_directory.name, self.url)

    async def _drain(self, functions: Functions, dispatcher: Dispatcher, timers: Timers, server: Server) -> None:
        """End what runs, all at once and within the drain's time."""
        await timers.stop()
        ending = asyncio.gather(server.stop(self.drain_seconds), dispatcher.stop(self.drain_seconds))
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait((ending, hurry), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        hurry.cancel()
        await asyncio.gather(ending, hurry, return_exceptions=True)
        self.abandoned = functions.threads_taken
        if self.abandoned:
            _logger.warning("left behind, still running: %s", ", ".join(self.abandoned))
        await functions.cancel()
        self._functions = self._timers = None

    async def _close_client(self) -> None:
        if self._client is not None:
            await self._client.close()
        self._client = None
        self._client_binding = ""


def _make_pool(host_file: HostFile) -> tuple[FunctionPool, int]:
    """Return the threads, and how many activities may run at once: always fewer than there are threads."""
    setting = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    threads = int(setting) if setting.isdecimal() and int(setting) > 0 else host_file.max_activities + _SPARE_THREADS
    threads = max(2, min(threads, _MOST_THREADS))
    activities = min(host_file.max_activities, threads - 1)
    if activities < host_file.max_activities:
        _logger.warning(
            "%d activities at once, not %d: the pool has %d threads",
            activities,
            host_file.max_activities,
            threads,
        )
    return FunctionPool(threads), activities


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Put the settings into the environment, and what was there before back at the end."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' per-turn INFO lines out of the log, unless somebody set their level."""
    lowered = [logger for logger in map(logging.getLogger, _QUIET) if logger.level == logging.NOTSET]
    for logger in lowered:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger in lowered:
            logger.setLevel(logging.NOTSET)


def _forget_host() -> None:
    global _hosted
    _hosted = None
