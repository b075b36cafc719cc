"""The chain of restore points: numbers without gaps, each manifest naming the hash of the one before.

An expired manifest leaves a tombstone with its hash, so that every number from 1 to the newest has one or the
other.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Corrupt, Missing
from shared.repository.manifest import Manifest, Previous, parse_versioned, rfc3339
from shared.repository.names import (
    backup_id,
    manifest_name,
    manifests_prefix,
    sequence_of,
    tombstone_name,
    tombstones_prefix,
)
from shared.repository.records import canonical
from shared.repository.store import BlobStore

TOMBSTONE_FORMAT = "cairn-tombstone"
TOMBSTONE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of an expired restore point; `sha256` is of its manifest."""

    sequence: int
    sha256: str
    expires: datetime
    expired: datetime
    previous: Previous | None

    def as_bytes(self) -> bytes:
        """The tombstone's file."""
        return canonical(
            {
                "format": TOMBSTONE_FORMAT,
                "formatVersion": TOMBSTONE_VERSION,
                "backupId": backup_id(self.sequence),
                "sequence": self.sequence,
                "sha256": self.sha256,
                "expires": rfc3339(self.expires),
                "expired": rfc3339(self.expired),
            }
            | ({"previous": self.previous.as_json()} if self.previous else {})
        )

    @staticmethod
    def from_bytes(content: bytes, name: str) -> "Tombstone":
        """The tombstone in a file; UnknownFormat or Corrupt, naming `name`."""
        value = parse_versioned(content, name, TOMBSTONE_FORMAT, TOMBSTONE_VERSION)
        try:
            return Tombstone(
                value["sequence"],
                value["sha256"],
                datetime.fromisoformat(value["expires"]),
                datetime.fromisoformat(value["expired"]),
                Previous.from_json(value.get("previous")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Corrupt(f"{name} is not a tombstone: {type(error).__name__}") from error


async def manifest_numbers(store: BlobStore, tenant_id: str) -> list[int]:
    """The numbers of the restore points that are there, oldest first."""
    return await _numbers(store, manifests_prefix(tenant_id))


async def tombstone_numbers(store: BlobStore, tenant_id: str) -> list[int]:
    """The numbers of the expired restore points, oldest first."""
    return await _numbers(store, tombstones_prefix(tenant_id))


async def newest_number(store: BlobStore, tenant_id: str) -> int:
    """The highest number ever taken, or 0."""
    taken = await manifest_numbers(store, tenant_id) + await tombstone_numbers(store, tenant_id)
    return max(taken, default=0)


async def read_manifest(store: BlobStore, tenant_id: str, number: int) -> Manifest:
    """One restore point's manifest; Missing if there is none of that number; Corrupt if it is another's."""
    name = manifest_name(tenant_id, backup_id(number))
    manifest = Manifest.from_bytes(await store.get(name), name)
    if manifest.sequence != number or manifest.tenant_id.lower() != tenant_id.lower():
        raise Corrupt(f"{name} is the manifest of another restore point")
    return manifest


async def read_tombstone(store: BlobStore, tenant_id: str, number: int) -> Tombstone:
    """One expired restore point's tombstone; Missing if there is none of that number."""
    name = tombstone_name(tenant_id, backup_id(number))
    tombstone = Tombstone.from_bytes(await store.get(name), name)
    if tombstone.sequence != number:
        raise Corrupt(f"{name} is the tombstone of another restore point")
    return tombstone


async def list_manifests(store: BlobStore, tenant_id: str, *, before: int | None = None) -> AsyncIterator[Manifest]:
    """Restore points, newest first, each read as it is asked for; `before` goes on below that number.

    One that expires meanwhile is passed over.
    """
    for number in reversed(await manifest_numbers(store, tenant_id)):
        if before is not None and number >= before:
            continue
        try:
            yield await read_manifest(store, tenant_id, number)
        except Missing:
            continue


async def link_to(store: BlobStore, tenant_id: str, number: int) -> Previous | None:
    """What the manifest after `number` must say of the one before it; None before the first."""
    if number == 0:
        return None
    name = manifest_name(tenant_id, backup_id(number))
    try:
        return Previous(backup_id(number), hashlib.sha256(await store.get(name)).hexdigest())
    except Missing:
        return Previous(backup_id(number), (await read_tombstone(store, tenant_id, number)).sha256)


async def _numbers(store: BlobStore, prefix: str) -> list[int]:
    found = [sequence_of(entry.name) async for entry in store.list(prefix)]
    return sorted(number for number in found if number is not None)
