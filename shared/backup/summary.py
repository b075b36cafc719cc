"""A manifest in other words: as the row that lists show, and as the task's last line."""

from shared.catalog import OBJECT_TYPES
from shared.entra.failures import LICENCE_REMEDY
from shared.records.restore_points import RestorePoint, TypeCoverage
from shared.records.times import as_text
from shared.repository.manifest import Manifest, TypeEntry


def not_whole(manifest: Manifest) -> list[str]:
    """The types that should have been read whole and were not.

    A type that application permissions do not reach, as its catalog row says, or that the tenant has no licence for, is
    refused every time: it stands in the coverage as refused, and does not make every backup a warning that nobody looks
    at any more. Where a licence ended, what was read under it is old, and that is told.
    """
    return sorted(
        name for name, entry in manifest.types.items()
        if entry.outcome in ("partial", "failed")
        or (entry.outcome == "refused" and not OBJECT_TYPES[name].delegated_read and not _never_licensed(entry))
    )


def _never_licensed(entry: TypeEntry) -> bool:
    """Whether the type was refused for want of a licence, and nothing is known from a time when there was one."""
    return entry.remedy == LICENCE_REMEDY and not entry.layers


def restore_point_of(manifest: Manifest) -> RestorePoint:
    """The index row; holds nothing that the manifest does not."""
    return RestorePoint(
        backupId=manifest.backup_id, tenantId=manifest.tenant_id, kind=manifest.kind, status="packed",
        outcome="partial" if not_whole(manifest) else "complete",
        started=as_text(manifest.started), finished=as_text(manifest.finished),
        durationSeconds=round((manifest.finished - manifest.started).total_seconds(), 3),
        sizeBytes=manifest.size_bytes, counts=manifest.counts, guests=guests_in(manifest),
        coverage={name: entry.outcome for name, entry in manifest.types.items()},
        expires=as_text(manifest.expires), requests=manifest.requests, resourceUnits=manifest.resource_units,
        taskId=manifest.run_id, manifestSha256=manifest.sha256,
        coverageDetails=[_coverage(name, entry) for name, entry in manifest.types.items()],
    )  # fmt: skip


def guests_in(manifest: Manifest) -> int:
    """How many of the users are guests."""
    user = manifest.types.get("user")
    return user.counts.get("guests", 0) if user else 0


def story_of(manifest: Manifest) -> str:
    """What the backup did, in one line."""
    objects = sum(manifest.counts.values())
    links = sum(entry.counts.get("links", 0) for entry in manifest.types.values())
    seconds = (manifest.finished - manifest.started).total_seconds()
    line = f"Restore point {manifest.backup_id}: {objects} objects and {links} links in {seconds:.1f} s."
    incomplete = not_whole(manifest)
    if not incomplete:
        return line
    shown = ", ".join(f"{name} ({manifest.types[name].outcome})" for name in incomplete[:5])
    more = f" and {len(incomplete) - 5} more" if len(incomplete) > 5 else ""
    return f"{line} Not whole: {shown}{more}."


def _coverage(name: str, entry: TypeEntry) -> TypeCoverage:
    return TypeCoverage(
        type=name, outcome=entry.outcome, count=entry.counts.get("objects", 0), reason=entry.reason,
        remedy=entry.remedy, readAt=entry.read_at or None,
    )  # fmt: skip
