"""/tenants/{tenantId}/backups/{backupId}/coverage: what a restore point does not hold, by type and by object."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Response

from api.backups import csv_of
from api.guard import GuardedRoute, permit
from api.services import Deployed
from shared.errors import RepositoryError
from shared.records.restore_points import RestorePoint, TypeCoverage
from shared.repository.chain import read_manifest
from shared.repository.coverage import read_coverage
from shared.repository.manifest import Manifest
from shared.repository.names import is_backup_id
from shared.repository.store import BlobStore

router = APIRouter(prefix="/tenants/{tenant_id}/backups/{backup_id}", tags=["backups"], route_class=GuardedRoute)

SHOWN_ENTRIES = 100
"""Entries a type in the JSON answer; the CSV has all of them."""

COLUMNS = ("type", "outcome", "count", "reason", "remedy", "readAt", "objectId", "what", "targetId")


@router.get("/coverage")
@permit("backups.read")
async def get_coverage(tenant_id: str, backup_id: str, deployed: Deployed) -> dict[str, Any]:
    """What was read and what was not: per type, with the reason and what would mend it, and the first objects.

    `entriesCount` counts what was not read of single objects or properties, and links whose other end is not held.
    """
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)
    manifest = await _manifest(deployed.vault, point)
    value = []
    for row in _rows(point):
        entries = [
            one async for one in _entries(deployed.vault, manifest, row["type"], SHOWN_ENTRIES)
        ] if manifest else []
        count = manifest.types[row["type"]].coverage.count if manifest and row["type"] in manifest.types else 0
        value.append({**row, "entriesCount": count, "entries": entries})
    return {"backupId": point["backupId"], "outcome": point["outcome"], "value": value}


@router.get("/coverage.csv", response_class=Response)
@permit("export")
async def get_coverage_csv(tenant_id: str, backup_id: str, deployed: Deployed) -> Response:
    """The coverage as CSV: a line a type, and a line for everything that was not read or points nowhere."""
    point = await deployed.records.restore_points.get(tenant_id.lower(), backup_id)
    manifest = await _manifest(deployed.vault, point)
    lines: list[list[Any]] = []
    for row in _rows(point):
        lines.append([*({**row}[name] for name in COLUMNS[:6]), "", "", ""])
        lines.extend([
            [
                row["type"], row["outcome"], "", one.get("reason", ""), one.get("remedy", ""), "",
                one.get("objectId", ""), one.get("what", ""), one.get("targetId", ""),
            ]
            async for one in _entries(deployed.vault, manifest, row["type"])
        ])
    return csv_of(f"coverage-{point['backupId']}", COLUMNS, lines)


async def _manifest(vault: BlobStore, point: RestorePoint) -> Manifest | None:
    """The restore point's manifest, or None where the vault does not give it: the index row still tells the types."""
    if not is_backup_id(point["backupId"]):
        return None
    try:
        return await read_manifest(vault, point["tenantId"], int(point["backupId"]))
    except RepositoryError as error:
        if error.retryable:
            raise
        return None


async def _entries(
    vault: BlobStore, manifest: Manifest | None, object_type: str, most: int | None = None
) -> AsyncIterator[dict[str, Any]]:
    entry = manifest.types.get(object_type) if manifest else None
    if manifest is None or entry is None or not entry.coverage.count:
        return
    shown = 0
    async for one in read_coverage(vault, manifest.tenant_id, entry.coverage):
        if most is not None and shown >= most:
            return
        shown += 1
        yield one


def _rows(point: RestorePoint) -> list[TypeCoverage]:
    if "coverageDetails" in point:
        return point["coverageDetails"]
    return [
        TypeCoverage(type=name, outcome=outcome, count=point["counts"].get(name, 0), reason="", remedy="", readAt=None)
        for name, outcome in sorted(point["coverage"].items())
    ]
