"""What only beta gives of a type is read there and written there, where the tenant's settings ask for it."""

from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up

PREFERENCES = "systemCredentialPreferences"


async def test_extension_attributes_of_a_device_come_back_and_what_was_added_goes(restores: Restores):
    store = restores.simulator.store
    device = next(one for one in store.all("device") if one.read().get("extensionAttributes")
                  and not one.read().get("onPremisesSyncEnabled"))
    view = await backed_up(restores)
    kept = view["device"]["objects"][device.key]["extensionAttributes"]
    assert kept["extensionAttribute1"].startswith("ring-")
    changed = {"extensionAttribute1": "quarantine", "extensionAttribute7": "added"}
    store.update(device.key, {**device.read(), "extensionAttributes": changed})
    done = await restores.run([device.key])
    ops = [(one.method, one.version, one.attributes, receipt["state"]) for one, receipt in await restores.operations(done)]
    assert ops == [("PATCH", "beta", ("extensionAttributes",), "done")]
    assert done["verification"]["differing"] == 0
    now = store.get(device.key).read()["extensionAttributes"]
    assert now["extensionAttribute1"] == kept["extensionAttribute1"]
    assert now["extensionAttribute7"] is None
    assert not await restores.operations(await restores.plan([device.key]))


async def test_settings_of_the_methods_policy_that_beta_alone_has_are_set_back(restores: Restores):
    store = restores.simulator.store
    policy = next(iter(store.all("authenticationMethodsPolicy")))
    view = await backed_up(restores)
    (identity,) = view["authenticationMethodsPolicy"]["objects"]
    assert view["authenticationMethodsPolicy"]["objects"][identity][PREFERENCES]["state"] == "enabled"
    store.update(policy.key, {**policy.read(), PREFERENCES: {**policy.read()[PREFERENCES], "state": "disabled"}})
    done = await restores.run([identity])
    ops = [(one.version, one.attributes, receipt["state"]) for one, receipt in await restores.operations(done)]
    assert ops == [("beta", (PREFERENCES,), "done")]
    assert store.get(policy.key).read()[PREFERENCES]["state"] == "enabled"


async def test_beta_is_not_asked_where_the_option_is_off(restores: Restores):
    manifest = await restores.backups.run("full", ["device", "authenticationMethodsPolicy"])
    view = await restores.backups.view(manifest)
    for name in ("device", "authenticationMethodsPolicy"):
        assert view[name]["outcome"] == "complete"
        assert all("extensionAttributes" not in body and PREFERENCES not in body
                   for body in view[name]["objects"].values())
