"""What could not be read this time stands as it was known, and progress ends where the work ends."""

import pytest

from local.simulator.faults.rules import parse
from local.simulator.reads import delta


@pytest.mark.parametrize("kind", ["full", "incremental"])
async def test_what_lives_under_a_parent_that_could_not_be_read_is_kept_as_it_was(backups, kind):
    known = (await backups.view(await backups.run("full")))["groupSpecificSetting"]
    assert known["objects"]
    fault = parse({"kind": "status", "status": 403, "path": "/groups/.*/settings"})
    backups.simulator.tenant.faults.rules[:] = [fault]
    seen = (await backups.view(await backups.run(kind, ["groupSpecificSetting"])))["groupSpecificSetting"]
    assert seen["outcome"] == "partial"
    assert seen["objects"] == known["objects"]
    assert seen["links"] == known["links"]


async def test_a_backup_that_read_little_ends_with_all_of_its_work_done(backups):
    await backups.run("full")
    manifest = await backups.run("incremental", ["user", "group"])
    progress = (await backups.opened.records.tasks.get(manifest.run_id))["progress"]
    assert progress["done"] == progress["total"]


async def test_a_type_whose_option_is_off_says_which_to_turn_on(backups):
    manifest = await backups.run("incremental", ["domain", "claimsMappingPolicy"])
    entry = manifest.types["claimsMappingPolicy"]
    assert (entry.outcome, entry.remedy) == ("off", "Turn the option claimsMappingPolicies on.")
    assert manifest.types["group"].remedy == ""


async def test_members_that_only_show_by_themselves_stay_when_they_may_not_be_asked(backups, monkeypatch):
    store = backups.simulator.store
    group = next(one.key for one in store.all("group") if "DynamicMembership" not in one.read().get("groupTypes", ()))
    robots = {(group, "members", one.key) for one in list(store.all("servicePrincipal"))[:3]}
    for _, name, robot in robots:
        store.link(group, name, robot)
    known = (await backups.view(await backups.run("full")))["group"]
    assert robots <= set(known["links"])
    everything = delta._Teller._everything

    def without_service_principals(reader):
        told, further = everything(reader)
        for entry in told:
            shown = entry.pop("members@delta", ())
            if left := [one for one in shown if not one["@odata.type"].endswith("servicePrincipal")]:
                entry["members@delta"] = left
        return told, further

    monkeypatch.setattr(delta._Teller, "_everything", without_service_principals)
    refused = parse({"kind": "status", "status": 403, "path": "/servicePrincipals.*memberOf"})
    backups.simulator.tenant.faults.rules[:] = [refused]
    seen = (await backups.view(await backups.run("full")))["group"]
    assert seen["outcome"] == "partial"
    assert robots <= set(seen["links"])
    assert set(seen["links"]) == set(known["links"])
