"""What orchestrators and activities say to each other: small, plain JSON.

A message carries names and counts, never objects: data goes to the repository, cursors and lists to the run's
checkpoints in the workspace, and only their names travel. Every message stays below 16 kB, since the engine keeps all
of them in an orchestration's history.
"""

from typing import Any, Literal, NotRequired, TypedDict

BackupKind = Literal["full", "incremental"]
Outcome = Literal["complete", "partial", "refused", "failed", "carried", "off"]


class BackUpTenant(TypedDict):
    """Start one backup; `taskId` is the durable instance id, and the run's id."""

    tenantId: str
    taskId: str
    kind: BackupKind
    types: list[str] | None
    requestedBy: str
    scheduled: bool


class Lane(TypedDict):
    """Object types that one activity reads one after the other, and their share of the tenant's budget (0..1)."""

    name: str
    types: list[str]
    share: float


class BackupBegun(TypedDict):
    """What this run will read; `run` names the run's plan in the workspace."""

    run: str
    kind: BackupKind
    lanes: list[Lane]


class CaptureLane(TypedDict):
    """Read one lane from its beginning, or from `checkpoint` on."""

    tenantId: str
    taskId: str
    run: str
    lane: Lane
    checkpoint: NotRequired[str]
    slices: NotRequired[int]
    closing: NotRequired[bool]
    after: NotRequired[list[str]]
    """For the closing lane: the last checkpoints of all others."""


class SliceCaptured(TypedDict):
    """What one slice did: `checkpoint` names all that the lane has captured so far, and where it goes on."""

    checkpoint: str
    finished: bool


class SealBackup(TypedDict):
    """Make the restore point from the checkpoints of all lanes, in the order in which they were read."""

    tenantId: str
    taskId: str
    run: str
    checkpoints: list[str]


class BackupSealed(TypedDict):
    """The restore point, and what the task's last line says of it."""

    backupId: str
    warnings: int
    summary: str


class CloseTask(TypedDict):
    """End a task once: its status, its last line, and what it made."""

    tenantId: str
    taskId: str
    kind: str
    status: Literal["succeeded", "succeededWithWarnings", "failed", "cancelled"]
    summary: str
    code: str
    backupId: NotRequired[str]


class VerifyBackup(TypedDict):
    """Re-read and re-hash one restore point."""

    tenantId: str
    taskId: str
    backupId: str
    requestedBy: str


class VerifySlice(TypedDict):
    """Check the part of a restore point that begins at segment `start`."""

    tenantId: str
    taskId: str
    backupId: str
    start: int


class SliceVerified(TypedDict):
    """`next` is where to go on, or None at the end; `findings` counts what was wrong so far."""

    next: int | None
    findings: int
    checked: int
    first: str


class ExpireBackups(TypedDict):
    """Let go what has expired in one tenant."""

    tenantId: str
    taskId: str
    requestedBy: str


class TenantExpired(TypedDict):
    """What one slice of expiry removed; `finished` is false while there may be more."""

    restorePoints: int
    blobs: int
    finished: bool


class UnpackBackup(TypedDict):
    """Make the browsable index of one restore point; `clearPrevious` packs the tenant's others when it stands."""

    tenantId: str
    taskId: str
    backupId: str
    clearPrevious: bool
    requestedBy: str
    checkpoint: NotRequired[str]
    """Where a new history goes on."""


class UnpackSlice(TypedDict):
    """Go on unpacking from a checkpoint in the workspace; an empty name is the beginning."""

    tenantId: str
    taskId: str
    backupId: str
    checkpoint: str


class SliceUnpacked(TypedDict):
    """Where to go on, and whether there is more to do."""

    checkpoint: str
    finished: bool


class BackupUnpacked(TypedDict):
    """What the task's last line says."""

    summary: str


class RestoreTenant(TypedDict):
    """Start a restore: plan it, and with `apply` go on to apply it; without a plan hash it is planned first.

    `slice` is the slice of planning to go on with, the first where there is none.
    """

    tenantId: str
    taskId: str
    restoreId: str
    apply: bool
    planHash: NotRequired[str]
    slice: NotRequired[int]


class RestorePlanned(TypedDict):
    """The plan that was stored, and whether it may be applied at once; nothing of that while it is not `finished`, or
    where it was `cancelled`."""

    finished: bool
    state: str
    planHash: str
    summary: str
    mayApply: bool
    why: str
    cancelled: NotRequired[bool]


class RestoreStep(TypedDict):
    """One step of applying an approved plan."""

    tenantId: str
    taskId: str
    restoreId: str
    planHash: str


class BeginApply(RestoreStep):
    """Seal the before images: from slice `slice` on, the first where there is none."""

    slice: NotRequired[int]


class RestoreWaves(TypedDict):
    """Waves, each a list of lanes, each its first and last batch; and the restore point of the before images.

    Neither is known while that is not `finished`, or where it was `cancelled`: nothing was written then.
    """

    finished: bool
    waves: list[list[list[int]]]
    beforeBackupId: str
    cancelled: NotRequired[bool]


class ApplyLane(TypedDict):
    """Apply batches `first` to `last`, one after the other."""

    tenantId: str
    taskId: str
    restoreId: str
    planHash: str
    first: int
    last: int


class ApplyBatch(TypedDict):
    """Apply one batch, or go on with it."""

    tenantId: str
    taskId: str
    restoreId: str
    planHash: str
    batch: int


class BatchApplied(TypedDict):
    """Whether the batch is done, or somebody stopped the restore."""

    finished: bool
    cancelled: bool


class VerifyRestore(TypedDict):
    """Read back what a restore wrote, from the object at `start` on."""

    tenantId: str
    taskId: str
    restoreId: str
    planHash: str
    start: int


class RestoreVerified(TypedDict):
    """Whether all was read back, and else the object to go on from."""

    finished: bool
    next: int


class FinishRestore(TypedDict):
    """End a restore's task."""

    tenantId: str
    taskId: str
    restoreId: str
    outcome: Literal["planned", "applied", "cancelled", "failed", "unsafe"]
    summary: str


class RebuildRecords(TypedDict):
    """Make the tables anew from the vault; `tenantIds` are tenants that its registry may not know."""

    taskId: str
    tenantIds: list[str]
    requestedBy: str


class RebuildSlice(TypedDict):
    """Go on with the tenant at `start`, in the order of their ids; the deployment's own rows come with the first."""

    taskId: str
    tenantIds: list[str]
    start: int


class SliceRebuilt(TypedDict):
    """`next` is where to go on, or None at the end; `counts` is what came back, by kind."""

    next: int | None
    counts: dict[str, int]


class ObjectFilter(TypedDict):
    """Which objects of a restore point: a search as it was written, what lists are narrowed by, and their order."""

    text: str
    types: list[str]
    groupKind: str | None
    userType: str | None
    synced: bool | None
    mfa: str | None
    mailEnabled: bool | None
    deleted: Literal["false", "true", "any"]
    objectIds: list[str]
    order: str
    backwards: bool


class ExportObjects(TypedDict):
    """Write objects of an unpacked restore point as CSV into the workspace."""

    tenantId: str
    taskId: str
    backupId: str
    filter: ObjectFilter
    requestedBy: str


class ObjectsExported(TypedDict):
    """How many rows the export has."""

    rows: int


class Failed(TypedDict):
    """An activity's answer where trying again would not help: what happened, and what the operator can do."""

    failure: str
    remedy: str
    code: str


class ReportDifferences(TypedDict):
    """Make one difference report, or make it anew; what it is about stands in the report's row."""

    tenantId: str
    taskId: str
    reportId: str
    checkpoint: NotRequired[str]
    """Where a new history goes on comparing."""
    live: NotRequired[str]
    """For a new history: the live state that was read, as its number."""


class DifferencesBegun(TypedDict):
    """What is read of the live tenant; no lanes where two restore points are compared."""

    run: str
    lanes: list[Lane]


class ReadLive(CaptureLane):
    """Read one lane of the live tenant, beside the report."""

    reportId: str


class SealLive(TypedDict):
    """Make the live state from the checkpoints of all lanes."""

    tenantId: str
    taskId: str
    reportId: str
    run: str
    checkpoints: list[str]


class LiveSealed(TypedDict):
    """The number under which the live state can be opened."""

    live: str


class CompareStates(TypedDict):
    """Compare from a checkpoint in the workspace on; an empty name is the beginning."""

    tenantId: str
    taskId: str
    reportId: str
    live: str
    checkpoint: str


class StatesCompared(TypedDict):
    """Where to go on, and whether there is more to compare."""

    checkpoint: str
    finished: bool


class DifferencesFound(TypedDict):
    """What the task's last line says; `warnings` counts the types that could not be compared."""

    summary: str
    warnings: int


class CloseReport(TypedDict):
    """End a report and its task, once."""

    tenantId: str
    taskId: str
    reportId: str
    status: Literal["succeeded", "succeededWithWarnings", "failed"]
    summary: str


class WatchBackup(TypedDict):
    """Compare a new restore point with the one before it."""

    tenantId: str
    taskId: str
    backupId: str


class BackupWatched(TypedDict):
    """How many alarms it gave rise to."""

    alarms: int


class ExportChanges(TypedDict):
    """Write changes of a report as CSV into the workspace; `filter` is a ChangeFilter's fields."""

    tenantId: str
    taskId: str
    reportId: str
    filter: dict[str, Any]


class ChangesExported(TypedDict):
    """How many rows the export has."""

    rows: int
