"""Activities of a restore: plan it, seal what is there, apply a batch, read back, end it."""

from activities.boundary import answering
from shared.backup.sessions import sessions
from shared.deployment import deployment
from shared.messages import (
    ApplyBatch,
    BatchApplied,
    BeginApply,
    FinishRestore,
    RestorePlanned,
    RestoreTenant,
    RestoreVerified,
    RestoreWaves,
    VerifyRestore,
)
from shared.recovery import lifecycle
from shared.recovery.verifying import verify_slice


@answering
async def plan_restore(message: RestoreTenant) -> RestorePlanned:
    """Read both states and store the plan, for a bounded time."""
    opened = await deployment()
    await opened.records.tasks.start(message["taskId"])
    async with sessions.restoring(opened.settings, message["tenantId"]) as graph:
        return await lifecycle.plan(opened, graph, message)


@answering
async def begin_apply(message: BeginApply) -> RestoreWaves:
    """Seal the before images, for a bounded time."""
    opened = await deployment()
    await opened.records.tasks.start(message["taskId"])
    async with sessions.restoring(opened.settings, message["tenantId"]) as graph:
        return await lifecycle.begin(opened, graph, message)


@answering
async def apply_batch(message: ApplyBatch) -> BatchApplied:
    """Send one batch for a bounded time, from where its journal ends."""
    opened = await deployment()
    async with sessions.restoring(opened.settings, message["tenantId"]) as graph:
        return await lifecycle.apply_batch(opened, graph, message)


@answering
async def verify_restore(message: VerifyRestore) -> RestoreVerified:
    """Read back what was written, for a bounded time."""
    opened = await deployment()
    async with sessions.restoring(opened.settings, message["tenantId"]) as graph:
        return await verify_slice(opened, graph, message)


@answering
async def finish_restore(message: FinishRestore) -> dict[str, bool]:
    """End the task and, where it has come to its end, the restore."""
    return await lifecycle.finish(await deployment(), message)
