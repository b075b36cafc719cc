"""Laws of unpacking: whole, repeatable, re-used by neighbours, dropped without harm to them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.browse.files import IndexFiles
from shared.browse.index import NotUnpacked, drop_indexes, find_index
from shared.browse.origins import Origins
from shared.browse.packing import show_unpacked
from shared.browse.sweeping import sweep_indexes
from shared.browse.timeline import History, events_of
from shared.records.times import utc_now
from shared.repository.compaction import compact
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from tests.shared.backup.conftest import Backups
from tests.shared.browse.conftest import unpack


async def rows(backups: Backups, files: IndexFiles, manifest: object, what: str = "objects") -> list[dict[str, object]]:
    found = await find_index(backups.opened.workspace, manifest)  # type: ignore[arg-type]
    parts = [(index, part) for index in found.values() for part in getattr(index, what)]
    async with files.local(backups.opened.workspace, parts) as paths:
        return await files.engine.rows("SELECT * FROM read_parquet($paths)", {"paths": paths})


async def test_an_index_holds_every_object_of_its_restore_point(backups: Backups, files: IndexFiles) -> None:
    manifest = await backups.run("full")
    with pytest.raises(NotUnpacked):
        await find_index(backups.opened.workspace, manifest)
    await unpack(backups, manifest)
    found = await rows(backups, files, manifest)
    kept = await backups.view(manifest)
    assert {(row["objectType"], row["objectId"]) for row in found} == {
        (name, object_id) for name, view in kept.items() for object_id in view["objects"]
    }
    links = await rows(backups, files, manifest, "links")
    of_groups = [one for one in links if (one["sourceType"], one["link"]) == ("group", "members")]
    members = {(one["source"], one["target"]) for one in of_groups}
    assert members == {(source, target) for source, link, target in kept["group"]["links"] if link == "members"}
    assert members


async def test_slices_of_no_time_give_the_same_index_as_one(backups: Backups, files: IndexFiles) -> None:
    manifest = await backups.run("full")
    assert await unpack(backups, manifest, slice_seconds=-1) > 10
    found = await rows(backups, files, manifest)
    assert len(found) == sum(manifest.counts.values())
    assert len({(row["objectType"], row["objectId"]) for row in found}) == len(found)


async def test_a_neighbour_is_unpacked_from_what_is_there_and_packing_one_leaves_the_other(
    backups: Backups, files: IndexFiles
) -> None:
    first = await backups.run("full")
    await unpack(backups, first)
    second = await backups.run("incremental")
    before = {entry.name async for entry in backups.opened.workspace.list("")}
    await unpack(backups, second)
    after = {entry.name async for entry in backups.opened.workspace.list("")}
    changed = {name for name, entry in second.types.items() if entry.layers != first.types[name].layers}
    assert {name.split("/")[3] for name in after - before} <= changed
    await drop_indexes(backups.opened.workspace, first, kept=[second])
    assert len(await rows(backups, files, second)) == sum(second.counts.values())
    await drop_indexes(backups.opened.workspace, second, kept=[])
    assert not [entry async for entry in backups.opened.workspace.list("") if "/indexes/" in entry.name]
    with pytest.raises(NotUnpacked):
        await find_index(backups.opened.workspace, second)


async def test_indexes_that_no_unpacked_restore_point_needs_are_swept_after_a_day(backups: Backups) -> None:
    opened, tenant_id = backups.opened, backups.simulator.tenant_id
    first = await backups.run("full")
    await unpack(backups, first)
    await show_unpacked(opened.records, opened.workspace, first)
    backups.simulator.tenant.store.delete(next(backups.simulator.tenant.store.all("group")).key, soft=True)
    second = await backups.run("incremental")
    await unpack(backups, second)

    async def swept(days: float) -> int:
        later = replace(opened.records, clock=lambda: utc_now() + timedelta(days=days))
        return await sweep_indexes(later, opened.vault, opened.workspace, tenant_id)

    assert await swept(0.5) == 0, "somebody may be asking it"
    task = await opened.records.tasks.create(
        task_id="t1", tenant_id=tenant_id, type="unpack", name="Unpack", requested_by="test"
    )
    assert await swept(2) == 0, "an unpacking may count on it"
    await opened.records.tasks.close(task["taskId"], "succeeded", "")
    assert await swept(2) > 0
    assert await find_index(opened.workspace, first)
    with pytest.raises(NotUnpacked):
        await find_index(opened.workspace, second)
    assert await swept(2) == 0


async def captures(backups: Backups, manifest: Manifest, object_type: str, ids: list[str]) -> list[str]:
    found = await Origins(backups.opened.vault, manifest).of_type(object_type)
    return [found.of(one)[0] for one in ids]


async def test_the_last_backup_is_the_one_that_captured_the_version_whatever_was_written_again(
    backups: Backups
) -> None:
    store = backups.simulator.tenant.store
    groups = [one.key for one in store.all("group") if not one.read().get("groupTypes")]
    renamed, joined, gone, still = groups[:4]
    members = set(store.link_set("members").targets(joined))
    user = next(one.key for one in store.all("user") if one.key not in members)
    await backups.run("full")
    store.update(renamed, {**store.get(renamed).read(), "description": "Zebra"})
    await backups.run("incremental")
    store.link(joined, "members", user)
    store.delete(gone, soft=True)
    third = await backups.run("incremental")
    expected = ["00000002", "00000003", "00000001", "00000001"]
    ids = [renamed, joined, gone, still]
    assert await captures(backups, third, "group", ids) == expected
    whole = await backups.run("full")
    assert await captures(backups, whole, "group", ids) == expected, "written again, captured before"
    for object_id, backup_id in zip(ids, expected, strict=True):
        past = events_of(await History(backups.opened.vault, backups.simulator.tenant_id).seen("group", [object_id]))
        captured = [event for event in past if event.change != "deleted"]
        assert captured[-1].first.backup_id == backup_id, "the timeline says the same"
    layer = await compact(RestorePoint(backups.opened.vault, whole).view("group"), backups.opened.vault)
    anew = replace(
        whole, sequence=5, backup_id="00000005", types={**whole.types, "group": replace(whole.types["group"], layers=(layer,))}
    )
    assert await captures(backups, anew, "group", [renamed, joined, still]) == ["00000002", "00000003", "00000001"]
