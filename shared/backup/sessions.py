"""Sessions with Microsoft Graph for the activities of this process: each its own connections and counts, all of one
tenant under one governor.

The orchestrator gives each activity a share of the tenant's budget; shares that meet here add up in `GOVERNORS`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.entra.clouds import endpoints
from shared.entra.credentials import (
    ClientCertificate,
    ClientSecret,
    Credential,
    FederatedIdentity,
    TokenSource,
    token_source,
)
from shared.entra.governors import GOVERNORS
from shared.entra.transport import Graph
from shared.errors import SettingsError
from shared.settings import Settings


class _Lent:
    """A token source that outlives the session which uses it."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def token(self, *, fresh: bool = False, claims: str = "") -> str:
        """See TokenSource."""
        return await self._tokens.token(fresh=fresh, claims=claims)

    async def aclose(self) -> None:
        """Nothing: the source is closed with the process."""


class GraphSessions:
    """Opens sessions: for reading with the app identity of the `basic` consent, for changing with that of `restore`."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str, str], TokenSource] = {}

    @asynccontextmanager
    async def reading(
        self, settings: Settings, tenant_id: str, *, share: float = 1.0, scheduled: bool = False
    ) -> AsyncIterator[Graph]:
        """A session that reads the tenant with `share` (0..1) of its budget while it is open."""
        async with self._open(settings, tenant_id, reading_credential(settings), share, scheduled) as graph:
            yield graph

    @asynccontextmanager
    async def restoring(self, settings: Settings, tenant_id: str, *, share: float = 1.0) -> AsyncIterator[Graph]:
        """A session of the app identity that may change the tenant (consent `restore`)."""
        async with self._open(settings, tenant_id, restoring_credential(settings), share, False) as graph:
            yield graph

    @asynccontextmanager
    async def _open(
        self, settings: Settings, tenant_id: str, credential: Credential, share: float, scheduled: bool
    ) -> AsyncIterator[Graph]:
        roots = endpoints(settings.cloud, graph_url=settings.graph_url, login_url=settings.login_url)
        key = (roots.login, tenant_id, credential.client_id)
        if key not in self._tokens:
            self._tokens[key] = token_source(roots, tenant_id, credential)
        with GOVERNORS.joined(roots.graph, tenant_id, credential.client_id, share=share) as governor:
            async with Graph(roots, _Lent(self._tokens[key]), governor=governor, scheduled=scheduled) as graph:
                yield graph
            if graph.done:
                GOVERNORS.lend(governor, share)


def reading_credential(settings: Settings) -> Credential:
    """How Cairn's reading app proves itself; SettingsError where nothing says how."""
    if not settings.client_id:
        raise SettingsError("CAIRN_CLIENT_ID", "the application (client) id of the app that reads tenants", "nothing")
    if settings.client_secret:
        return ClientSecret(settings.client_id, settings.client_secret)
    if settings.client_certificate_path:
        return ClientCertificate(settings.client_id, _certificate(settings.client_certificate_path))
    if settings.managed_identity_client_id:
        return FederatedIdentity(settings.client_id, settings.managed_identity_client_id)
    raise SettingsError(
        "CAIRN_CLIENT_SECRET",
        "a secret or CAIRN_CLIENT_CERTIFICATE_PATH (local), or CAIRN_MANAGED_IDENTITY_CLIENT_ID (Azure)",
        "none of them",
    )


def restoring_credential(settings: Settings) -> Credential:
    """How Cairn's restoring app proves itself; the reading one where no other is set."""
    if not settings.restore_client_id or settings.restore_client_id == settings.client_id:
        return reading_credential(settings)
    if settings.restore_client_secret:
        return ClientSecret(settings.restore_client_id, settings.restore_client_secret)
    if settings.restore_client_certificate_path:
        certificate = _certificate(settings.restore_client_certificate_path, "CAIRN_RESTORE_CLIENT_CERTIFICATE_PATH")
        return ClientCertificate(settings.restore_client_id, certificate)
    if settings.managed_identity_client_id:
        return FederatedIdentity(settings.restore_client_id, settings.managed_identity_client_id)
    raise SettingsError(
        "CAIRN_RESTORE_CLIENT_SECRET",
        "a secret or CAIRN_RESTORE_CLIENT_CERTIFICATE_PATH (local), or CAIRN_MANAGED_IDENTITY_CLIENT_ID (Azure)",
        "none of them",
    )


def _certificate(path: str, setting: str = "CAIRN_CLIENT_CERTIFICATE_PATH") -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            setting, "a PEM file that can be read", f"{path!r} ({type(error).__name__})"
        ) from None


sessions = GraphSessions()
"""The sessions of this process."""
