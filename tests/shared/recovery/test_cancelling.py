"""A restore that is cancelled stops between requests, and what it did not send leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.recovery import apply, lifecycle
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

SLOW = {"kind": "slow", "method": "POST", "path": "/users$", "seconds": 1.5}


def people(store: Any, count: int) -> list[str]:
    found = [
        one.key for one in store.all("user")
        if one.read()["userType"] == "Member" and not one.read().get("onPremisesSyncEnabled")
        and "@odata.type" not in one.read() and len(one.read()["identities"]) == 1
    ]
    return found[:count]


async def test_cancelling_stops_within_a_group_and_keeps_no_password_of_those_not_made(
    restores: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = restores.simulator.store
    monkeypatch.setattr(apply, "TOLD_EVERY", 0.05)
    monkeypatch.setattr(apply, "IN_FLIGHT", 4)
    gone = people(store, 12)
    await restores.backups.run("full")
    for one in gone:
        store.delete(one, soft=False)
    planned = await restores.plan(gone)
    living = len(list(store.all("user")))
    restores.simulator.tenant.faults.rules.append(parse(SLOW))
    applying = asyncio.create_task(restores.apply(planned))
    while len(list(store.all("user"))) == living:  # noqa: ASYNC110 - the simulator tells nobody of a new user
        await asyncio.sleep(0.05)
    await restores.opened.records.tasks.request_cancel(planned["restoreId"])
    done = await applying
    states = [receipt["state"] for one, receipt in await restores.operations(done) if one.kind == "create"]
    made = len(list(store.all("user"))) - living
    assert states.count("done") == made < len(gone)
    assert states.count("skipped") == len(gone) - made
    kept = lifecycle.store_of(restores.opened, restores.tenant_id, done["restoreId"])
    assert len([name async for name, _ in kept.secrets()]) == made
