"""Which restore points are unpacked: showing one as such, packing one, packing all others."""

from shared.browse.index import drop_indexes, find_index
from shared.deployment import Records
from shared.errors import Missing
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest
from shared.repository.store import BlobStore


async def show_unpacked(records: Records, workspace: BlobStore, manifest: Manifest) -> int:
    """Say that the restore point is unpacked; the bytes of its index. NotUnpacked unless all of it is there."""
    size_bytes = await index_bytes(workspace, manifest)
    await records.restore_points.set_unpacked(manifest.tenant_id, manifest.backup_id, size_bytes)
    return size_bytes


async def index_bytes(workspace: BlobStore, manifest: Manifest) -> int:
    """The bytes of a restore point's index. NotUnpacked unless all of it is there."""
    return sum(index.size_bytes for index in (await find_index(workspace, manifest)).values())


async def pack(records: Records, vault: BlobStore, workspace: BlobStore, tenant_id: str, backup_id: str) -> None:
    """Drop the restore point's index, but for what other unpacked ones share. Safe to repeat.

    The record goes first: what is shown as unpacked is there, save for questions that are being answered.
    """
    await records.restore_points.set_packed(tenant_id, backup_id)
    try:
        manifest = await read_manifest(vault, tenant_id, int(backup_id))
    except Missing:
        return  # it expired meanwhile; what it alone had goes with the tenant's other garbage
    kept = [await read_manifest(vault, tenant_id, int(one)) for one in await unpacked_of(records, tenant_id)]
    await drop_indexes(workspace, manifest, kept)


async def pack_others(
    records: Records, vault: BlobStore, workspace: BlobStore, tenant_id: str, backup_id: str
) -> int:
    """Pack every unpacked restore point of the tenant but this one; how many that were."""
    others = [one for one in await unpacked_of(records, tenant_id) if one != backup_id]
    for other in others:
        await pack(records, vault, workspace, tenant_id, other)
    return len(others)


async def newest_unpacked(records: Records, tenant_id: str) -> str | None:
    """The id of the newest unpacked restore point, or None."""
    return next(iter(await unpacked_of(records, tenant_id)), None)


async def unpacked_of(records: Records, tenant_id: str) -> list[str]:
    """The ids of the tenant's unpacked restore points, newest first."""
    return [
        point["backupId"] async for _, point in records.restore_points.stream(tenant_id)
        if point["status"] == "unpacked"
    ]
