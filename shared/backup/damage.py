"""What is known to be damaged in the vault, so that no backup builds on it.

`verify`, and a backup that trips over damage, note the blobs in the workspace; a backup that begins reads in full every
type whose view in the restore point before needs one of them, and its segments are written anew. Losing the notes costs
nothing but that the next verification, or the next stumbling, finds the damage again.
"""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson

from shared.backup.run import Run
from shared.deployment import Deployment
from shared.errors import BaseDamaged, Corrupt, Missing
from shared.repository.chain import read_manifest
from shared.repository.manifest import Manifest
from shared.repository.names import tenant_prefix
from shared.repository.sealing import named_blobs
from shared.repository.store import BlobStore, at_once
from shared.repository.verification import Finding, segments_to_verify, verify_coverage, verify_segments


async def note_damage(workspace: BlobStore, tenant_id: str, findings: Iterable[Finding]) -> None:
    """Remember the blobs that these findings name; safe to repeat."""
    for finding in findings:
        note = {"blob": finding.blob, "fault": finding.fault, "detail": finding.detail}
        await workspace.put(_note(tenant_id, finding.blob), orjson.dumps(note))


async def known_damage(workspace: BlobStore, tenant_id: str) -> set[str]:
    """The names of the blobs that were found damaged and not found whole since."""
    notes = [entry.name async for entry in workspace.list(_folder(tenant_id))]
    return {orjson.loads(content)["blob"] for content in await at_once(workspace.get(name) for name in notes)}


async def forget_damage(workspace: BlobStore, tenant_id: str, whole: Collection[str]) -> None:
    """Forget what was noted of blobs that were found whole (somebody recovered them)."""
    for blob in await known_damage(workspace, tenant_id):
        if blob in whole:
            await workspace.delete(_note(tenant_id, blob))


async def damaged_types(opened: Deployment, manifest: Manifest) -> list[str]:
    """The types whose view in this restore point needs a blob that is known to be damaged."""
    damaged = await known_damage(opened.workspace, manifest.tenant_id)
    if not damaged:
        return []
    return [
        name for name, entry in manifest.types.items()
        if not damaged.isdisjoint(named_blobs(replace(manifest, types={name: entry})))
    ]


@asynccontextmanager
async def examining_its_base(opened: Deployment, run: Run, types: Collection[str]) -> AsyncIterator[None]:
    """BaseDamaged instead of Missing or Corrupt, if what the run builds on is damaged in these types; noted then."""
    try:
        yield
    except (Missing, Corrupt) as error:
        if not run.previous:
            raise
        base = await read_manifest(opened.vault, run.tenant_id, run.previous)
        part = replace(base, types={name: entry for name, entry in base.types.items() if name in types})
        checks = segments_to_verify(part)
        findings = await verify_segments(opened.vault, run.tenant_id, base.backup_id, checks)
        findings += await verify_coverage(opened.vault, part)
        known = await known_damage(opened.workspace, run.tenant_id)
        if all(finding.blob in known for finding in findings):
            raise  # something else is wrong, or reading anew did not help
        await note_damage(opened.workspace, run.tenant_id, findings)
        raise BaseDamaged(
            f"Restore point {base.backup_id} is damaged: {findings[0].blob} {findings[0].detail}."
        ) from error


def _folder(tenant_id: str) -> str:
    return f"{tenant_prefix(tenant_id)}damage/"


def _note(tenant_id: str, blob: str) -> str:
    return f"{_folder(tenant_id)}{hashlib.sha256(blob.encode()).hexdigest()}.json"
