"""Activities of verification: one slice of a restore point re-read and re-hashed, each finding an event.

Damage is noted too, so that the next backup builds on none of it.
"""

import hashlib
import time

from activities.boundary import answering
from shared.backup.damage import forget_damage, note_damage
from shared.deployment import deployment
from shared.errors import Missing
from shared.messages import SliceVerified, VerifySlice
from shared.repository.chain import read_manifest
from shared.repository.manifest import Previous
from shared.repository.names import is_backup_id
from shared.repository.verification import (
    Finding,
    blobs_of,
    segments_to_verify,
    verify_chain,
    verify_coverage,
    verify_segments,
)

SLICE_SECONDS = 60.0
"""A slice ends after the segment in which this time runs out; reporting progress needs no more often."""

SEGMENTS_AT_ONCE = 4


@answering
async def verify_slice(message: VerifySlice) -> SliceVerified:
    """Check segments from `start` on for a bounded time; the chain and the coverage lists come with the first."""
    opened = await deployment()
    tenant_id, backup, start = message["tenantId"], message["backupId"], message["start"]
    if not is_backup_id(backup):
        raise Missing(f"{backup!r} is no restore point's id")
    began = time.monotonic()
    findings: list[Finding] = []
    if start == 0:
        await opened.records.tasks.start(message["taskId"])
        recorded = await opened.records.restore_points.newest_sealed(tenant_id)
        expected = Previous(*recorded) if recorded else None
        findings += await verify_chain(opened.vault, tenant_id, expected_newest=expected)
    checked = 0
    following: int | None = None
    manifest = None if any(found.backup_id == backup for found in findings) else await read_manifest(
        opened.vault, tenant_id, int(backup)
    )
    if manifest is not None:
        if start == 0:
            lists = await verify_coverage(opened.vault, manifest)
            findings += lists
            await note_damage(opened.workspace, tenant_id, lists)
        checks = segments_to_verify(manifest)
        position = start
        while position < len(checks) and time.monotonic() - began < SLICE_SECONDS:
            part = checks[position : position + SEGMENTS_AT_ONCE]
            found = await verify_segments(opened.vault, tenant_id, backup, part)
            findings += found
            await note_damage(opened.workspace, tenant_id, found)
            await forget_damage(opened.workspace, tenant_id, blobs_of(tenant_id, part) - {one.blob for one in found})
            position += len(part)
            await opened.records.tasks.progress(
                message["taskId"], "segments", done=position, total=len(checks), unit="segments"
            )
        checked = position - start
        following = position if position < len(checks) else None
    for finding in findings:
        digest = hashlib.sha256(f"{finding.blob}|{finding.fault}".encode()).hexdigest()[:16]
        await opened.records.events.record(
            f"finding:{message['taskId']}:{digest}",
            tenant_id=tenant_id,
            severity="error",
            code=finding.fault,
            message=f"Restore point {finding.backup_id or backup}: {finding.blob} {finding.detail}. {finding.remedy}",
            task={"taskId": message["taskId"], "name": f"Verify {backup}"},
        )
    first = f"{findings[0].blob} {findings[0].detail}. {findings[0].remedy}" if findings else ""
    return SliceVerified(next=following, findings=len(findings), checked=checked, first=first)
