"""A restore that is cut anywhere and taken up again ends as one that was not, and makes nothing twice."""

import pytest

from local.simulator.faults.rules import parse
from shared.entra import writing
from shared.recovery import apply as applying
from shared.recovery.store import RestoreStore
from tests.shared.recovery.conftest import Restores, restores  # noqa: F401 - the fixture
from tests.shared.recovery.test_users_and_groups import plain_group, plain_users


class Cut(Exception):
    """The process ended here."""


async def damaged(restores: Restores) -> tuple[list[str], dict[str, object]]:
    """A tenant with one of each damage; what was chosen, and how many objects there should be again."""
    store = restores.simulator.store
    group = plain_group(store)
    purged, soft, changed = list(plain_users(store, 1000))[:3]
    store.link(group, "members", purged)
    store.link(changed, "manager", purged)
    await restores.backups.run("full")
    counts = {name: len(list(store.all(name))) for name in ("user", "group", "appRoleAssignment")}
    for one in (purged, group):
        store.delete(one, soft=True)
        store.purge(one)
    store.delete(soft, soft=True)
    store.update(changed, {**store.get(changed).read(), "department": "Elsewhere"})
    return [group, purged, soft, changed], counts


async def check(restores: Restores, counts: dict[str, object], chosen: list[str]) -> None:
    store = restores.simulator.store
    assert {name: len(list(store.all(name))) for name in counts} == counts
    group, purged, soft, changed = chosen
    new_group, new_user = await restores.new_id(group), await restores.new_id(purged)
    assert store.link_set("members").has(new_group, new_user)
    assert list(store.link_set("manager").targets(changed)) == [new_user]
    assert store.get(soft) is not None
    assert store.get(changed).read().get("department") != "Elsewhere"


async def applied_again(restores: Restores, planned) -> None:
    done = await restores.apply(await restores.restore(planned["restoreId"]))
    bad = [
        (one.kind, one.path, receipt) for one, receipt in await restores.operations(done)
        if receipt["state"] not in ("done", "unchanged", "manual")
    ]
    assert not bad, "\n".join(map(str, bad))
    assert done["verification"]["differing"] == 0, done["verification"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_at_every_write_boundary_is_made_good(restores: Restores, monkeypatch, after: bool):
    chosen, counts = await damaged(restores)
    planned = await restores.plan(chosen)
    total = sum(planned["counts"].values()) - planned["counts"]["leave"]
    real, sent, crash_at = writing.write, 0, 1

    async def write(graph, request):
        nonlocal sent
        sent += 1
        if sent == crash_at and not after:
            raise Cut
        answer = await real(graph, request)
        if sent == crash_at:
            raise Cut
        return answer

    monkeypatch.setattr(applying, "write", write)
    crashes = 0
    while True:
        sent, crash_at = 0, 1 + crashes % 2  # a crash at the first or second request of every life
        try:
            await restores.apply(await restores.restore(planned["restoreId"]))
            break
        except Cut:
            crashes += 1
            assert crashes < 5 * total
        if crashes >= 2 * total:
            break
    monkeypatch.setattr(applying, "write", real)
    if (await restores.restore(planned["restoreId"]))["state"] != "done":
        await applied_again(restores, planned)
    assert crashes > 0
    await check(restores, counts, chosen)


async def test_a_crash_before_every_journal_entry_is_made_good(restores: Restores, monkeypatch):
    chosen, counts = await damaged(restores)
    planned = await restores.plan(chosen)
    real, crashes, calls = RestoreStore.write_journal, 0, 0

    async def write_journal(self, number, place, *, intents, receipts):
        nonlocal calls
        calls += 1
        if calls == crashes + 1 and crashes < 12:
            raise Cut
        await real(self, number, place, intents=intents, receipts=receipts)

    monkeypatch.setattr(RestoreStore, "write_journal", write_journal)
    while True:
        calls = 0
        try:
            await restores.apply(await restores.restore(planned["restoreId"]))
            break
        except Cut:
            crashes += 1
    assert crashes > 3
    await check(restores, counts, chosen)


async def test_answers_lost_after_the_write_make_nothing_twice(restores: Restores):
    chosen, counts = await damaged(restores)
    planned = await restores.plan(chosen)
    restores.simulator.tenant.faults.rules.append(parse({"kind": "timeoutAfterWrite", "method": "POST|PATCH|PUT|DELETE",
                                       "path": "^(?!.*batch).*$", "probability": 0.4, "seed": 3, "count": 20}))
    await applied_again(restores, planned)
    await check(restores, counts, chosen)


async def test_replication_lag_is_waited_out(restores: Restores):
    chosen, counts = await damaged(restores)
    planned = await restores.plan(chosen)
    lag = {"kind": "lag", "method": "POST|PATCH", "path": "/(users|groups)", "seconds": 2}
    restores.simulator.tenant.faults.rules.append(parse(lag))
    await applied_again(restores, planned)
    await check(restores, counts, chosen)
