"""Activities of unpacking: one slice of the index made, and the restore point shown as unpacked when it is whole."""

from activities.boundary import answering
from shared.browse.files import index_files
from shared.browse.packing import pack_others, show_unpacked
from shared.browse.unpacking import Unpacking, drop_checkpoints, load_checkpoint, save_checkpoint
from shared.deployment import deployment
from shared.messages import BackupUnpacked, SliceUnpacked, UnpackBackup, UnpackSlice
from shared.repository.restore_point import RestorePoint


@answering
async def unpack_slice(message: UnpackSlice) -> SliceUnpacked:
    """Unpack for a bounded time from the checkpoint on. Safe to repeat."""
    opened = await deployment()
    tenant_id, task_id = message["tenantId"], message["taskId"]
    await opened.records.tasks.start(task_id)
    point = await RestorePoint.open(opened.vault, tenant_id, message["backupId"])
    work = Unpacking(opened.vault, opened.workspace, point.manifest, index_files())
    reached = await work.slice(await load_checkpoint(opened.workspace, message["checkpoint"]))
    done = work.total if reached is None else min(reached.done, work.total)
    await opened.records.tasks.progress(task_id, "objects", done=done, total=work.total)
    if reached is None:
        return SliceUnpacked(checkpoint="", finished=True)
    name = await save_checkpoint(opened.workspace, tenant_id, task_id, reached)
    return SliceUnpacked(checkpoint=name, finished=False)


@answering
async def finish_unpack(message: UnpackBackup) -> BackupUnpacked:
    """Show the restore point as unpacked and, where asked for, pack the tenant's others. Safe to repeat."""
    opened = await deployment()
    tenant_id, backup_id = message["tenantId"], message["backupId"]
    point = await RestorePoint.open(opened.vault, tenant_id, backup_id)
    size_bytes = await show_unpacked(opened.records, opened.workspace, point.manifest)
    packed = 0
    if message["clearPrevious"]:
        packed = await pack_others(opened.records, opened.vault, opened.workspace, tenant_id, backup_id)
    await drop_checkpoints(opened.workspace, tenant_id, message["taskId"])
    total = sum(point.manifest.counts.values())
    cleared = f" {packed} others were packed." if packed else ""
    return BackupUnpacked(summary=f"Unpacked {total} objects into {size_bytes / 1e6:.1f} MB.{cleared}")
