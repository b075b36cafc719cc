"""Laws of unpacking: whole, repeatable, re-used by neighbours, dropped without harm to them."""

import pytest

from shared.browse.files import IndexFiles
from shared.browse.index import NotUnpacked, drop_indexes, find_index
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
