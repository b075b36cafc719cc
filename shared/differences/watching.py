"""The change history of a tenant: after every backup the new restore point beside the one before it, kept as a report,
and what the tenant's watch rules say of it as events.

Safe to repeat: a restore point has one report of this kind, and its events are written once.
"""

from shared.catalog.noise import NOISE_RULES
from shared.deployment import Deployment
from shared.differences import audit
from shared.differences.reports import Report
from shared.differences.segments import read_changes, read_list
from shared.differences.working import Progress, Work
from shared.entra.transport import Graph
from shared.records.table import key_of
from shared.records.times import as_text
from shared.recovery.watch import Alarm, Watching
from shared.repository.chain import list_manifests, read_manifest
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from shared.tenants.settings import TenantSettings

MOST_EVENTS = 20
"""Events a rule in one backup; the last one counts the rest."""


async def watch(opened: Deployment, graph: Graph | None, tenant_id: str, task_id: str, backup_id: str) -> int:
    """How many alarms the new restore point gives rise to; 0 for the first one, and where watching is off."""
    settings = (await opened.records.tenants.settings(tenant_id)).settings
    point = await read_manifest(opened.vault, tenant_id, int(backup_id))
    previous = await _before(opened, point)
    if previous is None or not settings.watch.enabled:
        return 0
    report = await opened.records.reports.create({
        "reportId": key_of(tenant_id, backup_id, "watch"), "tenantId": tenant_id, "origin": "watch",
        "backupId": previous.backup_id, "against": backup_id, "taskId": task_id, "requestedBy": "watch",
        "types": None, "objectCount": None, "noise": dict.fromkeys(NOISE_RULES, True),
    })
    report = await _made(Work(opened, report, graph, RestorePoint(opened.vault, point)))
    alarms = await _alarms(opened, report, settings)
    await _tell(opened, report, alarms)
    return len(alarms)


async def _before(opened: Deployment, point: Manifest) -> Manifest | None:
    async for manifest in list_manifests(opened.vault, point.tenant_id, before=point.sequence):
        if manifest.kind != "beforeRestore":
            return manifest
    return None


async def _made(work: Work) -> Report:
    progress, finished = Progress(), False
    while not finished:
        progress, finished = await work.compare(progress)
    told = await audit.read(work) if progress.segments else audit.Told.nothing()
    await work.finished(progress, told.index, {"attribution": told.missing})
    now = as_text(work.opened.records.clock())
    return await work.opened.records.reports.set(
        work.report["tenantId"], work.report["reportId"], status="succeeded", finished=now,
        comparedAt=as_text(work.after.manifest.finished),
    )  # fmt: skip


async def _alarms(opened: Deployment, report: Report, settings: TenantSettings) -> list[Alarm]:
    rules = settings.watch
    watching = Watching(
        mass_deletion_count=rules.mass_deletion_count if rules.mass_deletion else None,
        conditional_access=rules.conditional_access_weakened, global_administrators=rules.new_global_administrator,
        grants=rules.high_privilege_grants,
        break_glass=frozenset(settings.break_glass_ids) if rules.break_glass_touched else frozenset(),
    )  # fmt: skip
    async for changes in read_changes(opened.workspace, await read_list(opened.workspace, report["found"])):
        for change in changes:
            watching.see(change)
    return watching.alarms()


async def _tell(opened: Deployment, report: Report, alarms: list[Alarm]) -> None:
    told: dict[str, int] = {}
    for alarm in alarms:
        told[alarm.code] = told.get(alarm.code, 0) + 1
        if told[alarm.code] > MOST_EVENTS:
            continue
        await opened.records.events.record(
            f"{alarm.code}:{report['reportId']}:{alarm.key}", tenant_id=report["tenantId"], severity=alarm.severity,
            code=alarm.code, message=f"{alarm.message} Restore point {report['against']}, report {report['reportId']}.",
            object={"id": alarm.object_id, "type": alarm.object_type, "name": ""} if alarm.object_id else None,
        )  # fmt: skip
    for code, count in told.items():
        if count > MOST_EVENTS:
            await opened.records.events.record(
                f"{code}:{report['reportId']}:more", tenant_id=report["tenantId"], severity="warning", code=code,
                message=f"{count - MOST_EVENTS} more of this kind; see report {report['reportId']}.",
            )  # fmt: skip
