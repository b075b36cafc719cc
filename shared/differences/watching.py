"""The change history of a tenant: after every backup the new restore point beside the one before it, kept as a report,
and what the tenant's watch rules say of it as events.

Safe to repeat: a restore point has one report of this kind, and its events are written once.
"""

from collections.abc import Iterable

from shared.catalog.noise import NOISE_RULES
from shared.deployment import Deployment
from shared.differences import audit
from shared.differences.reports import Report
from shared.differences.segments import read_changes, read_list
from shared.differences.working import Progress, Work
from shared.entra.transport import Graph
from shared.records.table import key_of
from shared.records.times import as_text
from shared.recovery.watch import LOCATION, POLICY, Alarm, Body, Known, Watching
from shared.recovery.weakening import groups_of
from shared.repository.chain import list_manifests, read_manifest
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from shared.tenants.settings import TenantSettings

WEIGHED = frozenset({POLICY, LOCATION})
"""Types whose objects are weighed whole."""

ROLE_HOLDINGS = ("unifiedRoleAssignment", "unifiedRoleAssignmentSchedule", "unifiedRoleEligibilitySchedule")

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
    newer, older = RestorePoint(opened.vault, point), RestorePoint(opened.vault, previous)
    report = await _made(Work(opened, report, graph, newer))
    alarms = await _alarms(opened, report, settings, older, newer)
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


async def _alarms(
    opened: Deployment, report: Report, settings: TenantSettings, older: RestorePoint, newer: RestorePoint
) -> list[Alarm]:
    rules, segments = settings.watch, await read_list(opened.workspace, report["found"])
    changed: set[tuple[str, str]] = set()
    async for changes in read_changes(opened.workspace, segments):
        changed |= {(change.object_type, change.object_id) for change in changes if change.object_type in WEIGHED}
    watching = Watching(
        mass_deletion_count=rules.mass_deletion_count if rules.mass_deletion else None,
        mass_deletion_percent=rules.mass_deletion_percent,
        known=await _known(older, newer, changed) if segments else Known(),
        conditional_access=rules.conditional_access_weakened, global_administrators=rules.new_global_administrator,
        grants=rules.high_privilege_grants,
        break_glass=frozenset(settings.break_glass_ids) if rules.break_glass_touched else frozenset(),
    )  # fmt: skip
    async for changes in read_changes(opened.workspace, segments):
        for change in changes:
            watching.see(change)
    return watching.alarms()


async def _known(older: RestorePoint, newer: RestorePoint, changed: Iterable[tuple[str, str]]) -> Known:
    """What the rules ask beside the changes: few objects, however large the tenant is."""
    before, after = await _bodies(older, changed), await _bodies(newer, changed)
    groups = {group for body in (*before.values(), *after.values()) for group in groups_of(body)}
    members = await _members(older, groups) | await _members(newer, groups)
    totals = {name: entry.counts.get("objects", 0) for name, entry in older.manifest.types.items()}
    return Known(before, after, members, await _roles(newer), totals)


async def _bodies(point: RestorePoint, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Body]:
    found: dict[tuple[str, str], Body] = {}
    for name in sorted(WEIGHED):
        ids = [object_id for kind, object_id in wanted if kind == name]
        if ids and name in point.manifest.types:
            held = await point.view(name).objects_by_id(ids)
            found |= {(name, object_id): record.body for object_id, record in held.items()}
    return found


async def _members(point: RestorePoint, groups: Iterable[str]) -> dict[str, frozenset[str]]:
    wanted = sorted(groups)
    if not wanted or "group" not in point.manifest.types:
        return {}
    links = await point.view("group").links_of(wanted)
    return {
        group: frozenset(one.target_id.lower() for one in held if one.link == "members")
        for group, held in links.items()
    }


async def _roles(point: RestorePoint) -> dict[str, frozenset[str]]:
    """Who holds, or may activate, which roles over the whole directory; a custom role is its own template."""
    found: dict[str, set[str]] = {}
    for name in ROLE_HOLDINGS:
        if name not in point.manifest.types:
            continue
        async for one in point.view(name).objects():
            if one.body.get("directoryScopeId") == "/":
                found.setdefault(str(one.body.get("principalId")).lower(), set()).add(
                    str(one.body.get("roleDefinitionId"))
                )
    return {principal: frozenset(roles) for principal, roles in found.items()}


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
