"""One opened deployment: its settings, its records, its vault and its workspace.

Opened once a process. Storage clients are imported and made only here, so that importing the application stays quick
and everything else can be given what it works on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.alerts.outbox import Outbox
from shared.alerts.rules import alerting
from shared.audit.trail import AuditTrail
from shared.differences.reports import Reports
from shared.notifications.channels import NotificationSettings
from shared.notifications.delivery import Senders
from shared.notifications.outbox import NotificationOutbox
from shared.notifications.senders import senders_of
from shared.rebuild.journal import kept
from shared.records.events import Events, Hearer
from shared.records.idempotency import IdempotencyKeys
from shared.records.identity_map import IdentityMap
from shared.records.memory_table import MemoryTable
from shared.records.restore_points import RestorePoints
from shared.records.restores import Restores
from shared.records.run_locks import RunLocks
from shared.records.table import Table
from shared.records.tasks import Tasks
from shared.records.times import Clock, utc_now
from shared.repository.store import BlobStore
from shared.security.assignments import Assignments
from shared.security.custom_roles import CustomRoles
from shared.settings import Settings, need, read_settings
from shared.tenants.consents import Consents
from shared.tenants.registry import Tenants

if TYPE_CHECKING:
    from shared.alerts.event_grid import Publisher
    from shared.repository.tokens import TokenCipher

TABLES = (
    "cairnTasks", "cairnEvents", "cairnRestorePoints", "cairnRunLocks", "cairnIdempotencyKeys", "cairnTenants",
    "cairnAlerts", "cairnAccess", "cairnAudit", "cairnConsents", "cairnNotifications", "cairnRestores",
    "cairnIdentityMap",
    "cairnReports",
)
VAULT_CONTAINER = "vault"
WORKSPACE_CONTAINER = "workspace"

PATIENCE: dict[str, Any] = {"retry_total": 4, "retry_backoff_factor": 0.5, "connection_timeout": 5, "read_timeout": 30}
"""Of each call to Table Storage, so that a caller hears within half a minute that it is gone."""


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that is kept in tables."""

    tasks: Tasks
    events: Events
    restore_points: RestorePoints
    run_locks: RunLocks
    idempotency_keys: IdempotencyKeys
    tenants: Tenants
    outbox: Outbox
    roles: CustomRoles
    assignments: Assignments
    audit: AuditTrail
    consents: Consents
    notifications: NotificationSettings
    notification_outbox: NotificationOutbox
    restores: Restores
    identity_map: IdentityMap
    reports: Reports
    clock: Clock = utc_now


@dataclass(frozen=True, slots=True)
class Deployment:
    """What activities and the HTTP interface work on."""

    settings: Settings
    records: Records
    vault: BlobStore
    workspace: BlobStore
    cipher: "TokenCipher"
    publisher: "Publisher | None" = None
    """Where alerts go; None where no Event Grid topic is set."""
    tables: Callable[[str], Table] | None = None
    """The bare tables by name, for rebuilding them from the vault; None where records are kept nowhere."""
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    senders: Senders = field(default_factory=dict)
    """How notifications go out, by kind of channel."""

    async def close(self) -> None:
        """Give back all connections; safe to repeat."""
        await self.vault.close()
        await self.workspace.close()
        await self.cipher.close()
        if self.publisher is not None:
            await self.publisher.close()
        await self._open.aclose()


def records_over(table: Callable[[str], Table], *, clock: Clock = utc_now, alerts_go_out: bool = True) -> Records:
    """The records over the tables of these names; alerts are queued only where there is somewhere to send them."""
    (
        tasks, events, restore_points, run_locks, keys, tenants, waiting, access, audit, consents, notifications,
        restores, identities, reports,
    ) = map(table, TABLES)
    outbox, told = Outbox(waiting, clock=clock), NotificationOutbox(notifications, clock=clock)
    hearers = [told.put, *([alerting(outbox)] if alerts_go_out else [])]
    return Records(
        tasks=Tasks(tasks, clock=clock),
        events=Events(events, clock=clock, heard=_by_all(hearers)),
        restore_points=RestorePoints(restore_points),
        run_locks=RunLocks(run_locks, clock=clock),
        idempotency_keys=IdempotencyKeys(keys, clock=clock),
        tenants=Tenants(tenants, clock=clock),
        outbox=outbox,
        roles=CustomRoles(access, clock=clock),
        assignments=Assignments(access, clock=clock),
        audit=AuditTrail(audit, clock=clock),
        consents=Consents(consents),
        notifications=NotificationSettings(notifications, clock=clock),
        notification_outbox=told,
        restores=Restores(restores, clock=clock),
        identity_map=IdentityMap(identities, clock=clock),
        reports=Reports(reports, clock=clock),
        clock=clock,
    )


def _by_all(hearers: Sequence[Hearer]) -> Hearer:
    async def hear(event: Mapping[str, Any]) -> None:
        for hearer in hearers:
            await hearer(event)

    return hear


def records_in_memory(*, clock: Clock = utc_now) -> Records:
    """Records that are kept nowhere, for tests."""
    return records_over(lambda _: MemoryTable(), clock=clock)


async def open_deployment(settings: Settings | None = None) -> Deployment:
    """Open what the settings name (default: the environment's); raises SettingsError or StoreUnavailable."""
    settings = settings or read_settings()
    need(settings, "records_url", "records_connection_string")
    need(settings, "vault_url", "vault_connection_string")
    need(settings, "key_url")
    stack = AsyncExitStack()
    try:
        credential = await _credential(settings, stack)
        vault, workspace = await _open_stores(settings, credential)
        tables = await _open_tables(settings, credential, stack)
        records = records_over(
            lambda name: kept(name, tables[name], vault), alerts_go_out=bool(settings.event_grid_endpoint)
        )
        cipher = _cipher(settings, credential)
        publisher = _publisher(settings, credential)
    except BaseException:
        await stack.aclose()
        raise
    senders = senders_of(settings, credential)
    return Deployment(settings, records, vault, workspace, cipher, publisher, tables.__getitem__, stack, senders)


class Shared:
    """Opens a deployment at the first request and gives everyone the same one; a failure is tried again."""

    def __init__(self, opening: Callable[[], Any] = open_deployment) -> None:
        self._opening = opening
        self._opened: Deployment | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Deployment:
        """The deployment of this process."""
        async with self._lock:
            if self._opened is None:
                self._opened = await self._opening()
            return self._opened

    async def close(self) -> None:
        """Give back what was opened, if anything was; the next request opens it again. Safe to repeat."""
        async with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                await opened.close()


deployment = Shared()
"""The deployment that the environment describes: `await deployment()`, in activities and in the HTTP interface."""


async def _credential(settings: Settings, stack: AsyncExitStack) -> Any:
    """Cairn's own identity for storage, or None where connection strings do."""
    vault_key = settings.key_url.startswith("https://")
    topic = settings.event_grid_endpoint and not settings.event_grid_key
    if not (settings.vault_url or settings.records_url or settings.workspace_url or vault_key or topic):
        return None
    from azure.identity.aio import DefaultAzureCredential

    return await stack.enter_async_context(
        DefaultAzureCredential(managed_identity_client_id=settings.managed_identity_client_id or None)
    )


async def _open_tables(settings: Settings, credential: Any, stack: AsyncExitStack) -> dict[str, Table]:
    from azure.data.tables.aio import TableServiceClient

    from shared.records.azure_table import AzureTable

    if settings.records_connection_string:
        service = TableServiceClient.from_connection_string(settings.records_connection_string, **PATIENCE)
    else:
        service = TableServiceClient(settings.records_url, credential=credential, **PATIENCE)
    await stack.enter_async_context(service)
    tables = {name: AzureTable(service.get_table_client(name)) for name in TABLES}
    await asyncio.gather(*(table.create() for table in tables.values()))
    return dict(tables)


async def _open_stores(settings: Settings, credential: Any) -> tuple[BlobStore, BlobStore]:
    """Vault and workspace. A connection string means local storage: without immutability, containers made here."""
    from shared.repository.azure_store import create_container, open_vault, open_workspace

    vault = settings.vault_url or settings.vault_connection_string
    workspace = settings.workspace_url or settings.workspace_connection_string or vault
    for location, container in ((vault, VAULT_CONTAINER), (workspace, WORKSPACE_CONTAINER)):
        if location in (settings.vault_connection_string, settings.workspace_connection_string):
            await create_container(location, container)
    return (
        open_vault(vault, VAULT_CONTAINER, immutability=bool(settings.vault_url), credential=credential),
        open_workspace(workspace, WORKSPACE_CONTAINER, credential=credential),
    )


def _cipher(settings: Settings, credential: Any) -> "TokenCipher":
    """Key Vault's key where there is one; locally a file."""
    from shared.repository.tokens import KeyVaultTokenCipher, LocalTokenCipher

    if settings.key_url.startswith("/"):
        return LocalTokenCipher(Path(settings.key_url))
    return KeyVaultTokenCipher(settings.key_url, credential)


def _publisher(settings: Settings, credential: Any) -> "Publisher | None":
    """The Event Grid topic, if one is set."""
    if not settings.event_grid_endpoint:
        return None
    from shared.alerts.event_grid import EventGridPublisher

    return EventGridPublisher(settings, credential)
