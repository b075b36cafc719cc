"""Sealing: a draft manifest becomes a restore point, or nothing does.

Order: every segment is there and retained, then the manifest appears under the next free number in one write.
A crash before that write leaves no restore point; a retry after it finds the run's own manifest.
"""

from dataclasses import replace
from datetime import timedelta

from shared.errors import AlreadyWritten, Corrupt, Missing
from shared.repository.chain import link_to, manifest_numbers, newest_number, read_manifest
from shared.repository.format import initialise
from shared.repository.manifest import Manifest
from shared.repository.names import backup_id, coverage_name, manifest_name, segment_name, sidecar_name
from shared.repository.retention import keep_until
from shared.repository.store import BlobStore, at_once

# Sealers that lose a number take the next; more losses in a row than this means that something else is wrong.
ATTEMPTS = 50
# A run's own manifest is never older than its start; the hour allows for clocks that differ.
CLOCK_SKEW = timedelta(hours=1)


async def seal(store: BlobStore, draft: Manifest) -> Manifest:
    """The sealed manifest, with its number, id and hash; safe to repeat for one run (`draft.run_id`).

    Missing if a segment that it names is not in the vault; then nothing was sealed.
    """
    await initialise(store)
    # Before looking for the run's own manifest: one that a twin seals after that search is met at this number
    # or a later one.
    number = await newest_number(store, draft.tenant_id) + 1
    own = await find_sealed(store, draft)
    if own is not None:
        return own
    await at_once(keep_until(store, name, size, draft.expires) for name, size in named_blobs(draft).items())
    for _ in range(ATTEMPTS):
        manifest = replace(
            draft,
            sequence=number,
            backup_id=backup_id(number),
            previous=await link_to(store, draft.tenant_id, number - 1),
        )
        name = manifest_name(draft.tenant_id, manifest.backup_id)
        try:
            content = manifest.as_bytes()
            await store.put_new(name, content, retain_until=draft.expires)
            return Manifest.from_bytes(content, name)
        except AlreadyWritten:
            winner = await _winner(store, draft.tenant_id, number)
            if winner is not None and winner.run_id == draft.run_id:
                return winner
            number += 1
    raise AlreadyWritten(f"{ATTEMPTS} restore points of other runs were sealed while this one tried")


async def find_sealed(store: BlobStore, draft: Manifest) -> Manifest | None:
    """The manifest that this run sealed already, or None; one that cannot be read is passed over."""
    for number in reversed(await manifest_numbers(store, draft.tenant_id)):
        try:
            manifest = await read_manifest(store, draft.tenant_id, number)
        except (Missing, Corrupt):
            continue
        if manifest.run_id == draft.run_id:
            return manifest
        if manifest.finished < draft.started - CLOCK_SKEW:
            return None
    return None


def named_blobs(manifest: Manifest) -> dict[str, int]:
    """The blobs that a manifest needs, with their sizes."""
    names: dict[str, int] = {}
    for segment in manifest.segments():
        names[segment_name(manifest.tenant_id, segment.sha256)] = segment.size
        names[sidecar_name(manifest.tenant_id, segment.sidecar_sha256)] = segment.sidecar_size
    for entry in manifest.types.values():
        if entry.coverage.sha256:
            names[coverage_name(manifest.tenant_id, entry.coverage.sha256)] = entry.coverage.size
    return names


async def _winner(store: BlobStore, tenant_id: str, number: int) -> Manifest | None:
    try:
        return await read_manifest(store, tenant_id, number)
    except Missing:
        return None
