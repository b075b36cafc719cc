"""Keeping blobs: written once under their content's name, retained as long as something needs them."""

from datetime import datetime
from typing import BinaryIO

from shared.errors import AlreadyWritten, Corrupt, Immutable, Missing
from shared.repository.store import BlobStore


async def put_content_named(
    store: BlobStore, name: str, content: bytes | BinaryIO, size: int, retain_until: datetime
) -> None:
    """Write a blob whose name is its content's hash; one that is there already is kept that long at least."""
    try:
        await store.put_new(name, content, retain_until=retain_until)
    except AlreadyWritten:
        await keep_until(store, name, size, retain_until)


async def put_same(store: BlobStore, name: str, content: bytes, *, retain_until: datetime | None = None) -> None:
    """Write a blob of a given name; safe to repeat with the same content, AlreadyWritten with another."""
    try:
        await store.put_new(name, content, retain_until=retain_until)
    except AlreadyWritten:
        if await store.get(name) != content:
            raise
        if retain_until is not None:
            await keep_until(store, name, len(content), retain_until)


async def keep_until(store: BlobStore, name: str, size: int, until: datetime) -> None:
    """Retain a blob of this size until then at least; Missing or Corrupt if it is not there as it should
    be."""
    found = await store.properties(name)
    if found is None:
        raise Missing(f"{name} is not there")
    if found.size != size:
        raise Corrupt(f"{name} has {found.size} bytes instead of {size}")
    if found.retain_until is not None and found.retain_until >= until:
        return
    try:
        await store.extend_retention(name, until)
    except Immutable:
        # Another sealer may have extended it further in between, which is as good.
        again = await store.properties(name)
        if again is None or again.retain_until is None or again.retain_until < until:
            raise
