"""Restoring everything exactly leaves nothing to restore; undoing it gives back what was there."""

import random

import pytest

from tests.shared.backup.test_incremental import change_something
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture


@pytest.mark.parametrize("seed", range(3))
async def test_after_an_exact_restore_of_everything_nothing_differs(restores: Restores, seed: int):
    chance = random.Random(seed)
    store = restores.simulator.store
    await restores.backups.run("full")
    done_to = [change_something(store, chance) for _ in range(12)]
    done = await restores.run(None, links="exact", newObjects="softDelete", conditionalAccessState="asBackedUp")
    bad = [
        (one.kind, one.object_type, one.path, one.body, receipt) for one, receipt in await restores.operations(done)
        if receipt["state"] not in ("done", "unchanged", "manual") and "agentIdentity" not in one.path  # the simulator's limit
    ]
    assert not bad, f"{done_to}\n" + "\n".join(map(str, bad))
    again = await restores.plan(None, links="exact", newObjects="softDelete", conditionalAccessState="asBackedUp")
    left = [(one.kind, one.object_type, one.path, one.body, one.expects) for one, _ in await restores.operations(again)
            if "agentIdentity" not in one.path]
    assert not left, f"{done_to}\n" + "\n".join(map(str, left))
