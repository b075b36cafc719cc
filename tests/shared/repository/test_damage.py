"""What lies damaged in the vault is stored whole beside itself, and every reader reads that."""

import shutil
import subprocess
from typing import Any

import pytest

from shared.errors import Corrupt
from shared.repository import segments
from shared.repository.coverage import read_coverage, store_coverage
from shared.repository.manifest import Layer, SegmentRef
from shared.repository.names import coverage_name, segment_name, sidecar_name
from shared.repository.verification import SegmentCheck, verify_segments
from shared.repository.view import TypeView

OBJECTS = [(f"u{number}", {"n": number}) for number in range(3_000)]


def blob(vault: Any, ref: SegmentRef, part: str) -> str:
    if part == "segment":
        return segment_name(vault.tenant, ref.sha256)
    return sidecar_name(vault.tenant, ref.sidecar_sha256)


def damage(vault: Any, name: str, way: str) -> None:
    content = vault.plain.blobs[name].content
    if way == "missing":
        del vault.plain.blobs[name]
    else:
        changed = {"flipped": content[:30] + b"\0" + content[31:], "truncated": content[:-1], "grown": content + b"x"}
        vault.plain.blobs[name].content = changed[way]


def by_hand(segment: bytes) -> bytes:
    return subprocess.run(["zstd", "-dc"], input=segment, capture_output=True, check=True).stdout


async def findings(vault: Any, ref: SegmentRef) -> list[str]:
    check = SegmentCheck("user", "objects", ref)
    return [found.blob for found in await verify_segments(vault.store, vault.tenant, "00000001", [check])]


@pytest.mark.parametrize("way", ["flipped", "truncated", "grown", "missing"])
@pytest.mark.parametrize("part", ["segment", "sidecar"])
async def test_what_lies_damaged_under_its_name_is_stored_whole_under_another(
    vault: Any, part: str, way: str
) -> None:
    first = await vault.segment("user", OBJECTS)
    name = blob(vault, first, part)
    damage(vault, name, way)
    damaged = vault.plain.blobs[name].content if way != "missing" else None
    again = await vault.segment("user", OBJECTS)
    assert await findings(vault, again) == []
    assert (again.sha256 == first.sha256) == (way == "missing"), "one that is gone is written under its own name"
    if damaged is not None:
        assert vault.plain.blobs[name].content == damaged, "a blob is written once"
        assert await findings(vault, first) == [name]
    assert await vault.segment("user", OBJECTS) == again, "safe to repeat"


async def test_every_reader_passes_over_the_skippable_frames(vault: Any) -> None:
    first = await vault.segment("user", OBJECTS)
    renamed = first
    for _ in range(3):
        damage(vault, blob(vault, renamed, "segment"), "flipped")
        renamed = await vault.segment("user", OBJECTS)
    assert renamed.size == first.size + 3 * 8
    view = TypeView(vault.store, vault.tenant, "user", [Layer(objects=(renamed,))])
    assert {one.object_id: one.body async for one in view.objects()} == dict(OBJECTS)
    assert (await view.objects_by_id(["u2999"]))["u2999"].body == {"n": 2999}
    text = vault.plain.blobs[blob(vault, renamed, "segment")].content
    if shutil.which("zstd"):
        assert by_hand(text).count(b"\n") == len(OBJECTS)


@pytest.mark.parametrize("way", ["flipped", "truncated"])
async def test_a_damaged_renamed_segment_is_corrupt_and_never_short(vault: Any, way: str) -> None:
    first = await vault.segment("user", OBJECTS)
    damage(vault, blob(vault, first, "segment"), "flipped")
    renamed = await vault.segment("user", OBJECTS)
    content = vault.plain.blobs[blob(vault, renamed, "segment")].content
    damaged = content[:-1] if way == "truncated" else content[:-1] + b"\1"
    vault.plain.blobs[blob(vault, renamed, "segment")].content = damaged
    view = TypeView(vault.store, vault.tenant, "user", [Layer(objects=(renamed,))])
    with pytest.raises(Corrupt):
        [one async for one in view.objects()]


async def test_damage_without_end_is_an_error_and_no_endless_loop(
    vault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> bool:
        return False

    monkeypatch.setattr(segments, "put_content_named", never)
    with pytest.raises(Corrupt):
        await vault.segment("user", OBJECTS)


async def test_a_damaged_coverage_list_is_stored_whole_under_another_name(vault: Any) -> None:
    entries = [{"objectId": f"u{number}"} for number in range(200)]
    first = await store_coverage(vault.store, vault.tenant, entries, now=vault.clock())
    damage(vault, coverage_name(vault.tenant, first.sha256), "flipped")
    with pytest.raises(Corrupt):
        [one async for one in read_coverage(vault.store, vault.tenant, first)]
    again = await store_coverage(vault.store, vault.tenant, entries, now=vault.clock())
    assert again.sha256 != first.sha256
    assert [one async for one in read_coverage(vault.store, vault.tenant, again)] == entries
    assert await store_coverage(vault.store, vault.tenant, entries, now=vault.clock()) == again
