"""Activities of a backup: plan it, read a slice of a lane, seal it."""

from activities.boundary import answering
from shared.backup.beginning import begin
from shared.backup.capturing import capture_slice as capture
from shared.backup.closing import close_lane
from shared.backup.damage import examining_its_base
from shared.backup.run import load_run
from shared.backup.sealing import seal_backup as seal
from shared.backup.sessions import sessions
from shared.deployment import deployment
from shared.messages import BackupBegun, BackupSealed, BackUpTenant, CaptureLane, SealBackup, SliceCaptured


@answering
async def begin_backup(message: BackUpTenant) -> BackupBegun:
    """Decide what is read, and how; say that the task has begun."""
    opened = await deployment()
    await opened.records.tasks.start(message["taskId"])
    async with sessions.reading(
        opened.settings, message["tenantId"], scheduled=message["scheduled"]
    ) as graph:
        return await begin(opened, graph, message)


@answering
async def capture_slice(message: CaptureLane) -> SliceCaptured:
    """Read a lane for a bounded time, from its checkpoint on."""
    opened = await deployment()
    run = await load_run(opened.workspace, message["run"])
    types = run.types if message.get("closing") else message["lane"]["types"]
    async with examining_its_base(opened, run, types), sessions.reading(
        opened.settings, message["tenantId"], share=message["lane"]["share"], scheduled=run.scheduled
    ) as graph:
        reading = close_lane if message.get("closing") else capture
        captured = await reading(opened, graph, run, message)
        graph.done = captured["finished"]
        return captured


@answering
async def seal_backup(message: SealBackup) -> BackupSealed:
    """Write the manifest: from here on the restore point exists."""
    opened = await deployment()
    run = await load_run(opened.workspace, message["run"])
    async with examining_its_base(opened, run, run.types):
        return await seal(opened, run, message)
