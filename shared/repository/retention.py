"""Keeping blobs: written once under their content's name, retained as long as something needs them.

A name says what its blob should hold, not what it holds: one that is there already is read again and hashed before
anything new relies on it. That costs the reading of what need not be written, and nothing where nothing is repeated.
"""

import asyncio
import hashlib
from datetime import datetime
from typing import BinaryIO

from shared.errors import AlreadyWritten, Corrupt, Immutable, Missing
from shared.repository.store import BlobStore, parts

TRIES = 3
"""A blob that is there and then gone was swept by expiry in between; that this happens twice is no accident."""


async def put_content_named(
    store: BlobStore, name: str, content: bytes | BinaryIO, *, sha256: str, size: int, retain_until: datetime
) -> bool:
    """Write a blob whose name is its content's hash; False if what lies there under that name is damaged.

    One that is there already, and whole, is kept that long at least. Safe to repeat.
    """
    for _ in range(TRIES):
        try:
            await store.put_new(name, content, retain_until=retain_until)
            return True
        except AlreadyWritten:
            pass
        try:
            if not await is_whole(store, name, sha256, size):
                return False
            await keep_until(store, name, size, retain_until)
            return True
        except Missing:
            continue
    raise Missing(f"{name} comes and goes")


async def is_whole(store: BlobStore, name: str, sha256: str, size: int) -> bool:
    """Whether a blob holds what it should, read in parts and hashed; Missing if it is not there."""
    found = await store.properties(name)
    if found is None:
        raise Missing(f"{name} is not there")
    if found.size != size:
        return False
    digest = hashlib.sha256()
    async for part in parts(store, name, size):
        await asyncio.to_thread(digest.update, part)
    return digest.hexdigest() == sha256


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
