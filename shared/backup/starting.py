"""Starting backups and verifications: what people, schedules and settings all go through."""

import uuid
from collections.abc import Sequence

from shared.deployment import Records
from shared.messages import BackupKind, BackUpTenant, VerifyBackup
from shared.records.tasks import Task
from shared.starting import DurableClient, Operation, start

BACKUP = "backup"
"""The lock that lets one backup of a tenant run at a time."""

VERIFY = "verify"


async def start_backup(
    records: Records,
    client: DurableClient,
    *,
    tenant_id: str,
    requested_by: str,
    kind: BackupKind = "incremental",
    types: Sequence[str] | None = None,
    scheduled: bool = False,
    task_id: str | None = None,
) -> Task:
    """The task of a new backup; raises Busy or NotStarted. Safe to repeat with one `task_id`."""
    tenant_id, task_id = tenant_id.lower(), task_id or str(uuid.uuid4())
    message = BackUpTenant(
        tenantId=tenant_id, taskId=task_id, kind=kind, types=None if types is None else list(types),
        requestedBy=requested_by, scheduled=scheduled,
    )
    return await start(
        records,
        client,
        Operation(
            task_id=task_id, tenant_id=tenant_id, type="backup", name=f"Backup ({kind})",
            orchestrator="back_up_tenant", message={**message}, requested_by=requested_by, lock=BACKUP,
        ),
    )


async def start_verify(
    records: Records,
    client: DurableClient,
    *,
    tenant_id: str,
    backup_id: str,
    requested_by: str,
    task_id: str | None = None,
) -> Task:
    """The task that verifies a restore point; raises Busy or NotStarted. Safe to repeat with one `task_id`."""
    tenant_id, task_id = tenant_id.lower(), task_id or str(uuid.uuid4())
    message = VerifyBackup(tenantId=tenant_id, taskId=task_id, backupId=backup_id, requestedBy=requested_by)
    return await start(
        records,
        client,
        Operation(
            task_id=task_id, tenant_id=tenant_id, type="verify", name=f"Verify restore point {backup_id}",
            orchestrator="verify_backup", message={**message}, requested_by=requested_by, lock=VERIFY, unit="blobs",
        ),
    )
