"""What a backup holds, against what the simulated tenant holds."""

from datetime import timedelta

import pytest

from shared.records.times import utc_now
from shared.tenants.quiet import is_over

LOCATIONS = ("ipNamedLocation", "countryNamedLocation")


async def test_a_full_backup_holds_every_user_and_group_of_the_tenant(backups):
    manifest = await backups.run("full")
    seen = await backups.view(manifest)
    store = backups.simulator.tenant.store
    assert set(seen["user"]["objects"]) == {record.key for record in store.all("user")}
    assert set(seen["group"]["objects"]) == {record.key for record in store.all("group")}
    assert manifest.counts["user"] == 60


async def test_a_second_backup_of_an_unchanged_tenant_stores_no_segment_and_shows_the_same(backups):
    first = await backups.run("full")
    blobs = {entry.name async for entry in backups.opened.vault.list("tenants/")}
    second = await backups.run()
    new = {entry.name async for entry in backups.opened.vault.list("tenants/")} - blobs
    assert {name.rsplit("/", 1)[-1] for name in new} == {"00000002.json"}
    assert await backups.view(first) == await backups.view(second)


@pytest.mark.parametrize("types", [LOCATIONS, LOCATIONS[:1], LOCATIONS[1:]])
async def test_the_list_of_named_locations_is_read_once_for_both_types_or_for_one(backups, types):
    whole = await backups.view(await backups.run("full"))
    assert all(whole[name]["objects"] for name in LOCATIONS)
    requests = backups.simulator.tenant.requests
    requests.clear()
    again = await backups.view(await backups.run("incremental", list(types)))
    assert [one["target"] for one in requests.recent if "/namedLocations" in one["target"]] == [
        "/v1.0/identity/conditionalAccess/namedLocations"
    ]
    assert {name: again[name]["objects"] for name in LOCATIONS} == {name: whole[name]["objects"] for name in LOCATIONS}


async def test_a_sealed_restore_point_has_the_schedule_look_at_its_tenant(backups):
    tenants, tenant_id = backups.opened.records.tenants, backups.simulator.tenant_id
    await tenants.quiet.note(tenant_id, utc_now() + timedelta(days=1), seen=(await tenants.quiet.all()).get(tenant_id))
    assert not is_over((await tenants.quiet.all())[tenant_id], utc_now())
    await backups.run("full", ["group"])
    assert is_over((await tenants.quiet.all())[tenant_id], utc_now())
