"""Licences are planned as far as there are seats, and the plan says what lacks one before anything is written."""

from shared.recovery.seats import Seats, Sku
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_users

BODY = {"addLicenses": [{"skuId": "s", "disabledPlans": []}], "removeLicenses": []}


def test_seats_go_to_the_first_and_the_rest_is_told():
    seats = Seats({"s": Sku("PACK", 10, 9)})
    assert seats.granted(BODY, []) == (BODY, [])
    left, why = seats.granted(BODY, [])
    assert left is None
    assert "no seat of PACK is free: 10 are bought, 9 in use, 1 go to others of this plan" in why
    assert [(one.code, one.count, one.blocks) for one in seats.findings()] == [("seatsMissing", 1, False)]


def test_who_owns_the_licence_needs_no_seat():
    assert Seats({"s": Sku("PACK", 1, 1)}).granted(BODY, ["s"]) == (BODY, [])


def test_a_suspended_subscription_has_no_seat():
    sku = Sku.shown({"skuId": "s", "capabilityStatus": "Suspended", "prepaidUnits": {"enabled": 5}})
    assert sku.bought == 0


async def test_users_beyond_the_seats_come_back_without_the_licence_and_the_plan_says_so(restores: Restores):
    store = restores.simulator.store
    sku = next(one for one in store.all("subscribedSku") if one.read()["capabilityStatus"] == "Enabled")
    sku_id = sku.read()["skuId"]
    users = plain_users(store, 1000)[:3]
    for user in users:
        body = store.get(user).read()
        store.update(user, {
            **body, "usageLocation": "DE", "assignedLicenses": [{"skuId": sku_id, "disabledPlans": []}],
            "licenseAssignmentStates": [{"skuId": sku_id, "assignedByGroup": None, "disabledPlans": [],
                                         "state": "Active", "error": "None"}],
        })
    await restores.backups.run("full")
    for user in users:
        body = store.get(user).read()
        store.update(user, {**body, "assignedLicenses": [], "licenseAssignmentStates": []})
    body = sku.read()
    store.update(sku.key, {**body, "prepaidUnits": {**body["prepaidUnits"], "enabled": 100, "warning": 0},
                           "consumedUnits": 98})
    done = await restores.run(users)
    assert [one["code"] for one in done["findings"]] == ["seatsMissing"]
    left = await restores.left(done)
    assert [(one["objectId"], one["what"]) for one in left] == [(sorted(users)[2], "assignedLicenses")]
    assert done["results"] == {"done": 2}
    owners = [user for user in users if store.get(user).read()["assignedLicenses"]]
    assert owners == sorted(owners, key=users.index)
    assert len(owners) == 2
