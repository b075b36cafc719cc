"""Where blobs lie: the few operations that the repository needs of a container, and what they promise.

Invariants of every store: `put_new` writes once and whole (a reader sees all of a blob or none of it); names
sort by their bytes in `list`; failures are RepositoryErrors and nothing else. A vault also keeps the write-
once law: no overwrite, no delete before retention ends, no shortening of retention.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

# Where LawfulStore keeps retention, and listings find it.
RETAIN_UNTIL = "retainuntil"

# Requests in flight on one store: enough to hide 20 ms of latency, few enough to stay in the SDK's connection
# pool.
PARALLEL_REQUESTS = 16

# A blob that is read whole comes in parts of this size, so that memory stays flat.
PART_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BlobProperties:
    """What is known about a blob without reading it; `retain_until` is None where it may be deleted."""

    size: int
    modified: datetime
    retain_until: datetime | None
    metadata: Mapping[str, str] | None = field(default=None, compare=False, repr=False)
    """What stands beside the blob, where the store tells it in the same answer."""


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One line of a listing; `retain_until` as in BlobProperties."""

    name: str
    size: int
    modified: datetime
    retain_until: datetime | None = None


def retention_in(metadata: Mapping[str, str] | None) -> datetime | None:
    """Until when a blob with this metadata is retained by LawfulStore."""
    text = (metadata or {}).get(RETAIN_UNTIL)
    return datetime.fromisoformat(text) if text else None


class BlobStore(Protocol):
    """A container of blobs."""

    async def put_new(self, name: str, content: bytes | BinaryIO, *, retain_until: datetime | None = None) -> None:
        """Write a blob that must not exist yet, or raise AlreadyWritten; a file is read from its
        beginning."""

    async def put(self, name: str, content: bytes) -> None:
        """Write or overwrite a blob; a vault raises Immutable."""

    async def get(self, name: str) -> bytes:
        """The whole blob, or Missing."""

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only where the blob ends; Missing if there is no such blob."""

    def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """Every blob whose name begins with `prefix`, by name."""

    async def delete(self, name: str) -> None:
        """Delete a blob; one that is not there is success, one that is still retained raises Immutable."""

    async def extend_retention(self, name: str, until: datetime) -> None:
        """Keep the blob until then at least; never shortens (Immutable if asked to); Missing if there is
        none."""

    async def properties(self, name: str) -> BlobProperties | None:
        """What is known about the blob, or None if there is none."""

    async def close(self) -> None:
        """Give back connections; safe to repeat."""


async def parts(store: BlobStore, name: str, size: int) -> AsyncIterator[bytes]:
    """The blob's content in parts, up to one byte more than `size`, so that one grown too long shows; Missing."""
    offset = 0
    while offset <= size:
        part = await store.get_range(name, offset, min(PART_BYTES, size + 1 - offset))
        if not part:
            return
        yield part
        offset += len(part)


async def at_once[T](calls: Iterable[Awaitable[T]], limit: int = PARALLEL_REQUESTS) -> list[T]:
    """The results of all calls in their order, at most `limit` under way at a time; the first failure cancels
    the rest."""
    places = asyncio.Semaphore(limit)
    awaitables = list(calls)

    async def one(call: Awaitable[T]) -> T:
        async with places:
            return await call

    tasks = [asyncio.ensure_future(one(call)) for call in awaitables]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for call in awaitables:
            if asyncio.iscoroutine(call):
                call.close()  # one that never began would else be warned of
