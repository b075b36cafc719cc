"""What verify finds: each damage is found and named."""

from dataclasses import replace
from typing import Any

import pytest

from shared.repository.chain import list_manifests
from shared.repository.manifest import Previous
from shared.repository.names import manifest_name, segment_name, sidecar_name
from shared.repository.records import canonical
from shared.repository.segments import SegmentWriter, store_segment
from shared.repository.verification import (
    Finding,
    SegmentCheck,
    segments_to_verify,
    verify,
    verify_chain,
    verify_segments,
)


async def two_types(vault: Any) -> Any:
    return await vault.sealed(
        {
            "user": (await vault.layer("user", [(f"u{n}", {"n": n}) for n in range(1_500)]),),
            "group": (await vault.layer("group", [("g", {"n": 1})], [("g", "members", "u1", True)]),),
        }
    )


def faults(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.blob, finding.backup_id, finding.fault) for finding in findings]


async def test_a_whole_restore_point_has_no_findings(vault: Any) -> None:
    await vault.sealed()
    sealed = await two_types(vault)
    assert (
        await verify(
            vault.store, vault.tenant, sealed.backup_id, expected_newest=Previous(sealed.backup_id, sealed.sha256)
        )
        == []
    )


@pytest.mark.parametrize("at", [0, 20, -1])
async def test_a_flipped_byte_is_found_and_named(vault: Any, at: int) -> None:
    sealed = await two_types(vault)
    for segment in sealed.segments():
        for name in (segment_name(vault.tenant, segment.sha256), sidecar_name(vault.tenant, segment.sidecar_sha256)):
            blob = vault.plain.blobs[name]
            whole = blob.content
            damaged = bytearray(whole)
            damaged[at] ^= 0x10
            blob.content = bytes(damaged)
            findings = await verify(vault.store, vault.tenant, sealed.backup_id)
            blob.content = whole
            assert faults(findings) in (
                [(name, sealed.backup_id, "changed")],
                [(name, sealed.backup_id, "swappedSidecar")],
            )
            assert findings[0].remedy


async def test_a_missing_segment_is_found_and_named(vault: Any) -> None:
    sealed = await two_types(vault)
    for segment in list(sealed.segments()):
        for name in (segment_name(vault.tenant, segment.sha256), sidecar_name(vault.tenant, segment.sidecar_sha256)):
            blob = vault.plain.blobs.pop(name)
            assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [
                (name, sealed.backup_id, "missing")
            ]
            vault.plain.blobs[name] = blob


async def test_a_truncated_segment_is_found_and_named(vault: Any) -> None:
    sealed = await two_types(vault)
    name = segment_name(vault.tenant, next(sealed.segments()).sha256)
    vault.plain.blobs[name].content = vault.plain.blobs[name].content[:-5]
    assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [(name, sealed.backup_id, "truncated")]


async def test_a_segment_grown_longer_is_found_and_named(vault: Any) -> None:
    sealed = await two_types(vault)
    name = segment_name(vault.tenant, next(sealed.segments()).sha256)
    vault.plain.blobs[name].content += b"x"
    assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [(name, sealed.backup_id, "changed")]


async def test_a_swapped_sidecar_is_found_and_named(vault: Any) -> None:
    sealed = await two_types(vault)
    one, other, *_ = (sidecar_name(vault.tenant, segment.sidecar_sha256) for segment in sealed.segments())
    vault.plain.blobs[one].content = vault.plain.blobs[other].content
    assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [
        (one, sealed.backup_id, "swappedSidecar")
    ]


async def test_a_sidecar_swapped_in_the_manifest_is_found_and_named(vault: Any) -> None:
    sealed = await two_types(vault)
    one, other, *_ = segments_to_verify(sealed)
    check = replace(one, segment=replace(one.segment, sidecar_sha256=other.segment.sidecar_sha256))
    [finding] = await verify_segments(vault.store, vault.tenant, sealed.backup_id, [check])
    assert finding.fault == "swappedSidecar"


async def test_a_forged_sidecar_with_the_right_name_is_found(vault: Any) -> None:
    writer = SegmentWriter("user", "objects")
    writer.put_object("a", {"n": 1})
    draft = writer.finish()
    draft.sidecar = draft.sidecar[:-40] + bytes(16) + draft.sidecar[-24:]
    ref = await store_segment(vault.store, vault.tenant, draft, now=vault.clock())
    draft.close()
    [finding] = await verify_segments(vault.store, vault.tenant, "00000001", [SegmentCheck("user", "objects", ref)])
    assert finding.fault == "wrongSidecar"


async def test_a_wrong_count_is_found(vault: Any) -> None:
    ref = await vault.segment("user", [("a", {"n": 1})])
    check = SegmentCheck("user", "objects", replace(ref, records=2))
    [finding] = await verify_segments(vault.store, vault.tenant, "00000001", [check])
    assert (finding.fault, finding.blob) == ("wrongCount", segment_name(vault.tenant, ref.sha256))


async def test_a_segment_of_another_type_is_found(vault: Any) -> None:
    ref = await vault.segment("user", [("a", {"n": 1})])
    [finding] = await verify_segments(vault.store, vault.tenant, "00000001", [SegmentCheck("group", "objects", ref)])
    assert finding.fault == "unreadable"


async def test_a_broken_chain_is_found_and_named(vault: Any) -> None:
    for _ in range(3):
        await vault.sealed()
    assert await verify_chain(vault.store, vault.tenant) == []
    second = manifest_name(vault.tenant, "00000002")
    manifest = [m async for m in list_manifests(vault.store, vault.tenant)][1]
    vault.plain.blobs[second].content = replace(manifest, run_id="forged").as_bytes()
    assert faults(await verify_chain(vault.store, vault.tenant)) == [(second, "00000002", "brokenChain")]


async def test_a_manifest_taken_out_is_found_and_named(vault: Any) -> None:
    for _ in range(3):
        await vault.sealed()
    second = manifest_name(vault.tenant, "00000002")
    del vault.plain.blobs[second]
    assert faults(await verify_chain(vault.store, vault.tenant)) == [(second, "00000002", "missing")]


async def test_a_tail_cut_off_is_found_when_the_newest_is_known(vault: Any) -> None:
    sealed = [await vault.sealed() for _ in range(3)]
    newest = Previous(sealed[-1].backup_id, sealed[-1].sha256)
    name = manifest_name(vault.tenant, newest.backup_id)
    blob = vault.plain.blobs.pop(name)
    assert faults(await verify_chain(vault.store, vault.tenant, expected_newest=newest)) == [
        (name, "00000003", "missing")
    ]
    vault.plain.blobs[name] = blob
    blob.content = replace(sealed[-1], run_id="forged").as_bytes()
    assert faults(await verify_chain(vault.store, vault.tenant, expected_newest=newest)) == [
        (name, "00000003", "brokenChain")
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format":"cairn-manifest","formatVersion":1}'])
async def test_a_manifest_that_is_none_is_found_once(vault: Any, content: bytes) -> None:
    sealed = await vault.sealed()
    name = manifest_name(vault.tenant, sealed.backup_id)
    vault.plain.blobs[name].content = content
    assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [(name, sealed.backup_id, "changed")]


async def test_a_manifest_of_an_unknown_version_is_found(vault: Any) -> None:
    sealed = await vault.sealed()
    name = manifest_name(vault.tenant, sealed.backup_id)
    vault.plain.blobs[name].content = canonical({"format": "cairn-manifest", "formatVersion": 2})
    assert faults(await verify(vault.store, vault.tenant, sealed.backup_id)) == [
        (name, sealed.backup_id, "unknownFormat")
    ]


async def test_an_absent_restore_point_is_a_finding(vault: Any) -> None:
    await vault.sealed()
    name = manifest_name(vault.tenant, "00000009")
    assert faults(await verify(vault.store, vault.tenant, "00000009")) == [(name, "00000009", "missing")]


async def test_checks_and_findings_travel_as_json(vault: Any) -> None:
    sealed = await two_types(vault)
    for check in segments_to_verify(sealed):
        assert SegmentCheck.from_json(check.as_json()) == check
    del vault.plain.blobs[segment_name(vault.tenant, next(sealed.segments()).sha256)]
    for finding in await verify(vault.store, vault.tenant, sealed.backup_id):
        assert Finding.from_json(finding.as_json()) == finding
