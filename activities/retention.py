"""Activities of retention: expired restore points go, in the vault first and then in the index; then their reports."""

from activities.boundary import answering
from shared.browse.sweeping import sweep_indexes
from shared.deployment import deployment
from shared.differences.life import sweep
from shared.messages import ExpireBackups, TenantExpired
from shared.repository.chain import manifest_numbers
from shared.repository.expiry import expire
from shared.repository.names import backup_id


@answering
async def expire_tenant(message: ExpireBackups) -> TenantExpired:
    """Delete what has expired in one tenant. Safe to repeat."""
    opened = await deployment()
    tenant_id = message["tenantId"]
    await opened.records.tasks.start(message["taskId"])
    report = await expire(opened.vault, tenant_id, opened.records.clock())
    living = {backup_id(number) for number in await manifest_numbers(opened.vault, tenant_id)}
    gone = 0
    async for _, point in opened.records.restore_points.stream(tenant_id):
        if point["backupId"] not in living:
            await opened.records.restore_points.remove(tenant_id, point["backupId"])
            gone += 1
    await sweep(opened, tenant_id)
    await sweep_indexes(opened.records, opened.vault, opened.workspace, tenant_id)
    return TenantExpired(restorePoints=gone, blobs=report.deleted, finished=True)
