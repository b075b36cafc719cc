"""What Graph refuses is told as such: no password stands beside it, and no verification makes up for it."""

import pytest

from shared.recovery.apply import NAME_TAKEN
from shared.recovery.lifecycle import applied_in_words, store_of
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture

PLANNED = {"checked": 4, "differing": 0}
NEXT = "Look at the operations that failed or are stale, then plan again for what is missing."


async def test_a_user_whose_name_somebody_else_took_leaves_no_password(restores: Restores) -> None:
    store = restores.simulator.store
    gone = next(
        one for one in store.all("user")
        if one.read()["userType"] == "Member" and not one.read().get("onPremisesSyncEnabled")
        and not store.get(one.key).read().get("@odata.type") and len(one.read()["identities"]) == 1
    )
    await restores.backups.run("full")
    store.delete(gone.key, soft=False)
    planned = await restores.plan([gone.key])
    store.create("user", {**gone.read(), "id": "11111111-2222-4333-8444-555555555555", "displayName": "Somebody else"})
    done = await restores.apply(planned)
    made = [(one.kind, receipt["state"]) for one, receipt in await restores.operations(done) if one.kind == "create"]
    assert ("create", "failed") in made
    assert NAME_TAKEN in [receipt.get("remedy") for _, receipt in await restores.operations(done)]
    assert done["credentials"] == "none"
    assert [name async for name, _ in store_of(restores.opened, restores.tenant_id, done["restoreId"]).secrets()] == []


@pytest.mark.parametrize(("results", "told"), [
    ({"done": 3}, "Restored: 3 done. Verified 4 facts: all are as planned."),
    ({"done": 3, "failed": 1},
     f"Restored: 3 done, 1 failed. Verified 4 facts of what was written: all are as planned. {NEXT}"),
    ({}, "Restored: nothing to do. Verified 4 facts: all are as planned."),
])
def test_what_was_not_written_is_not_among_what_is_as_planned(results: dict[str, int], told: str) -> None:
    assert applied_in_words(results, PLANNED, cancelled=False) == told


def test_nothing_written_is_nothing_verified() -> None:
    told = applied_in_words({"stale": 1}, {"checked": 0, "differing": 0}, cancelled=False)
    assert "Verified" not in told
    assert "plan again" in told


async def test_who_finds_an_object_changed_or_one_not_made_is_told_what_to_do(restores: Restores) -> None:
    store = restores.simulator.store
    user = next(one for one in store.all("user") if not one.read().get("onPremisesSyncEnabled"))
    await restores.backups.run("full")
    store.update(user.key, {**user.read(), "city": "Elsewhere"})
    planned = await restores.plan([user.key], attributes={"user": ["city"]})
    store.update(user.key, {**user.read(), "city": "Nowhere"})
    told = [receipt for _, receipt in await restores.operations(await restores.apply(planned))]
    assert [(one["state"], "Plan again" in one.get("remedy", "")) for one in told] == [("stale", True)]
