"""A report lists what separates two states, as people name it."""

from typing import Any

from tests.shared.differences.conftest import Differences


def told(changes: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {
        (one["changeType"], one["objectType"], one["objectId"], one["attribute"] or one["link"] or "",
         one["targetId"] or "")
        for one in changes
    }


def some_user(differences: Differences, place: int = 0) -> Any:
    users = [record for record in differences.store.all("user") if record.read().get("userType") == "Member"]
    return users[place]


async def test_two_restore_points_of_an_unchanged_tenant_differ_in_nothing(differences: Differences) -> None:
    first = await differences.backups.run("full")
    second = await differences.backups.run()
    report = await differences.report(first.backup_id, second.backup_id)
    assert await differences.changes(report, collapsed=None) == []
    assert report["total"] == 0
    assert set(report["counts"].values()) == {0}


async def test_an_attribute_shows_with_its_old_and_new_value(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    was = dict(user.read())
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "department": "Elsewhere"})
    second = await differences.backups.run()
    for against in (second.backup_id, "live"):
        report = await differences.report(first.backup_id, against)
        (change,) = await differences.changes(report, collapsed=None)
        assert change["changeType"] == "changed"
        assert (change["attribute"], change["newValue"]) == ("department", "Elsewhere")
        assert change["oldValue"] == was.get("department")
        assert change["objectName"] == was["displayName"]
        assert change["restorable"] is True
        assert report["counts"]["changed"] == report["countsByType"]["user"] == report["total"] == 1


async def test_against_live_a_report_reads_what_changed_and_leaves_no_restore_point(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    first = await differences.backups.run("full")
    store.delete(user.key, soft=True)
    report = await differences.report(first.backup_id, types=["user", "group"])
    shown = await differences.changes(report)
    assert ("softDeleted", "user", user.key, "", "") in told(shown)
    assert all(one["changeType"] == "softDeleted" for one in shown)
    (deletion,) = shown
    assert deletion["daysLeft"] in (29, 30)
    costs = {cost["type"]: cost for cost in report["costs"]}
    assert set(costs) == {"user", "group"}
    assert costs["user"]["mode"] == "changes"
    again = await differences.backups.run()
    assert int(again.backup_id) == int(first.backup_id) + 1
    for one in await differences.changes(report, collapsed=True):
        assert (one["noise"], one["causedBy"]) == ("linksOfDeletedObjects", deletion["changeId"])
