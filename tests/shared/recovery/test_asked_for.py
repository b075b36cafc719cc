"""Objects chosen by their ids: each is restored or told of, however its id is written."""

import uuid

from shared.recovery.asked import UNKNOWN
from tests.shared.recovery.conftest import Restores
from tests.shared.recovery.test_users_and_groups import plain_users


async def test_ids_that_the_restore_point_does_not_know_are_told_one_by_one(restores: Restores):
    store = restores.simulator.store
    user, since = plain_users(store)
    body = store.get(since).read()
    store.delete(since, soft=False)
    await restores.backups.run("full")
    store.create("user", body)
    wrong = str(uuid.uuid4())
    for options, unknown in (({}, [since, wrong]), ({"newObjects": "softDelete"}, [wrong])):
        planned = await restores.plan([user, since, wrong], **options)
        told = [(one["objectId"], one["reason"]) for one in await restores.left(planned)]
        assert sorted(told) == sorted((one, UNKNOWN) for one in unknown)
        assert planned["counts"]["delete"] == 2 - len(unknown)


async def test_an_id_in_capitals_is_the_same_id(restores: Restores):
    store = restores.simulator.store
    user = plain_users(store)[0]
    await restores.backups.run("full")
    store.update(user, {**store.get(user).read(), "department": "Elsewhere"})
    planned = await restores.plan([user.upper()])
    assert planned["counts"]["update"] == 1
    assert await restores.left(planned) == []
