"""What can be started, as the orchestration that does it: the same for the HTTP interface and for the schedule."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from shared.audit.entry import DEPLOYMENT
from shared.messages import (
    BackupKind,
    BackUpTenant,
    ExpireBackups,
    ExportChanges,
    ExportObjects,
    ObjectFilter,
    RebuildRecords,
    ReportDifferences,
    RestoreTenant,
    UnpackBackup,
    VerifyBackup,
)
from shared.starting import Operation


def backup(
    tenant_id: str, task_id: str, *, kind: BackupKind, types: Sequence[str] | None, requested_by: str,
    scheduled: bool = False,
) -> Operation:  # fmt: skip
    """A backup; one at a time for a tenant."""
    message = BackUpTenant(
        tenantId=tenant_id, taskId=task_id, kind=kind, types=None if types is None else sorted(set(types)),
        requestedBy=requested_by, scheduled=scheduled,
    )  # fmt: skip
    name = "Full backup" if kind == "full" else "Backup"
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="backup", name=name, orchestrator="back_up_tenant",
        message=dict(message), requested_by=requested_by, lock="backup",
    )  # fmt: skip


def verification(tenant_id: str, task_id: str, *, backup_id: str, requested_by: str) -> Operation:
    """A verification of one restore point."""
    message = VerifyBackup(tenantId=tenant_id, taskId=task_id, backupId=backup_id, requestedBy=requested_by)
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="verify", name=f"Verify {backup_id}", orchestrator="verify_backup",
        message=dict(message), requested_by=requested_by, unit="segments",
    )  # fmt: skip


def unpacking(
    tenant_id: str, task_id: str, *, backup_id: str, clear_previous: bool, requested_by: str, report_id: str = ""
) -> Operation:
    """The unpacking of one restore point; one at a time for a tenant, since it may pack others.

    `report_id` is the difference report that is made beside it.
    """
    message = UnpackBackup(
        tenantId=tenant_id, taskId=task_id, backupId=backup_id, clearPrevious=clear_previous, requestedBy=requested_by
    )
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="unpack", name=f"Unpack {backup_id}", orchestrator="unpack_backup",
        message=dict(message), requested_by=requested_by, lock="unpack",
        result={"backupId": backup_id} | ({"reportId": report_id} if report_id else {}),
    )  # fmt: skip


def export(
    tenant_id: str, task_id: str, *, backup_id: str, chosen: ObjectFilter, requested_by: str
) -> Operation:
    """The export of a long list of objects as CSV."""
    message = ExportObjects(
        tenantId=tenant_id, taskId=task_id, backupId=backup_id, filter=chosen, requestedBy=requested_by
    )
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="export", name=f"Export objects of {backup_id}",
        orchestrator="export_objects", message=dict(message), requested_by=requested_by,
    )  # fmt: skip


def expiry(tenant_id: str, task_id: str, *, requested_by: str) -> Operation:
    """The expiry of what is past its retention; one at a time for a tenant."""
    message = ExpireBackups(tenantId=tenant_id, taskId=task_id, requestedBy=requested_by)
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="expiry", name="Expiry", orchestrator="expire_backups",
        message=dict(message), requested_by=requested_by, lock="expiry", unit="restore points",
    )  # fmt: skip


def restore(
    tenant_id: str, task_id: str, *, restore_id: str, apply: bool, requested_by: str, plan_hash: str = "",
    undo: bool = False, beside: Callable[[], Awaitable[str]] | None = None,
) -> Operation:  # fmt: skip
    """The planning of a restore, its application, or both; alone in its tenant but for those that `beside` lets."""
    message = RestoreTenant(tenantId=tenant_id, taskId=task_id, restoreId=restore_id, apply=apply)
    if plan_hash:
        message["planHash"] = plan_hash
    verb = "Undo restore" if undo else "Restore objects" if apply else "Plan restore"
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="undo" if undo else "restore", name=verb,
        orchestrator="restore_tenant", message=dict(message), requested_by=requested_by, lock="restore",
        unit="operations", result={"restoreId": restore_id}, beside=beside,
    )  # fmt: skip


def rebuilding(task_id: str, *, tenant_ids: Sequence[str], requested_by: str) -> Operation:
    """A rebuild of all tables from the vault; one at a time. Its task belongs to no tenant."""
    message = RebuildRecords(taskId=task_id, tenantIds=sorted(set(tenant_ids)), requestedBy=requested_by)
    return Operation(
        task_id=task_id, tenant_id=DEPLOYMENT, type="rebuild", name="Rebuild", orchestrator="rebuild_records",
        message=dict(message), requested_by=requested_by, lock="rebuild", unit="tenants",
    )  # fmt: skip


def differences(tenant_id: str, task_id: str, *, report_id: str, name: str, requested_by: str) -> Operation:
    """A difference report; any number at once."""
    message = ReportDifferences(tenantId=tenant_id, taskId=task_id, reportId=report_id)
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="differences", name=name, orchestrator="report_differences",
        message=dict(message), requested_by=requested_by, unit="types", result={"reportId": report_id},
    )  # fmt: skip


def change_export(
    tenant_id: str, task_id: str, *, report_id: str, backup_id: str, chosen: Mapping[str, Any], requested_by: str
) -> Operation:
    """The export of a long list of changes as CSV."""
    message = ExportChanges(tenantId=tenant_id, taskId=task_id, reportId=report_id, filter=dict(chosen))
    return Operation(
        task_id=task_id, tenant_id=tenant_id, type="export", name=f"Export differences of {backup_id}",
        orchestrator="export_changes", message=dict(message), requested_by=requested_by, unit="changes",
        result={"backupId": backup_id, "reportId": report_id, "userAttributes": not chosen.get("masked")},
    )  # fmt: skip
