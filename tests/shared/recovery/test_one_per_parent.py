"""Settings that each user has once go by the user's id: what becomes of them says nothing of the user."""

from typing import Any

import pytest

from shared.recovery.chosen import Chosen
from shared.recovery.lifecycle import store_of
from shared.recovery.options import RestoreRequest
from shared.recovery.planning import Planning
from shared.repository.restore_point import RestorePoint, newest_manifest
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up, erase
from tests.shared.recovery.test_users_and_groups import plain_group

SETTINGS = ("authentication/requirements", "authentication/signInPreferences")
CHANGED: dict[str, dict[str, Any]] = {
    "authentication/requirements": {"perUserMfaState": "disabled"},
    "authentication/signInPreferences": {"userPreferredMethodForSecondaryAuthentication": "voiceMobile"},
}


def settings_of(store: Any, user: str) -> list[dict[str, Any]]:
    """What such settings say of a user."""
    return [
        {name: value for name, value in store.get(one).read().items() if name != "id" and value is not None}
        for setting in SETTINGS for one in store.link_set(setting).targets(user)
    ]


def user_with_settings(store: Any) -> str:
    """A cloud user who has both, and prefers a phone."""
    some = sorted(source for source, _ in store.link_set(SETTINGS[0]).pairs())
    return next(
        one for one in some if not store.get(one).read().get("onPremisesSyncEnabled")
        and any("sms" in store.get(each).read().values() for each in store.link_set(SETTINGS[1]).targets(one))
    )


async def test_a_user_who_is_revived_is_linked_again_though_their_settings_cannot_be_made(restores: Restores):
    store = restores.simulator.store
    group = plain_group(store)
    user = user_with_settings(store)
    store.link(group, "members", user)
    await backed_up(restores)
    store.unlink(group, "members", user)
    store.delete(user, soft=True)
    done = await restores.run([user, group], links="exact")
    assert user in store.link_set("members").targets(group), await restores.left(done)
    assert not [one for one in await restores.left(done) if one["objectType"] == "group"]


@pytest.mark.parametrize("purged", [False, True], ids=["revived", "made anew"])
async def test_an_undo_takes_a_user_back_who_has_such_settings(restores: Restores, purged: bool):
    store = restores.simulator.store
    user = user_with_settings(store)
    await backed_up(restores)
    erase(store, user) if purged else store.delete(user, soft=True)
    done = await restores.run([user])
    now = await restores.new_id(user) if purged else user
    assert now in {one.key for one in store.all("user")}
    undone = await restores.undo(done)
    assert undone["counts"]["delete"] >= 1
    assert now not in {one.key for one in store.all("user")}
    assert undone["verification"]["differing"] == 0


@pytest.mark.parametrize("chosen", ["user", "signInPreferences"])
async def test_a_change_chosen_of_one_of_them_writes_nothing_of_the_other(restores: Restores, chosen: str):
    store = restores.simulator.store
    user = next(
        one for one, _ in sorted(store.link_set("authentication/signInPreferences").pairs())
        if not store.get(one).read().get("onPremisesSyncEnabled")
    )
    await backed_up(restores)
    manifest = await newest_manifest(restores.opened.vault, restores.tenant_id)
    [preferences] = store.link_set("authentication/signInPreferences").targets(user)
    attributes = {"user": "city", "signInPreferences": "isSystemPreferredAuthenticationMethodEnabled"}
    store.update(user, {**store.get(user).read(), "city": "Elsewhere"})
    now = store.get(preferences).read()
    store.update(preferences, {**now, attributes["signInPreferences"]: not now[attributes["signInPreferences"]]})
    changes = Chosen((user,), touched={(chosen, user): frozenset({attributes[chosen]})}, follows=True)
    request = RestoreRequest.model_validate({"source": {"backupId": "one"}, "selection": {"objectIds": [user]}})
    async with restores.sessions.restoring(restores.opened.settings, restores.tenant_id) as graph:
        point = RestorePoint(restores.opened.vault, manifest)
        plan = store_of(restores.opened, restores.tenant_id, "one")
        index = await Planning(restores.opened, graph, restores.tenant_id, point, request).run(changes, plan)
    assert [(one.object_type, one.attributes) async for one in plan.operations(index)] == [
        (chosen, (attributes[chosen],))
    ]


@pytest.mark.parametrize("purged", [False, True], ids=["revived", "made anew"])
async def test_whoever_comes_back_signs_in_as_before(restores: Restores, purged: bool):
    store = restores.simulator.store
    user = user_with_settings(store)
    await backed_up(restores)
    before = settings_of(store, user)
    for setting in SETTINGS:
        for one in list(store.link_set(setting).targets(user)):
            store.update(one, {**store.get(one).read(), **CHANGED[setting]})
    assert settings_of(store, user) != before
    erase(store, user) if purged else store.delete(user, soft=True)
    done = await restores.run([user])
    assert settings_of(store, await restores.new_id(user) if purged else user) == before, await restores.left(done)
    assert done["verification"]["differing"] == 0


@pytest.mark.parametrize("purged", [False, True], ids=["revived", "made anew"])
async def test_an_app_that_was_preferred_is_registered_again(restores: Restores, purged: bool):
    store = restores.simulator.store
    user = user_with_settings(store)
    [preferences] = store.link_set("authentication/signInPreferences").targets(user)
    preferred = {"userPreferredMethodForSecondaryAuthentication": "push"}
    store.update(preferences, {**store.get(preferences).read(), **preferred})
    await backed_up(restores)
    erase(store, user) if purged else store.delete(user, soft=True)
    planned = await restores.plan([user])
    sent = [one for one, _ in await restores.operations(planned) if one.attributes == tuple(preferred)]
    assert bool(sent) != purged
    told = [one["what"] for one in await restores.left(planned) if one["objectType"] == "signInPreferences"]
    assert told == [*preferred] * purged
