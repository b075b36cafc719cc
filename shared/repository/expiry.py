"""Expiry: restore points past their time go, and then what nothing needs any more.

Order: a tombstone, then the manifest, then segments. A blob is deleted only when no manifest names it, it is
older than any running backup, and its retention has ended; so a living restore point is never broken, and a
crash anywhere is made good by the next run. Safe to repeat.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import AlreadyWritten, Corrupt, Immutable, Missing, UnknownFormat
from shared.repository.chain import Tombstone, manifest_numbers, read_manifest
from shared.repository.manifest import Manifest
from shared.repository.names import (
    backup_id,
    manifest_name,
    manifests_prefix,
    sequence_of,
    tenant_prefix,
    tombstone_name,
)
from shared.repository.sealing import named_blobs
from shared.repository.store import BlobEntry, BlobStore, at_once

# A run that takes longer than this has crashed: what it wrote and no manifest names is garbage.
GARBAGE_AGE = timedelta(days=1)
_SWEPT_FOLDERS = ("segments/", "coverage/")


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What expiry did: ids of the restore points gone, blobs and bytes deleted, blobs kept by retention only.

    `unreadable` are manifests that could not be read: while there are any, no segment is deleted.
    """

    expired: tuple[str, ...]
    deleted: int
    freed_bytes: int
    retained: int
    unreadable: tuple[str, ...]


async def expire(
    store: BlobStore,
    tenant_id: str,
    now: datetime,
    *,
    in_use: Collection[str] = (),
    garbage_age: timedelta = GARBAGE_AGE,
) -> ExpiryReport:
    """Delete what has expired; `in_use` names blobs that running backups hold, if any run that long."""
    expired: list[str] = []
    for number in await _ended(store, tenant_id, now):
        manifest = await _readable(store, tenant_id, number)
        if manifest is not None and manifest.expires <= now and await _retire(store, manifest, now):
            expired.append(manifest.backup_id)
    # Listed before the manifests are read again: a blob written later is not in it, and so not in danger.
    candidates = [
        entry
        for folder in _SWEPT_FOLDERS
        async for entry in store.list(tenant_prefix(tenant_id) + folder)
        if entry.modified <= now - garbage_age
    ]
    retained = sum(_is_retained(entry, now) for entry in candidates)
    candidates = [entry for entry in candidates if not _is_retained(entry, now)]
    if not candidates:  # nearly always: what manifests name is retained, and then none of them need be read
        return ExpiryReport(tuple(expired), 0, 0, retained, ())
    needed, unreadable = await _needed(store, tenant_id)
    if unreadable:
        return ExpiryReport(tuple(expired), 0, 0, retained, tuple(unreadable))
    garbage = [entry for entry in candidates if entry.name not in needed and entry.name not in set(in_use)]
    freed = await at_once(_delete(store, entry) for entry in garbage)
    deleted = [size for size in freed if size is not None]
    return ExpiryReport(tuple(expired), len(deleted), sum(deleted), retained + len(freed) - len(deleted), ())


async def _retire(store: BlobStore, manifest: Manifest, now: datetime) -> bool:
    """Replace a manifest by its tombstone; False if its retention has not ended after all."""
    name = manifest_name(manifest.tenant_id, manifest.backup_id)
    tombstone = Tombstone(manifest.sequence, manifest.sha256, manifest.expires, now, manifest.previous)
    grave = tombstone_name(manifest.tenant_id, manifest.backup_id)
    try:
        await store.put_new(grave, tombstone.as_bytes())
    except AlreadyWritten:
        written = Tombstone.from_bytes(await store.get(grave), grave)
        if written.sha256 != manifest.sha256:
            raise Corrupt(f"{grave} is the tombstone of another manifest") from None
    try:
        await store.delete(name)
    except Immutable:
        return False
    return True


async def _ended(store: BlobStore, tenant_id: str, now: datetime) -> list[int]:
    """The numbers of the manifests whose own retention has ended, oldest first."""
    entries = [entry async for entry in store.list(manifests_prefix(tenant_id))]
    numbers = [sequence_of(entry.name) for entry in entries if not _is_retained(entry, now)]
    return sorted(number for number in numbers if number is not None)


def _is_retained(entry: BlobEntry, now: datetime) -> bool:
    return entry.retain_until is not None and entry.retain_until > now


async def _needed(store: BlobStore, tenant_id: str) -> tuple[set[str], list[str]]:
    """The blobs that manifests name, and the ids of manifests that could not be read."""
    needed: set[str] = set()
    unreadable: list[str] = []

    async def read(number: int) -> None:
        try:
            needed.update(named_blobs(await read_manifest(store, tenant_id, number)))
        except Missing:
            return  # expired by another run meanwhile
        except (Corrupt, UnknownFormat):
            unreadable.append(backup_id(number))

    await at_once(read(number) for number in await manifest_numbers(store, tenant_id))
    return needed, sorted(unreadable)


async def _readable(store: BlobStore, tenant_id: str, number: int) -> Manifest | None:
    try:
        return await read_manifest(store, tenant_id, number)
    except (Missing, Corrupt, UnknownFormat):
        return None


async def _delete(store: BlobStore, entry: BlobEntry) -> int | None:
    """The bytes freed, or None if the blob is still retained."""
    try:
        await store.delete(entry.name)
    except Immutable:
        return None
    return entry.size
