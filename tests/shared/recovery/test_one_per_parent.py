"""Settings that each user has once go by the user's id: what becomes of them says nothing of the user."""

from typing import Any

from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_types import backed_up
from tests.shared.recovery.test_users_and_groups import plain_group


def user_with_settings(store: Any) -> str:
    """A cloud user who has a per-user MFA state."""
    some = sorted(source for source, _ in store.link_set("authentication/requirements").pairs())
    return next(one for one in some if not store.get(one).read().get("onPremisesSyncEnabled"))


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
