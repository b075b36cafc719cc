"""A vault whose blobs are damaged: no restore point that is made afterwards is, and the old ones say what is wrong."""

import random
from dataclasses import replace
from typing import Any

import pytest

from shared import operations
from shared.repository.manifest import Manifest
from shared.repository.names import coverage_name, manifest_name, segment_name, sidecar_name
from shared.repository.verification import verify
from shared.starting import start
from tests.laws.changes import change_something
from tests.laws.conftest import Protected

WAYS = ("flipped", "truncated", "grown", "missing")


def damage(protected: Protected, blob: str, way: str) -> None:
    """Past the law, as a bad disk or somebody with the account's key would."""
    blobs = protected.truth._inner.blobs
    content = blobs[blob].content
    if way == "missing":
        del blobs[blob]
        return
    flipped = content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]
    blobs[blob].content = {"flipped": flipped, "truncated": content[:-3], "grown": content + b"x"}[way]


def blob_of(manifest: Manifest, part: str, name: str = "user") -> str:
    """The first blob of that sort that the type's view needs."""
    layer = manifest.types[name].layers[0]
    segment = layer.links[0] if part == "links" else layer.objects[0]
    if part == "sidecar":
        return sidecar_name(manifest.tenant_id, segment.sidecar_sha256)
    return segment_name(manifest.tenant_id, segment.sha256)


async def findings(protected: Protected, manifest: Manifest) -> list[str]:
    return [found.blob for found in await verify(protected.truth, protected.tenant_id, manifest.backup_id)]


async def verified(protected: Protected, manifest: Manifest) -> Any:
    """The task of a verification that has ended."""
    operation = operations.verification(
        protected.tenant_id, f"verify-{random.random()}", backup_id=manifest.backup_id, requested_by="test"
    )
    await start(protected.opened.records, protected.engine, operation)
    await protected.engine.ended(operation.task_id)
    return await protected.opened.records.tasks.get(operation.task_id)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", ["segment", "sidecar"])
async def test_a_full_backup_over_damage_is_whole_and_the_old_restore_point_still_says_what_is_wrong(
    protected: Protected, part: str, way: str
) -> None:
    first = await protected.backed_up("full")
    damaged = blob_of(first, part)
    damage(protected, damaged, way)
    second = await protected.backed_up("full")
    assert not await findings(protected, second)
    assert not await protected.apart_now(second)
    if way == "missing":  # the same content was written under its own name again
        assert not await findings(protected, first)
    else:
        assert await findings(protected, first) == [damaged]
        assert (await findings(protected, await protected.backed_up("full"))) == []


@pytest.mark.parametrize(("part", "way"), list(zip(("segment", "sidecar", "links", "segment"), WAYS, strict=True)))
async def test_once_verify_has_found_damage_an_incremental_backup_reads_that_type_in_full_and_is_whole(
    protected: Protected, part: str, way: str
) -> None:
    first = await protected.backed_up("full")
    damaged = blob_of(first, part)
    damage(protected, damaged, way)
    task = await verified(protected, first)
    assert task["status"] == "failed"
    assert "the next backup reads that type in full" in task["lastResultDescription"].lower()
    change_something(protected.store, random.Random(way + part), 5)
    second = await protected.backed_up()
    assert not await findings(protected, second)
    assert not await protected.apart_now(second)
    assert second.types["user"].full_read_at > first.types["user"].full_read_at
    assert second.types["group"].full_read_at == first.types["group"].full_read_at
    notes = [event async for _, event in protected.opened.records.events.stream([protected.tenant_id])]
    assert any("damaged: user." in event["message"] for event in notes if event["code"] == "backupNote")
    third = await protected.backed_up()
    assert third.types["user"].full_read_at == second.types["user"].full_read_at, "healed once, and not for ever"
    assert (await verified(protected, third))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("name", "part", "way"),
    [
        ("user", "segment", "missing"), ("user", "links", "truncated"), ("user", "sidecar", "flipped"),
        ("group", "segment", "flipped"), ("group", "links", "flipped"), ("group", "sidecar", "grown"),
        ("administrativeUnit", "links", "flipped"), ("conditionalAccessPolicy", "segment", "flipped"),
        ("conditionalAccessPolicy", "sidecar", "missing"),
    ],
)
async def test_a_backup_that_trips_over_damage_begins_anew_and_is_whole(
    protected: Protected, name: str, part: str, way: str
) -> None:
    first = await protected.backed_up("full")
    damage(protected, blob_of(first, part, name), way)
    change_something(protected.store, random.Random(name + part), 6)
    protected.store.update(*changed_policy(protected))
    second = await protected.backed_up()
    if way == "flipped" and await findings(protected, second):
        # Nothing needed what the byte belongs to: verification is there to find it.
        assert (await verified(protected, second))["status"] == "failed"
        second = await protected.backed_up()
    assert not await findings(protected, second)
    assert not await protected.apart_now(second)
    tasks = [task async for _, task in protected.opened.records.tasks.stream(None) if task["type"] == "backup"]
    assert all(task["status"] != "failed" for task in tasks)


def changed_policy(protected: Protected) -> tuple[str, dict[str, Any]]:
    record = next(iter(protected.store.all("conditionalAccessPolicy")))
    return record.key, {**record.read(), "displayName": "Changed"}


async def test_a_type_that_is_damaged_and_cannot_be_read_is_in_no_newer_restore_point_and_says_why(
    protected: Protected,
) -> None:
    first = await protected.backed_up("full")
    damage(protected, blob_of(first, "segment", "group"), "flipped")
    await verified(protected, first)
    protected.faults({"kind": "status", "status": 403, "path": "^/v1.0/groups"})
    second = await protected.backed_up()
    entry = second.types["group"]
    assert (entry.outcome, entry.layers) == ("refused", ())
    assert f"restore point {first.backup_id} holds of it is damaged" in entry.reason
    assert not await findings(protected, second)
    protected.faults()
    assert not await protected.apart_now(await protected.backed_up())


async def test_a_damaged_manifest_does_not_stop_the_backups_after_it(protected: Protected) -> None:
    await protected.backed_up("full")
    second = await protected.backed_up()
    change_something(protected.store, random.Random(3), 6)
    damage(protected, manifest_name(protected.tenant_id, second.backup_id), "truncated")
    task = await protected.back_up()
    assert task["status"] == "succeeded", task["lastResultDescription"]
    newest = protected.truth
    assert task["result"]["backupId"] == "00000003"
    assert [found.blob for found in await verify(newest, protected.tenant_id, "00000003")] == [
        manifest_name(protected.tenant_id, second.backup_id)
    ]


async def test_a_damaged_coverage_list_is_written_anew(protected: Protected) -> None:
    for number in range(120):
        protected.store.link(
            next(iter(protected.store.all("group"))).key, "members", f"00000000-0000-4000-9000-{number:012d}"
        )
    first = await protected.backed_up("full")
    listed = first.types["group"].coverage
    assert listed.sha256
    damage(protected, coverage_name(protected.tenant_id, listed.sha256), "flipped")
    for kind in ("full", "incremental"):
        again = await protected.backed_up(kind)
        assert not await findings(protected, again)
        assert again.types["group"].coverage.count == listed.count
    damage(protected, coverage_name(protected.tenant_id, again.types["group"].coverage.sha256), "flipped")
    assert not await findings(protected, await protected.backed_up())


async def test_what_was_recovered_is_built_on_again(protected: Protected) -> None:
    first = await protected.backed_up("full")
    blob = blob_of(first, "segment")
    whole = protected.truth._inner.blobs[blob]
    kept = replace(whole)
    damage(protected, blob, "flipped")
    assert (await verified(protected, first))["status"] == "failed"
    protected.truth._inner.blobs[blob] = kept
    assert (await verified(protected, first))["status"] == "succeeded"
    second = await protected.backed_up()
    assert second.types["user"].full_read_at == first.types["user"].full_read_at
