"""A store that reads the vault and writes beside it, so that what makes a backup can read the live tenant too.

Invariants: nothing is ever written to the vault; what was written here is found before what is there, under the same
name; everything written lies below one prefix of the workspace, and goes with it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import BinaryIO

from shared.errors import Missing
from shared.repository.store import BlobEntry, BlobProperties, BlobStore


class OverlayStore:
    """The vault, with a layer of one's own over it."""

    def __init__(self, vault: BlobStore, workspace: BlobStore, prefix: str) -> None:
        self._vault, self._workspace, self._prefix = vault, workspace, prefix
        self._own: set[str] | None = None

    async def put_new(self, name: str, content: bytes | BinaryIO, *, retain_until: datetime | None = None) -> None:  # noqa: ARG002 - nothing is retained here
        """See BlobStore; what the vault holds under that name may be hidden."""
        own = await self._names()
        await self._workspace.put_new(self._prefix + name, content)
        own.add(name)

    async def put(self, name: str, content: bytes) -> None:
        """See BlobStore."""
        own = await self._names()
        await self._workspace.put(self._prefix + name, content)
        own.add(name)

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        return await (await self._holder(name)).get(await self._at(name))

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """See BlobStore."""
        return await (await self._holder(name)).get_range(await self._at(name), offset, length)

    async def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """See BlobStore: both layers, each name once."""
        entries: dict[str, BlobEntry] = {}
        async for entry in self._vault.list(prefix):
            entries[entry.name] = entry
        async for entry in self._workspace.list(self._prefix + prefix):
            name = entry.name.removeprefix(self._prefix)
            entries[name] = BlobEntry(name, entry.size, entry.modified)
        for name in sorted(entries):
            yield entries[name]

    async def delete(self, name: str) -> None:
        """Remove what was written here; what the vault holds stays."""
        (await self._names()).discard(name)
        await self._workspace.delete(self._prefix + name)

    async def extend_retention(self, name: str, until: datetime) -> None:  # noqa: ARG002 - the vault's own law stands
        """Nothing, but Missing where there is no such blob."""
        if await self.properties(name) is None:
            raise Missing(f"{name} is not there")

    async def properties(self, name: str) -> BlobProperties | None:
        """See BlobStore; nothing here is retained."""
        found = await (await self._holder(name)).properties(await self._at(name))
        return found and BlobProperties(found.size, found.modified, None)

    async def close(self) -> None:
        """Nothing: both stores belong to the deployment."""

    async def _names(self) -> set[str]:
        if self._own is None:
            start = len(self._prefix)
            self._own = {entry.name[start:] async for entry in self._workspace.list(self._prefix)}
        return self._own

    async def _holder(self, name: str) -> BlobStore:
        return self._workspace if name in await self._names() else self._vault

    async def _at(self, name: str) -> str:
        return self._prefix + name if name in await self._names() else name
