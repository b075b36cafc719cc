"""What Microsoft's own backup did: its snapshots, and its recovery jobs, which leave no trace in delta.

A job that was not there at the last run means: read everything again. Source: Microsoft Graph "Microsoft Entra Backup
and Recovery" (entraRecoveryServices), global cloud only.
"""

from shared.catalog.row import Cloud, Excluded, ObjectType

_GLOBAL: frozenset[Cloud] = frozenset({"global"})
_MADE_BY_MICROSOFT = "made by Microsoft's own backup; kept to know when it ran"

RECOVERY_SNAPSHOT = ObjectType(
    name="recoverySnapshot",
    title="Microsoft's own recovery snapshots",
    path="/directory/recovery/snapshots",
    graph_type="entraRecoveryServices.snapshot",
    clouds=_GLOBAL,
    excluded=(
        Excluded(("recoveryJobs",), "read as an object type of its own"),
        Excluded(("recoveryPreviewJobs",), "previews change nothing in the tenant"),
    ),
    reference_only=True,
    read_permissions=("EntraBackup.Read.All",),
    not_restored=_MADE_BY_MICROSOFT,
    unconfirmed=("Whether Microsoft keeps snapshots for five or seven days: its documents disagree.",),
)

RECOVERY_JOB = ObjectType(
    name="recoveryJob",
    title="Microsoft's own recovery jobs",
    path="/directory/recovery/jobs",
    graph_type="entraRecoveryServices.recoveryJob",
    page_size=999,
    clouds=_GLOBAL,
    reference_only=True,
    read_permissions=("EntraBackup.Read.All",),
    not_restored=_MADE_BY_MICROSOFT,
    unconfirmed=("A tenant without a P1 licence is refused.",),
)

ROWS = (RECOVERY_SNAPSHOT, RECOVERY_JOB)
