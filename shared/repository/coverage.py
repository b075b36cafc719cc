"""Coverage lists: what a backup did not read or cannot restore, in the manifest while short, beside it when
long."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import zstandard

from shared.errors import Corrupt
from shared.repository.manifest import Coverage
from shared.repository.memory_store import clock
from shared.repository.names import coverage_name
from shared.repository.records import Json, canonical, parse
from shared.repository.retention import put_content_named
from shared.repository.segments import NAMES_TRIED, UNSEALED_RETENTION
from shared.repository.sidecar import SALT
from shared.repository.store import BlobStore

INLINE_ENTRIES = 100


async def store_coverage(
    store: BlobStore, tenant_id: str, entries: Sequence[Json], *, now: datetime | None = None
) -> Coverage:
    """The coverage to put in a manifest; a long list is written to the vault; safe to repeat."""
    if len(entries) <= INLINE_ENTRIES:
        return Coverage(len(entries), tuple(entries))
    text = b"".join(canonical(entry) + b"\n" for entry in entries)
    content = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(text)
    retain_until = (now or clock()) + UNSEALED_RETENTION
    for _ in range(NAMES_TRIED):
        sha256 = hashlib.sha256(content).hexdigest()
        name = coverage_name(tenant_id, sha256)
        if await put_content_named(
            store, name, content, sha256=sha256, size=len(content), retain_until=retain_until
        ):
            return Coverage(len(entries), sha256=sha256, size=len(content))
        content += SALT  # what lies there is damaged: the same list under another name
    raise Corrupt(f"{NAMES_TRIED} coverage lists of the same content are damaged")


async def read_coverage(store: BlobStore, tenant_id: str, coverage: Coverage) -> AsyncIterator[Json]:
    """Every entry of a type's coverage; Missing or Corrupt if its list is not as the manifest says."""
    if not coverage.sha256:
        for entry in coverage.entries:
            yield entry
        return
    name = coverage_name(tenant_id, coverage.sha256)
    content = await store.get(name)
    if hashlib.sha256(content).hexdigest() != coverage.sha256:
        raise Corrupt(f"{name} does not have the content that its name says")
    for line in zstandard.ZstdDecompressor().decompress(content).splitlines():
        yield parse(line)
