"""Sessions with Microsoft Graph that may change a tenant: the app identity of the `restore` consent.

Without one of its own the reading app is taken, as `CAIRN_RESTORE_CLIENT_ID` says of its default.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from shared.backup.sessions import GraphSessions
from shared.entra.transport import Graph
from shared.settings import Settings


def writing_settings(settings: Settings) -> Settings:
    """The settings with the restoring app in the reading one's place."""
    if not settings.restore_client_id:
        return settings
    return replace(
        settings, client_id=settings.restore_client_id, client_secret=settings.restore_client_secret,
        client_certificate_path=settings.restore_client_certificate_path,
    )


class WritingSessions:
    """Opens sessions for changing tenants."""

    def __init__(self) -> None:
        self._sessions = GraphSessions()

    @asynccontextmanager
    async def writing(self, settings: Settings, tenant_id: str, *, share: float = 1.0) -> AsyncIterator[Graph]:
        """A session of the restoring app, with `share` (0..1) of the tenant's budget."""
        async with self._sessions.reading(writing_settings(settings), tenant_id, share=share) as graph:
            yield graph


sessions = WritingSessions()
"""The sessions of this process."""
