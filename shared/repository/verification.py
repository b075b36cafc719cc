"""Checking a restore point: every segment and sidecar read again and hashed, every link of the chain
followed.

Read-only. What is wrong comes back as findings, each naming the blob, the restore point, what is wrong and
what to do; only a store that does not answer raises. It can be sliced: `segments_to_verify`, then
`verify_segments` on parts of that list.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from shared.errors import Corrupt, Missing, NotARepository, RepositoryError, StoreUnavailable, UnknownFormat
from shared.repository.chain import manifest_numbers, read_manifest, read_tombstone, tombstone_numbers
from shared.repository.format import check_format
from shared.repository.manifest import Manifest, Previous, SegmentRef
from shared.repository.names import (
    FORMAT,
    backup_id,
    coverage_name,
    manifest_name,
    segment_name,
    sequence_of,
    sidecar_name,
    tombstone_name,
)
from shared.repository.records import Holds, Json
from shared.repository.segment_reader import rebuild_sidecar
from shared.repository.sidecar import OtherSegment, check_sidecar
from shared.repository.store import BlobStore, at_once, parts

type Fault = Literal[
    "missing", "truncated", "changed", "swappedSidecar", "wrongSidecar", "wrongCount", "unreadable", "brokenChain",
    "unknownFormat",
]  # fmt: skip

# Segments checked side by side: the hashing is one thread's work, the other fetches.
PARALLEL_SEGMENTS = 2
_SPOOL_BYTES = 8 * 1024 * 1024
_ANEW = "The next backup reads that type in full and writes it anew, so that newer restore points are whole."
_RECOVER = f"{_ANEW} For this one, recover the blob from the vault's previous versions or soft delete."
_REBUILD = f"{_ANEW} The segment itself is whole; for this one, recover the sidecar from the vault's versions."
_TAMPERED = "Find out who changed the vault; trust only restore points whose hashes are recorded elsewhere."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `backup_id` is the restore point under check, or the one whose file is
    wrong."""

    blob: str
    backup_id: str
    fault: Fault
    detail: str
    remedy: str

    def as_json(self) -> Json:
        """As it stands in a message."""
        return {
            "blob": self.blob,
            "backupId": self.backup_id,
            "fault": self.fault,
            "detail": self.detail,
            "remedy": self.remedy,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Finding":
        """The inverse of as_json."""
        return Finding(value["blob"], value["backupId"], value["fault"], value["detail"], value["remedy"])


@dataclass(frozen=True, slots=True)
class SegmentCheck:
    """One segment to check, as a manifest names it."""

    object_type: str
    holds: Holds
    segment: SegmentRef

    def as_json(self) -> Json:
        """As it stands in a message."""
        return {"type": self.object_type, "holds": self.holds, "segment": self.segment.as_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "SegmentCheck":
        """The inverse of as_json."""
        return SegmentCheck(value["type"], value["holds"], SegmentRef.from_json(value["segment"]))


def segments_to_verify(manifest: Manifest) -> list[SegmentCheck]:
    """Every distinct segment that a manifest names."""
    checks: dict[SegmentCheck, None] = {}
    for object_type, entry in manifest.types.items():
        for layer in entry.layers:
            checks |= dict.fromkeys(SegmentCheck(object_type, "objects", segment) for segment in layer.objects)
            checks |= dict.fromkeys(SegmentCheck(object_type, "links", segment) for segment in layer.links)
    return list(checks)


def blobs_of(tenant_id: str, checks: Iterable[SegmentCheck]) -> set[str]:
    """The names of the segments and sidecars that these checks read."""
    segments = [check.segment for check in checks]
    return {segment_name(tenant_id, one.sha256) for one in segments} | {
        sidecar_name(tenant_id, one.sidecar_sha256) for one in segments
    }


async def verify(
    store: BlobStore, tenant_id: str, backup: str, *, expected_newest: Previous | None = None
) -> list[Finding]:
    """All that is wrong with one restore point and with the tenant's chain; empty means whole.

    `expected_newest` is what was last recorded outside the vault: without it nobody can see that the newest
    were cut off.
    """
    findings = await verify_chain(store, tenant_id, expected_newest=expected_newest)
    number = sequence_of(manifest_name(tenant_id, backup))
    if number is None:
        raise Missing(f"{backup!r} is no restore point's id")
    try:
        manifest = await read_manifest(store, tenant_id, number)
    except StoreUnavailable:
        raise
    except RepositoryError as error:
        found = _finding_of(error, manifest_name(tenant_id, backup), backup)
        return findings if found in findings else [*findings, found]
    return (
        findings
        + await verify_segments(store, tenant_id, backup, segments_to_verify(manifest))
        + (await verify_coverage(store, manifest))
    )


async def verify_segments(
    store: BlobStore, tenant_id: str, backup: str, checks: Collection[SegmentCheck]
) -> list[Finding]:
    """What is wrong with these segments and their sidecars."""
    found = await at_once((_verify_segment(store, tenant_id, backup, check) for check in checks), PARALLEL_SEGMENTS)
    return [finding for findings in found for finding in findings]


async def verify_coverage(store: BlobStore, manifest: Manifest) -> list[Finding]:
    """What is wrong with the coverage lists that lie beside the manifest."""
    findings: list[Finding] = []
    for entry in manifest.types.values():
        if not entry.coverage.sha256:
            continue
        name = coverage_name(manifest.tenant_id, entry.coverage.sha256)
        try:
            content = await store.get(name)
        except Missing as error:
            findings.append(_finding_of(error, name, manifest.backup_id))
            continue
        if hashlib.sha256(content).hexdigest() != entry.coverage.sha256:
            findings.append(_changed(name, manifest.backup_id))
    return findings


async def verify_chain(
    store: BlobStore,
    tenant_id: str,
    *,
    first: int = 1,
    expected_newest: Previous | None = None,
) -> list[Finding]:
    """What is wrong with the format file and with the manifests and tombstones from number `first` on."""
    findings: list[Finding] = []
    try:
        await check_format(store)
    except (NotARepository, UnknownFormat, Corrupt) as error:
        findings.append(_finding_of(error, FORMAT, ""))
    manifests = set(await manifest_numbers(store, tenant_id))
    tombstones = set(await tombstone_numbers(store, tenant_id))
    newest = max([*manifests, *tombstones, int(expected_newest.backup_id) if expected_newest else 0])
    before: str | None = None  # the hash of the number before, where it is known
    async for number, link in _links(store, tenant_id, range(first, newest + 1), manifests, tombstones):
        name = manifest_name(tenant_id, backup_id(number))
        findings += link.findings
        if link.sha256 is None:
            before = None
            continue
        expected = None if number == 1 else backup_id(number - 1)
        if (link.previous.backup_id if link.previous else None) != expected:
            findings.append(_broken(name, number, "does not name the restore point before it"))
        elif link.previous and before is not None and link.previous.sha256 != before:
            findings.append(
                _broken(
                    manifest_name(tenant_id, link.previous.backup_id),
                    number - 1,
                    f"is not the one that {backup_id(number)} was chained to",
                )
            )
        before = link.sha256
        if expected_newest and number == int(expected_newest.backup_id) and before != expected_newest.sha256:
            findings.append(_broken(name, number, "is not the one that was recorded when it was sealed"))
    return findings


@dataclass(frozen=True, slots=True)
class _Link:
    """What stands at one number of the chain; `sha256` is None where nothing readable does."""

    sha256: str | None
    previous: Previous | None
    findings: list[Finding]


async def _links(
    store: BlobStore, tenant_id: str, numbers: range, manifests: set[int], tombstones: set[int]
) -> AsyncIterator[tuple[int, _Link]]:
    """Each number's link in order, a few dozen manifests in memory at a time."""
    window = 32
    for start in range(0, len(numbers), window):
        part = numbers[start : start + window]
        links = await at_once(
            _read_link(store, tenant_id, number, number in manifests, number in tombstones) for number in part
        )
        for number, link in zip(part, links, strict=True):
            yield number, link


async def _read_link(store: BlobStore, tenant_id: str, number: int, has_manifest: bool, has_tombstone: bool) -> _Link:
    name, grave = manifest_name(tenant_id, backup_id(number)), tombstone_name(tenant_id, backup_id(number))
    findings: list[Finding] = []
    manifest, tombstone = None, None
    if has_tombstone:
        try:
            tombstone = await read_tombstone(store, tenant_id, number)
        except (Corrupt, UnknownFormat, Missing) as error:
            findings.append(_finding_of(error, grave, backup_id(number)))
    if has_manifest:
        try:
            manifest = await read_manifest(store, tenant_id, number)
        except (Corrupt, UnknownFormat) as error:
            findings.append(_finding_of(error, name, backup_id(number)))
        except Missing as error:
            # Expired between the listing and the reading, if there is a tombstone now.
            try:
                tombstone = await read_tombstone(store, tenant_id, number)
            except Missing:
                findings.append(_finding_of(error, name, backup_id(number)))
    elif not has_tombstone:
        findings.append(
            Finding(name, backup_id(number), "missing", "has neither a manifest nor a tombstone", _TAMPERED)
        )
    if manifest and tombstone and manifest.sha256 != tombstone.sha256:
        findings.append(_broken(name, number, "is not the manifest that its tombstone was written for"))
    link = manifest or tombstone
    return _Link(link.sha256 if link else None, link.previous if link else None, findings)


async def _verify_segment(store: BlobStore, tenant_id: str, backup: str, check: SegmentCheck) -> list[Finding]:
    segment = check.segment
    name = segment_name(tenant_id, segment.sha256)
    sidecar = sidecar_name(tenant_id, segment.sidecar_sha256)
    findings: list[Finding] = []
    index: bytes | None = None
    try:
        index = await store.get(sidecar)
        await asyncio.to_thread(check_sidecar, index, segment.sidecar_sha256, segment.sha256, sidecar)
    except Missing as error:
        findings.append(_finding_of(error, sidecar, backup))
    except UnknownFormat as error:
        findings.append(_finding_of(error, sidecar, backup))
        index = None
    except Corrupt as error:
        fault: Fault = "swappedSidecar" if isinstance(error, OtherSegment) else "changed"
        findings.append(Finding(sidecar, backup, fault, str(error), _REBUILD))
        index = None
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        copy = cast(IO[bytes], spool)
        try:
            size, sha256 = await _download(store, name, segment.size, copy)
        except Missing as error:
            return [_finding_of(error, name, backup), *findings]
        if size < segment.size:
            detail = f"has {size} bytes instead of {segment.size}"
            return [Finding(name, backup, "truncated", detail, _RECOVER), *findings]
        if sha256 != segment.sha256:
            return [_changed(name, backup), *findings]
        try:
            rebuilt, records, removals = await asyncio.to_thread(rebuild_sidecar, copy, check.holds, check.object_type)
        except Corrupt as error:
            return [Finding(name, backup, "unreadable", str(error), _RECOVER), *findings]
    if index is not None and rebuilt != index:
        detail = "does not say what its segment holds"
        findings.append(Finding(sidecar, backup, "wrongSidecar", detail, _REBUILD))
    if (records, removals) != (segment.records, segment.removals):
        detail = (
            f"holds {records} records, {removals} of them cut, "
            f"where the manifest says {segment.records} and {segment.removals}"
        )
        findings.append(Finding(name, backup, "wrongCount", detail, _TAMPERED))
    return findings


async def _download(store: BlobStore, name: str, size: int, copy: IO[bytes]) -> tuple[int, str]:
    """The blob copied to a file: its length (up to one byte more than `size`) and SHA-256."""
    sha256 = hashlib.sha256()
    length = 0
    async for part in parts(store, name, size):
        await asyncio.to_thread(sha256.update, part)
        copy.write(part)
        length += len(part)
    return length, sha256.hexdigest()


def _finding_of(error: RepositoryError, blob: str, backup: str) -> Finding:
    faults: dict[type[RepositoryError], Fault] = {
        NotARepository: "missing",
        UnknownFormat: "unknownFormat",
    }
    if isinstance(error, Missing):
        return Finding(blob, backup, "missing", "is not there", _RECOVER)
    return Finding(blob, backup, faults.get(type(error), "changed"), str(error), error.remedy)


def _changed(blob: str, backup: str) -> Finding:
    return Finding(blob, backup, "changed", "does not have the content that its name says", _RECOVER)


def _broken(blob: str, number: int, detail: str) -> Finding:
    return Finding(blob, backup_id(number), "brokenChain", detail, _TAMPERED)
