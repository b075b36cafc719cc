"""What changes while a backup reads is in the restore point, or is not in it, as a whole."""

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
