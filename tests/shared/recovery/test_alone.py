"""Properties that go in a request of their own: certificate ids of users, deactivated applications."""

import pytest

from shared.catalog import OBJECT_TYPES
from shared.recovery.difference import Change
from shared.recovery.restorability import judged
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up, erase

IDS = {"certificateUserIds": ["X509:<PN>ada@contoso.example"]}


async def sent_alone(restores: Restores, key: str, body) -> list[tuple[str, object, str]]:
    done = await restores.run([key])
    assert done["verification"]["differing"] == 0
    ops = [(one.method, one.body, receipt["state"]) for one, receipt in await restores.operations(done)
           if isinstance(one.body, dict) and set(one.body) == set(body)]
    again = await restores.operations(await restores.plan([key]))
    assert not [(one.path, one.body, one.expects) for one, _ in again if one.object_type in ("user", "application")]
    return ops


async def test_a_users_certificate_ids_are_set_back_and_come_back_with_a_user_made_anew(restores: Restores):
    store = restores.simulator.store
    user = next(one for one in store.all("user") if not one.read().get("onPremisesSyncEnabled")
                and one.read().get("userType") == "Member")
    store.update(user.key, {**user.read(), "authorizationInfo": IDS, "jobTitle": "Clerk"})
    await backed_up(restores)
    store.update(user.key, {**user.read(), "authorizationInfo": {"certificateUserIds": []}, "jobTitle": "Chief"})
    assert await sent_alone(restores, user.key, {"authorizationInfo"}) == [("PATCH", {"authorizationInfo": IDS}, "done")]
    assert store.get(user.key).read()["authorizationInfo"] == IDS
    erase(store, user.key)
    assert [state for _, _, state in await sent_alone(restores, user.key, {"authorizationInfo"})] == ["done"]


@pytest.mark.parametrize("before", [True, None])
async def test_an_application_is_deactivated_or_active_as_it_was(restores: Restores, before: bool | None):
    store = restores.simulator.store
    application = next(iter(store.all("application")))
    store.update(application.key, {**application.read(), "isDisabled": before})
    await backed_up(restores)
    store.update(application.key, {**application.read(), "isDisabled": not before})
    assert await sent_alone(restores, application.key, {"isDisabled"}) == [("PATCH", {"isDisabled": before}, "done")]
    erase(store, application.key)
    anew = await sent_alone(restores, application.key, {"isDisabled"})
    assert [state for _, _, state in anew] == (["done"] if before else [])


def test_what_no_restore_writes_says_why():
    change = Change("changed", "user", "u", attribute="showInAddressList", old_value=True, new_value=False)
    told = judged(change, OBJECT_TYPES["user"], {"id": "u"})
    assert not told.restorable
    assert "admin center" in told.reason
