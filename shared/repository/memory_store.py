"""A container in memory, for tests and for tools that need no service.

Like Azure without immutability: wrapped in a LawfulStore it keeps a vault's law.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from shared.errors import AlreadyWritten, Missing
from shared.repository.store import BlobEntry, BlobProperties, retention_in


def clock() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Blob:
    content: bytes
    modified: datetime
    metadata: dict[str, str] = field(default_factory=dict)


class MemoryBlobStore:
    """Blobs in a dictionary; `now` can be turned in tests."""

    def __init__(self, *, now: Callable[[], datetime] = clock) -> None:
        self._now = now
        self.blobs: dict[str, _Blob] = {}

    async def put_new(
        self,
        name: str,
        content: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,  # noqa: ARG002 - no immutability here; LawfulStore keeps it as metadata
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """See BlobStore; `metadata` is for LawfulStore."""
        if name in self.blobs:
            raise AlreadyWritten(f"{name} exists already")
        self.blobs[name] = _Blob(_read(content), self._now(), dict(metadata or {}))

    async def put(self, name: str, content: bytes) -> None:
        """See BlobStore."""
        self.blobs[name] = _Blob(bytes(content), self._now())

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        return self._blob(name).content

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """See BlobStore."""
        return self._blob(name).content[offset : offset + length]

    async def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """See BlobStore."""
        for name in sorted(self.blobs):
            if name.startswith(prefix) and name in self.blobs:
                blob = self.blobs[name]
                yield BlobEntry(name, len(blob.content), blob.modified, retention_in(blob.metadata))

    async def delete(self, name: str) -> None:
        """See BlobStore."""
        self.blobs.pop(name, None)

    async def extend_retention(self, name: str, until: datetime) -> None:  # noqa: ARG002 - as in put_new
        """See BlobStore; nothing is retained without LawfulStore."""
        self._blob(name)

    async def properties(self, name: str) -> BlobProperties | None:
        """See BlobStore."""
        blob = self.blobs.get(name)
        return BlobProperties(len(blob.content), blob.modified, None) if blob else None

    async def metadata(self, name: str) -> Mapping[str, str]:
        """The blob's metadata, or Missing."""
        return dict(self._blob(name).metadata)

    async def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Replace the blob's metadata, or Missing."""
        self._blob(name).metadata = dict(metadata)

    async def link(self, name: str, *, file_name: str, valid: timedelta) -> str:  # noqa: ARG002
        """An address that leads nowhere, for tests; Missing if there is no such blob."""
        await self.get(name)
        return f"memory://{name}"

    async def close(self) -> None:
        """See BlobStore."""

    def _blob(self, name: str) -> _Blob:
        if name not in self.blobs:
            raise Missing(f"{name} is not there")
        return self.blobs[name]


def _read(content: bytes | BinaryIO) -> bytes:
    if isinstance(content, bytes):
        return content
    content.seek(0)
    return content.read()
