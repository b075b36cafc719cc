"""The write-once law of a vault, kept over a container whose service cannot keep it (Azurite, memory).

Retention is kept as metadata of each blob. What Azure's version-level immutability refuses, this refuses:
overwriting, deleting before retention ends, shortening. It binds those who come through it and nobody else,
so it is no protection of real backups.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol

from shared.errors import Immutable, Missing
from shared.repository.memory_store import clock
from shared.repository.store import RETAIN_UNTIL, BlobEntry, BlobProperties, retention_in


class PlainStore(Protocol):
    """What LawfulStore needs of the container beneath it."""

    async def put_new(
        self,
        name: str,
        content: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a blob that must not exist yet, with metadata."""

    async def get(self, name: str) -> bytes:
        """The whole blob."""

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """A part of the blob."""

    def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """Blobs by name."""

    async def delete(self, name: str) -> None:
        """Delete a blob."""

    async def properties(self, name: str) -> BlobProperties | None:
        """Size and time, or None."""

    async def metadata(self, name: str) -> Mapping[str, str]:
        """The blob's metadata, or Missing."""

    async def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Replace the blob's metadata, or Missing."""

    async def close(self) -> None:
        """Give back connections."""


class LawfulStore:
    """A vault over a plain container."""

    def __init__(self, inner: PlainStore, *, now: Callable[[], datetime] = clock) -> None:
        self._inner = inner
        self._now = now

    async def put_new(self, name: str, content: bytes | BinaryIO, *, retain_until: datetime | None = None) -> None:
        """See BlobStore."""
        metadata = {RETAIN_UNTIL: retain_until.isoformat()} if retain_until else {}
        await self._inner.put_new(name, content, metadata=metadata)

    async def put(self, name: str, content: bytes) -> None:  # noqa: ARG002 - a vault takes no overwriting put at all
        """Always Immutable: a vault is written with put_new."""
        raise Immutable(f"{name}: the vault is write-once", remedy="Write it under a new name.")

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        return await self._inner.get(name)

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """See BlobStore."""
        return await self._inner.get_range(name, offset, length)

    def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """See BlobStore."""
        return self._inner.list(prefix)

    async def delete(self, name: str) -> None:
        """See BlobStore."""
        try:
            retain_until = await self._retain_until(name)
        except Missing:
            return
        if retain_until and retain_until > self._now():
            raise Immutable(f"{name} is retained until {retain_until.isoformat()}")
        await self._inner.delete(name)

    async def extend_retention(self, name: str, until: datetime) -> None:
        """See BlobStore."""
        before = await self._retain_until(name)
        if before and until < before:
            raise Immutable(f"{name} is retained until {before.isoformat()}, which cannot be shortened")
        if before != until:
            await self._inner.set_metadata(name, {RETAIN_UNTIL: until.isoformat()})

    async def properties(self, name: str) -> BlobProperties | None:
        """See BlobStore."""
        found = await self._inner.properties(name)
        if found is None:
            return None
        try:
            told = found.metadata
            until = await self._retain_until(name) if told is None else retention_in(told)
            return BlobProperties(found.size, found.modified, until)
        except Missing:
            return None

    async def close(self) -> None:
        """See BlobStore."""
        await self._inner.close()

    async def _retain_until(self, name: str) -> datetime | None:
        return retention_in(await self._inner.metadata(name))
