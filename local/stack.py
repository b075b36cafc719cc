"""The local stack: storage, issuer, directory and the function app under the local host, in that order, until
asked to end; then back in the reverse order, each part with a bound on how long it may take.

- One line on standard output says that it serves; everything else is said on standard error and in the log.
- The tenant is registered over HTTP, as anybody would do it; its schedule is off until somebody turns it on.
- SIGINT and SIGTERM end it cleanly at any moment, also while it starts. What SIGKILL leaves, the next start
  takes up.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

import httpx

from local import azurite as azurite_process
from local.azurite import Azurite
from local.data_folder import DataFolder, held
from local.directory import CREDENTIALS, Directory, from_environment, simulated
from local.errors import LocalStackError
from local.host.errors import HostError
from local.host.host import LocalHost
from local.issuer import AUDIENCE, Issuer, open_or_make_issuer, serving
from local.ports import free_ports, need_free
from local.simulated_tenant import SimulatedTenant, Size, simulating
from shared.deployment import deployment

ROOT = Path(__file__).resolve().parent.parent
DRAIN_SECONDS = 10.0
"""How long running activities may go on when the stack is asked to end; a second signal ends them at once."""
REGISTER_SECONDS = 60.0
SIZE = Size(users=2000, groups=300, seed=7)
"""Of a new simulated tenant: big enough to look real, made in a second."""
OWNED = (
    *CREDENTIALS,
    "CAIRN_GRAPH_URL",
    "CAIRN_LOGIN_URL",
    "CAIRN_VAULT_URL",
    "CAIRN_VAULT_CONNECTION_STRING",
    "CAIRN_WORKSPACE_URL",
    "CAIRN_WORKSPACE_CONNECTION_STRING",
    "CAIRN_RECORDS_URL",
    "CAIRN_RECORDS_CONNECTION_STRING",
    "CAIRN_KEY_URL",
    "CAIRN_AUTH_ISSUER",
    "CAIRN_AUTH_AUDIENCE",
    "CAIRN_HOME_TENANTS",
)
"""Settings that the stack decides; what the shell says of them must not reach the app."""
DEFAULTS = {
    "CAIRN_TASK_HUB": "cairnlocal",
    "CAIRN_SCHEDULE_CRON": "0 * * * * *",
    "CAIRN_WATCH_CRON": "30 * * * * *",
    "CAIRN_ALERT_CRON": "15 * * * * *",
    "CAIRN_AUDIT_CRON": "45 */5 * * * *",
    "CAIRN_CONSENT_CRON": "20 17 * * * *",
    "CAIRN_NOTIFICATION_CRON": "5,35 * * * * *",
    "CAIRN_PRIVATE_WEBHOOKS": "allow",
}
"""App settings that an environment may override: looking for due work each minute is cheap on one machine."""


CHATTY = ("azure.core", "azure.identity", "httpx", "durabletask", "azure.durable_functions")
"""Loggers that tell each request or each turn at INFO."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `up` was asked for; `real` says that credentials come from `environment` instead of a
    simulator.
    """

    port: int
    data: DataFolder
    environment: Mapping[str, str]
    real: bool = False
    graph_url: str = ""
    size: Size = SIZE


def up(options: Options) -> None:
    """Run the stack until SIGINT or SIGTERM; raises LocalStackError with the one line that says what is
    wrong.
    """
    with held(options.data), _logging_to(options.data.log), _without(OWNED):
        asyncio.run(_until_asked_to_end(options))


async def _until_asked_to_end(options: Options) -> None:
    """Serve; the first signal cancels this very task, so that whatever is open by then is closed in order."""
    loop, serving_task = asyncio.get_running_loop(), asyncio.current_task()
    asked = asyncio.Event()

    def ask() -> None:
        if serving_task is not None and not asked.is_set():
            asked.set()
            serving_task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        async with stack(options) as ready_line:
            print(ready_line, flush=True)
            await loop.create_future()
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
    except HostError as failure:
        raise LocalStackError(str(failure)) from failure


@asynccontextmanager
async def stack(options: Options) -> AsyncIterator[str]:
    """Serve for the time of the block; the value is the ready line."""
    port = options.port or free_ports(1)[0]
    need_free(port, "the HTTP interface")
    directory = from_environment(options.environment, options.graph_url) if options.real else None
    if directory is not None and directory.warning:
        print(f"cairn: {directory.warning}", file=sys.stderr)
    async with AsyncExitStack() as parts:
        issuer = open_or_make_issuer(options.data.issuer)
        parts.enter_context(serving(issuer))
        storage = azurite_process.start(options.data.azurite)
        parts.callback(azurite_process.stop, storage)
        tenant = None
        if directory is None:
            tenant = await parts.enter_async_context(simulating(options.data.simulator, options.size))
            directory = simulated(tenant)
        parts.push_async_callback(deployment.close)  # Azure ends the process; here connections are given back
        settings = app_settings(options.data, storage, issuer, directory, options.environment)
        host = await parts.enter_async_context(LocalHost(ROOT, port, settings=settings, drain_seconds=DRAIN_SECONDS))
        await _register(host.url, issuer, directory)
        yield _ready_line(host.url, directory, tenant)


def app_settings(
    data: DataFolder, storage: Azurite, issuer: Issuer, directory: Directory, environment: Mapping[str, str]
) -> dict[str, str]:
    """The app settings of the function app, as Bicep writes them in Azure."""
    others = {name: value for name, value in environment.items() if name.startswith("CAIRN_") and name not in OWNED}
    return {
        **DEFAULTS,
        **others,
        **directory.settings,
        "CAIRN_VAULT_CONNECTION_STRING": storage.connection_string,
        "CAIRN_RECORDS_CONNECTION_STRING": storage.connection_string,
        "CAIRN_KEY_URL": str(data.wrapping_key),
        "CAIRN_AUTH_ISSUER": issuer.name,
        "CAIRN_AUTH_AUDIENCE": AUDIENCE,
        "CAIRN_HOME_TENANTS": issuer.home_tenant,
    }


async def _register(url: str, issuer: Issuer, directory: Directory) -> None:
    """Register the directory's tenant unless it is registered already (409); anything else is a failed
    start.
    """
    async with httpx.AsyncClient(base_url=url, timeout=REGISTER_SECONDS, trust_env=False) as client:
        answer = await client.post(
            "/api/v1/tenants",
            headers={"Authorization": f"Bearer {issuer.mint('Administrator')}"},
            json={"tenantId": directory.tenant_id, "displayName": directory.display_name},
        )
    if answer.status_code not in {201, 409}:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            raise LocalStackError(f"the tenant could not be registered: {answer.json()['detail']}")
        raise LocalStackError(f"the tenant could not be registered: HTTP status {answer.status_code}")


def _ready_line(url: str, directory: Directory, tenant: SimulatedTenant | None) -> str:
    line = f"ready {url} tenant={directory.tenant_id}"
    if tenant is None:
        return line
    return f"{line} graph={tenant.url} client={tenant.client_id} secret={tenant.client_secret}"


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Hide these environment variables for the time of the block."""
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Cairn's log into the data folder, its warnings to standard error as well."""
    log = RotatingFileHandler(path, maxBytes=10 * 2**20, backupCount=2, encoding="utf-8")
    log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter("cairn: %(message)s"))
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    for handler in (log, shown):
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in (log, shown):
            root.removeHandler(handler)
            handler.close()
        root.setLevel(before)
