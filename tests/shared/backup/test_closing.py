"""What changes while a backup reads is in the restore point, or is not in it, as a whole."""

import pytest

from local.simulator.faults.rules import parse
from shared.backup import capturing


async def test_what_lives_under_a_group_deleted_while_the_backup_reads_goes_with_it(backups, monkeypatch):
    store = backups.simulator.store
    seen = await backups.view(await backups.run("full"))
    parents = {body["@cairn.parent"] for body in seen["groupSpecificSetting"]["objects"].values()}
    assert parents
    victim = min(parents)
    finished = capturing.TypeReader.go_on

    async def go_on(reader, checkpoint, stop_at):
        after = await finished(reader, checkpoint, stop_at)
        if reader.row.name == "groupSpecificSetting" and reader.over is None and store.get(victim):
            store.delete(victim, soft=False)
        return after

    monkeypatch.setattr(capturing.TypeReader, "go_on", go_on)
    seen = await backups.view(await backups.run("full"))
    assert victim not in seen["group"]["objects"]
    left = [body for body in seen["groupSpecificSetting"]["objects"].values() if body["@cairn.parent"] == victim]
    assert left == []


@pytest.mark.parametrize("collection", ["users", "groups"])
async def test_a_type_whose_every_delta_token_is_refused_has_all_of_its_links(backups, collection):
    whole = await backups.view(await backups.run("full"))
    backups.simulator.tenant.faults.rules[:] = [parse({"kind": "deltaExpired", "path": f"{collection}/delta"})]
    seen = await backups.view(await backups.run("full"))
    name = collection.removesuffix("s")
    assert {link for _, link, _ in whole[name]["links"]} >= {"user": {"sponsors"}, "group": {"owners"}}[name]
    assert seen[name]["outcome"] == "complete"
    assert seen[name]["links"] == whole[name]["links"]
