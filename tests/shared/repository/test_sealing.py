"""Sealing and expiry: what is seen, when, and what is left behind by a crash at any moment."""

import asyncio
import contextlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Corrupt, Immutable, Missing, NotARepository, RepositoryError, StoreUnavailable, UnknownFormat
from shared.repository.chain import list_manifests, manifest_numbers, newest_number, read_manifest, tombstone_numbers
from shared.repository.compaction import compact, needs_compaction
from shared.repository.coverage import INLINE_ENTRIES, read_coverage, store_coverage
from shared.repository.expiry import expire
from shared.repository.format import initialise
from shared.repository.manifest import Coverage, Layer, Manifest, Previous, TypeEntry
from shared.repository.names import FORMAT, manifest_name, segment_name
from shared.repository.restore_point import RestorePoint
from shared.repository.sealing import named_blobs, seal
from shared.repository.verification import verify, verify_chain
from shared.repository.view import TypeView


class Crash(BaseException):
    """The process is gone: nothing catches it."""


class CrashingStore:
    """A store whose process dies before or after its n-th operation."""

    def __init__(self, inner: Any, operations: int, after: bool) -> None:
        self.inner, self.left, self.after = inner, operations, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)
        if name == "list":
            return call

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
            answer = await call(*args, **kwargs)
            if self.left == 0:
                raise Crash
            return answer

        return counted


async def backup(vault: Any, store: Any, generation: int) -> Manifest:
    """One whole run against `store`: segments, sidecars, coverage, manifest."""
    usual, vault.store = vault.store, store
    try:
        layer = await vault.layer("user", [("a", {"n": generation})], [("a", "manager", f"b{generation}", True)])
        coverage = await store_coverage(
            store, vault.tenant, [{"n": n, "run": generation} for n in range(INLINE_ENTRIES + 1)], now=vault.clock()
        )
        draft = vault.draft({"user": (layer,)}, run=f"run-{generation}", days=300)
        return await seal(store, replace(draft, types={"user": replace(draft.types["user"], coverage=coverage)}))
    finally:
        vault.store = usual


async def is_whole(vault: Any) -> list[str]:
    """The ids of the restore points seen, each proven readable and sound."""
    seen = [manifest async for manifest in list_manifests(vault.store, vault.tenant)]
    for manifest in seen:
        assert await verify(vault.store, vault.tenant, manifest.backup_id) == []
        point = await RestorePoint.open(vault.store, vault.tenant, manifest.backup_id)
        assert len([record async for record in point.view("user").objects()]) == 1
    return [manifest.run_id for manifest in seen]


@pytest.mark.parametrize("after", [False, True])
async def test_a_reader_never_sees_a_half_written_restore_point(vault: Any, after: bool) -> None:
    await backup(vault, vault.store, 0)
    for operations in range(1, 100):
        run = f"run-{operations}"
        vault.clock.turn(hours=3)
        before = await is_whole(vault)
        try:
            await backup(vault, CrashingStore(vault.store, operations, after), operations)
        except Crash:
            assert await is_whole(vault) in (before, [run, *before])
            sealed = await backup(vault, vault.store, operations)
            assert await is_whole(vault) == [run, *before], "the retry ends as the run would have, once"
            assert sealed.run_id == run
        else:
            assert operations > 10, "every operation was a place to crash"
            return
    pytest.fail("a backup takes more operations than were tried")


async def test_the_manifest_is_written_last(vault: Any) -> None:
    await initialise(vault.store)
    written: list[str] = []
    put_new, extend = vault.plain.put_new, vault.plain.set_metadata

    async def recorded(name: str, *args: Any, **kwargs: Any) -> None:
        await put_new(name, *args, **kwargs)
        written.append(name)

    async def extended(name: str, *args: Any) -> None:
        await extend(name, *args)
        written.append(name)

    vault.plain.put_new, vault.plain.set_metadata = recorded, extended
    sealed = await backup(vault, vault.store, 1)
    assert written[-1] == manifest_name(vault.tenant, sealed.backup_id)
    assert set(written[:-1]) == set(named_blobs(sealed))


async def test_sealing_extends_the_retention_of_every_segment_it_names(vault: Any) -> None:
    base = await vault.layer("user", [("a", {"n": 1})], [("a", "manager", "b", True)])
    first = await vault.sealed({"user": (base,)}, days=10)
    vault.clock.turn(days=3)
    second = await vault.sealed({"user": (base, await vault.layer("user", [("a", {"n": 2})]))}, days=10)
    assert named_blobs(first).keys() < named_blobs(second).keys()
    for name in [*named_blobs(second), manifest_name(vault.tenant, second.backup_id)]:
        found = await vault.store.properties(name)
        assert found.retain_until == second.expires
        with pytest.raises(Immutable):
            await vault.store.delete(name)


async def test_a_shorter_restore_point_shortens_nothing(vault: Any) -> None:
    layer = await vault.layer("user", [("a", {"n": 1})])
    long = await vault.sealed({"user": (layer,)}, days=100)
    await vault.sealed({"user": (layer,)}, days=1)
    for name in named_blobs(long):
        assert (await vault.store.properties(name)).retain_until == long.expires


async def test_two_sealers_never_take_the_same_number(vault: Any) -> None:
    drafts = [vault.draft({"user": (await vault.layer("user", [(f"u{n}", {"n": n})]),)}) for n in range(12)]
    sealed = await asyncio.gather(*(seal(vault.store, draft) for draft in drafts))
    assert sorted(manifest.sequence for manifest in sealed) == list(range(1, 13))
    assert await verify_chain(vault.store, vault.tenant) == []


async def test_a_sealing_tried_again_finds_its_own_manifest(vault: Any) -> None:
    draft = vault.draft({"user": (await vault.layer("user", [("a", {"n": 1})]),)})
    first = await seal(vault.store, draft)
    await vault.sealed()
    again = await seal(vault.store, replace(draft, finished=vault.clock() + timedelta(minutes=1)))
    assert again == first
    assert await newest_number(vault.store, vault.tenant) == 2


async def test_sealing_twice_at_once_makes_one_restore_point(vault: Any) -> None:
    draft = vault.draft({"user": (await vault.layer("user", [("a", {"n": 1})]),)})
    one, other = await asyncio.gather(seal(vault.store, draft), seal(vault.store, draft))
    assert one == other
    assert await manifest_numbers(vault.store, vault.tenant) == [1]


async def test_a_lost_answer_to_the_last_write_is_no_second_restore_point(vault: Any) -> None:
    put_new = vault.plain.put_new

    async def answered_late(name: str, *args: Any, **kwargs: Any) -> None:
        await put_new(name, *args, **kwargs)
        if "/manifests/" in name:
            await put_new(name, *args, **kwargs)  # the SDK's own retry finds its first try there

    vault.plain.put_new = answered_late
    sealed = await vault.sealed()
    assert sealed.sequence == 1
    assert await manifest_numbers(vault.store, vault.tenant) == [1]


async def test_nothing_is_sealed_over_a_missing_segment_or_one_of_another_size(vault: Any) -> None:
    layer = await vault.layer("user", [("a", {"n": 1})])
    name = segment_name(vault.tenant, layer.objects[0].sha256)
    blob = vault.plain.blobs.pop(name)
    with pytest.raises(Missing):
        await seal(vault.store, vault.draft({"user": (layer,)}))
    vault.plain.blobs[name] = replace(blob, content=blob.content[:-1])
    with pytest.raises(Corrupt):
        await seal(vault.store, vault.draft({"user": (layer,)}))
    assert await manifest_numbers(vault.store, vault.tenant) == []


async def test_storage_failing_seals_nothing_and_the_next_run_succeeds(vault: Any) -> None:
    put_new = vault.plain.put_new

    async def failing(name: str, *args: Any, **kwargs: Any) -> None:
        if "/manifests/" in name:
            raise StoreUnavailable("down")
        await put_new(name, *args, **kwargs)

    vault.plain.put_new = failing
    with pytest.raises(StoreUnavailable):
        await vault.sealed()
    vault.plain.put_new = put_new
    assert (await vault.sealed()).sequence == 1


async def test_latest_is_the_newest_that_is_not_before_restore(vault: Any) -> None:
    with pytest.raises(NotARepository):
        await RestorePoint.open(vault.store, vault.tenant)
    await initialise(vault.store)
    with pytest.raises(Missing):
        await RestorePoint.open(vault.store, vault.tenant)
    await vault.sealed()
    second = await vault.sealed(kind="incremental")
    third = await vault.sealed(kind="beforeRestore")
    assert (await RestorePoint.open(vault.store, vault.tenant)).manifest == second
    assert (await RestorePoint.open(vault.store, vault.tenant, third.backup_id)).manifest == third
    assert [m.sequence async for m in list_manifests(vault.store, vault.tenant)] == [3, 2, 1]
    assert [m.sequence async for m in list_manifests(vault.store, vault.tenant, before=3)] == [2, 1]
    for unknown in ("00000009", "../../x", "1", "latest "):
        with pytest.raises(Missing):
            await RestorePoint.open(vault.store, vault.tenant, unknown)
    with pytest.raises(Missing):
        (await RestorePoint.open(vault.store, vault.tenant)).view("device")


async def test_a_manifest_survives_its_file(vault: Any) -> None:
    layer = await vault.layer("user", [("a", {"n": 1})], [("a", "manager", "b", True)])
    entry = TypeEntry(
        "partial",
        "why",
        "do this",
        "2026-11-21T10:00:00Z",
        layers=(layer,),
        counts={"objects": 1, "guests": 0},
        requests=5,
        resource_units=7,
        delta_tokens={"users": "local.x"},
        coverage=Coverage(1, ({"objectId": "a"},)),
    )
    draft = vault.draft({})
    sealed = await seal(vault.store, replace(draft, types={"user": entry, "group": entry.carried("not asked for")}))
    assert sealed.types["user"] == entry
    assert sealed.types["group"].outcome == "carried"
    assert (sealed.counts, sealed.requests, sealed.resource_units) == ({"user": 1, "group": 1}, 5, 7)
    assert sealed.size_bytes == sum(one.size + one.sidecar_size for one in layer.segments), "each segment once"
    assert await read_manifest(vault.store, vault.tenant, 1) == sealed


async def test_an_unknown_format_version_is_refused(vault: Any) -> None:
    sealed = await vault.sealed()
    vault.plain.blobs[FORMAT].content = b'{"format":"cairn-repository","version":2}'
    with pytest.raises(UnknownFormat):
        await RestorePoint.open(vault.store, vault.tenant, sealed.backup_id)
    with pytest.raises(UnknownFormat):
        await vault.sealed()
    vault.plain.blobs[FORMAT].content = b'{"format":"cairn-repository","version":1}'
    name = manifest_name(vault.tenant, sealed.backup_id)
    vault.plain.blobs[name].content = vault.plain.blobs[name].content.replace(
        b'"formatVersion":1', b'"formatVersion":9'
    )
    with pytest.raises(UnknownFormat):
        await RestorePoint.open(vault.store, vault.tenant, sealed.backup_id)
    vault.plain.blobs[FORMAT].content = b'{"format":"other"}'
    with pytest.raises(NotARepository):
        await RestorePoint.open(vault.store, vault.tenant)


@pytest.mark.parametrize("tenant", ["", "..", "x/../y", "0f0e0d0c-0b0a-0908-0706-05040302010", "*"])
async def test_a_tenant_id_cannot_reach_into_another_folder(vault: Any, tenant: str) -> None:
    with pytest.raises(RepositoryError):
        await manifest_numbers(vault.store, tenant)


async def test_long_coverage_lies_beside_the_manifest(vault: Any) -> None:
    short = await store_coverage(vault.store, vault.tenant, [{"objectId": "a"}])
    assert short == Coverage(1, ({"objectId": "a"},))
    entries = [{"objectId": f"u{n}", "reason": "refused"} for n in range(5_000)]
    long = await store_coverage(vault.store, vault.tenant, entries)
    assert Coverage.from_json(long.as_json()) == long
    assert [entry async for entry in read_coverage(vault.store, vault.tenant, long)] == entries
    assert await store_coverage(vault.store, vault.tenant, entries) == long


# Expiry


async def test_expiry_leaves_the_chain_checkable(vault: Any) -> None:
    await vault.sealed(days=30)
    await vault.sealed(days=2)
    await vault.sealed(days=30)
    vault.clock.turn(days=3)
    report = await expire(vault.store, vault.tenant, vault.clock())
    assert (report.expired, report.unreadable) == (("00000002",), ())
    assert (await manifest_numbers(vault.store, vault.tenant), await tombstone_numbers(vault.store, vault.tenant)) == (
        [1, 3],
        [2],
    )
    assert await verify_chain(vault.store, vault.tenant) == []
    vault.clock.turn(days=60)
    await expire(vault.store, vault.tenant, vault.clock())
    assert await manifest_numbers(vault.store, vault.tenant) == []
    newest = await vault.sealed()
    assert newest.sequence == 4
    assert await verify_chain(vault.store, vault.tenant, expected_newest=Previous("00000004", newest.sha256)) == []
    assert not [name for name in vault.plain.blobs if "/segments/" in name and name not in named_blobs(newest)]


async def test_expiry_waits_for_retention(vault: Any) -> None:
    sealed = await vault.sealed(days=2)
    vault.clock.turn(days=1)
    await vault.store.extend_retention(manifest_name(vault.tenant, sealed.backup_id), vault.clock() + timedelta(days=9))
    vault.clock.turn(days=5)
    assert (await expire(vault.store, vault.tenant, vault.clock())).expired == ()
    assert await is_readable(vault, sealed)


async def test_expiry_sweeps_what_crashed_runs_left_after_a_day(vault: Any) -> None:
    sealed = await vault.sealed()
    left = await vault.layer("user", [("x", {"n": 1})])
    vault.clock.turn(hours=23)
    assert (await expire(vault.store, vault.tenant, vault.clock())).deleted == 0
    vault.clock.turn(hours=2)
    held = segment_name(vault.tenant, left.objects[0].sha256)
    assert (await expire(vault.store, vault.tenant, vault.clock(), in_use={held})).deleted == 1
    report = await expire(vault.store, vault.tenant, vault.clock())
    assert (report.deleted, report.freed_bytes) == (1, left.objects[0].size)
    assert await verify(vault.store, vault.tenant, sealed.backup_id) == []


async def test_expiry_deletes_nothing_while_a_manifest_cannot_be_read(vault: Any) -> None:
    sealed = await vault.sealed(days=1)
    other = await vault.sealed(days=9)
    name = manifest_name(vault.tenant, other.backup_id)
    whole = vault.plain.blobs[name].content
    vault.plain.blobs[name].content = b"?"
    vault.clock.turn(days=3)
    report = await expire(vault.store, vault.tenant, vault.clock())
    assert (report.deleted, report.unreadable) == (0, (other.backup_id,))
    vault.plain.blobs[name].content = whole
    assert (await expire(vault.store, vault.tenant, vault.clock())).deleted == 2
    assert sealed.backup_id not in await is_whole_ids(vault)


async def is_readable(vault: Any, manifest: Manifest) -> bool:
    return await verify(vault.store, vault.tenant, manifest.backup_id) == []


async def is_whole_ids(vault: Any) -> list[str]:
    ids = [manifest.backup_id async for manifest in list_manifests(vault.store, vault.tenant)]
    for backup_id in ids:
        assert await verify(vault.store, vault.tenant, backup_id) == []
    return ids


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), data=st.data())
async def test_expiry_never_removes_what_a_living_manifest_names(vault: Any, seed: int, data: st.DataObject) -> None:
    vault.plain.blobs.clear()
    draws = random.Random(seed)
    layers: list[Layer] = []
    for turn in range(draws.randint(1, 10)):
        match draws.choice(["base", "change", "change", "crash", "expire", "crashing expiry"]):
            case "base":
                layers = [await vault.layer("user", [("a", {"n": turn})])]
                await vault.sealed({"user": tuple(layers)}, days=draws.choice([1, 2, 5]))
            case "change":
                layers.append(await vault.layer("user", [("b", {"n": turn})]))
                try:
                    await vault.sealed({"user": tuple(layers)}, days=draws.choice([1, 2, 5]), kind="incremental")
                except Missing:
                    layers = []  # its base has expired: the next backup is a full one
            case "crash":
                await vault.layer("user", [("c", {"n": turn})])
            case "expire":
                await expire(vault.store, vault.tenant, vault.clock())
            case "crashing expiry":
                operations, after = data.draw(st.integers(1, 12)), data.draw(st.booleans())
                with contextlib.suppress(Crash):
                    await expire(CrashingStore(vault.store, operations, after), vault.tenant, vault.clock())
        await is_whole_ids(vault)
        assert await verify_chain(vault.store, vault.tenant) in ([], format_missing(vault))
        vault.clock.turn(hours=draws.choice([1, 20, 30]))


def format_missing(vault: Any) -> Any:
    """Before the first sealing there is no repository, and verify says so."""
    if FORMAT in vault.plain.blobs:
        return []

    class OneFinding(list[Any]):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, list) and [f.blob for f in other] == [FORMAT]

        __hash__ = None  # type: ignore[assignment]

    return OneFinding()


# Compaction


async def test_a_compacted_view_is_the_same_view(vault: Any) -> None:
    layers = (
        await vault.layer(
            "user", [(f"u{n}", {"n": n}, {"seen": n}) for n in range(2_500)], [("u1", "manager", "u2", True)]
        ),
        await vault.layer(
            "user", [("u3", None), ("u4", {"n": -4})], [("u1", "manager", "u2", False), ("u5", "manager", "u6", True)]
        ),
    )
    old = TypeView(vault.store, vault.tenant, "user", layers)
    new = TypeView(vault.store, vault.tenant, "user", [await compact(old, vault.store, now=vault.clock())])
    key = lambda record: record.object_id  # noqa: E731
    assert sorted([r async for r in new.objects()], key=key) == sorted([r async for r in old.objects()], key=key)
    assert [r async for r in new.links()] == [r async for r in old.links()]
    assert await compact(old, vault.store, now=vault.clock()) == new.layers[0], "safe to repeat"
    empty = TypeView(vault.store, vault.tenant, "user", [])
    assert await compact(empty, vault.store) == Layer()


async def test_compaction_is_needed_when_reading_slows_down(vault: Any) -> None:
    base = await vault.layer("user", [(f"u{n}", {"n": n}) for n in range(2_000)])
    change = await vault.layer("user", [("u1", {"n": -1})])
    half = await vault.layer("user", [(f"u{n}", {"n": -n}) for n in range(1_100)])
    assert not needs_compaction([])
    assert not needs_compaction([base])
    assert not needs_compaction([base, *[change] * 31])
    assert needs_compaction([base, *[change] * 32])
    assert needs_compaction([base, half])
