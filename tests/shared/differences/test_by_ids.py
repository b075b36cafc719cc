"""A report about some objects reads these by their ids where their types would be read in full, and says the same."""

import random
from datetime import timedelta
from typing import Any

import pytest

from shared.backup import planning
from shared.differences import by_ids
from shared.differences.listing import ChangeFilter, changes_of
from shared.recovery.role_names import GLOBAL_ADMINISTRATOR
from tests.laws.changes import CHANGES
from tests.shared.differences.conftest import Differences

ALWAYS, NEVER = 1e-9, 1e9
"""Objects a page at which reading by ids is always, and never, the cheaper way."""


@pytest.fixture(autouse=True)
def no_token_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "TOKEN_LIFE", timedelta(days=-1))


def modes(report: Any) -> dict[str, str]:
    return {one["type"]: one["mode"] for one in report["costs"]}


def told(changes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("changeId", "objectName", "oldValue", "newValue", "targetName", "restorable", "reason", "operations",
             "noise", "causedBy", "daysLeft")
    return sorted(tuple(str(one[name]) for name in names) for one in changes)


@pytest.mark.parametrize("kinds", [
    ("user",), ("user", "group"), ("user", "servicePrincipal"), ("group", "servicePrincipal", "device")
])
async def test_it_lists_what_a_full_read_lists(
    differences: Differences, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...]
) -> None:
    chance, store = random.Random(str(kinds)), differences.store
    first = await differences.backups.run("full")
    before = {kind: {one.key for one in store.all(kind)} for kind in kinds}
    for _ in range(40):
        CHANGES[chance.choice(sorted(CHANGES))](store, chance)
    touched = {one for kind in kinds for one in before[kind] ^ {record.key for record in store.all(kind)}}
    scope = touched | {one for kind in kinds for one in chance.sample(sorted(before[kind]), 12)}
    monkeypatch.setattr(by_ids, "PAGE", NEVER)
    whole = await differences.report(first.backup_id, object_ids=sorted(scope))
    monkeypatch.setattr(by_ids, "PAGE", ALWAYS)
    few = await differences.report(first.backup_id, object_ids=sorted(scope))
    assert "byIds" not in modes(whole).values()
    assert [mode for kind, mode in modes(few).items() if kind == "group"] == ["byIds"]
    changes = await differences.changes(few, collapsed=None)
    assert changes
    assert told(changes) == told(await differences.changes(whole, collapsed=None))


async def test_its_requests_follow_the_ids_and_a_refresh_reads_them_again(
    differences: Differences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_ids, "PAGE", ALWAYS)
    store = differences.store
    user = next(one.key for one in store.all("user"))
    first = await differences.backups.run("full")
    store.update(user, {**store.get(user).read(), "city": "Somewhere"})
    report = await differences.report(first.backup_id, object_ids=[user])
    assert [one["attribute"] for one in await differences.changes(report)] == ["city"]
    costs = [one for one in report["costs"] if one["mode"] == "byIds"]
    assert {"user", "group", "administrativeUnit"} == {one["type"] for one in costs}
    assert sum(one["requests"] for one in costs) <= 4, costs
    store.update(user, {**store.get(user).read(), "department": "Elsewhere"})
    again = await differences.make(report["reportId"])
    assert sorted(one["attribute"] for one in await differences.changes(again)) == ["city", "department"]


async def test_what_is_cheaper_read_in_full_is_read_so(differences: Differences) -> None:
    user = next(one.key for one in differences.store.all("user"))
    first = await differences.backups.run("full")
    report = await differences.report(first.backup_id, object_ids=[user])
    assert "byIds" not in modes(report).values()


async def test_a_user_is_read_also_where_what_hangs_on_it_has_its_id(
    differences: Differences, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, tenant_id = differences.backups.opened, differences.backups.simulator.tenant_id
    held = (await opened.records.tenants.settings(tenant_id)).settings
    more = held.model_copy(update={"options": {**held.options, "authenticationMethods": True}})
    await opened.records.tenants.set_settings(tenant_id, more, by="test")
    store = differences.store
    user = next(one.key for one in store.all("user"))
    first = await differences.backups.run("full")
    store.update(user, {**store.get(user).read(), "city": "Somewhere"})
    for page in (NEVER, ALWAYS):
        monkeypatch.setattr(by_ids, "PAGE", page)
        report = await differences.report(first.backup_id, object_ids=[user])
        assert {"user", "signInPreferences"} <= modes(report).keys()
        assert [one["attribute"] for one in await differences.changes(report)] == ["city"]


async def test_an_assignment_is_found_by_the_older_name_of_its_role(differences: Differences) -> None:
    store = differences.store
    first = await differences.backups.run("full")
    user = next(one.key for one in store.all("user") if one.read().get("userType") == "Member")
    store.create("unifiedRoleAssignment", {
        "id": "made-since", "principalId": user, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
    })
    report = await differences.report(first.backup_id)
    chosen = ChangeFilter(text='"Company Administrator"')
    found = [one async for _, one in changes_of(differences.backups.opened.workspace, report, chosen)]
    assert ("newObject", "unifiedRoleAssignment") in {(one["changeType"], one["objectType"]) for one in found}
    assert all("Company" not in one["objectName"] for one in found)
