"""A report lists what separates two states, as people name it."""

from typing import Any

import activities.differences as steps
from local.simulator.faults.rules import parse
from shared.browse.exporting import export_name
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


async def test_a_report_about_some_objects_is_about_them_and_reads_what_can_tell(differences: Differences) -> None:
    store, user, other = differences.store, some_user(differences), some_user(differences, 1)
    group = next(one for one in store.all("group") if not one.read().get("groupTypes"))
    was, changed = dict(user.read()), dict(other.read())
    store.unlink(group.key, "members", user.key)
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "department": "Elsewhere"})
    store.update(other.key, {**changed, "department": "Elsewhere"})
    store.link(group.key, "members", user.key)
    report = await differences.report(first.backup_id, object_ids=[user.key])
    assert told(await differences.changes(report)) == {
        ("changed", "user", user.key, "department", ""), ("linkAdded", "group", group.key, "members", user.key),
    }
    read = {cost["type"]: cost["mode"] for cost in report["costs"]}
    assert set(read.values()) == {"changes"}
    assert {"user", "group"} <= set(read)
    assert "conditionalAccessPolicy" not in read


async def test_an_object_that_no_restore_point_knows_is_found_by_its_id(differences: Differences) -> None:
    first = await differences.backups.run("full")
    new = "00000000-0000-4000-8000-00000000abcd"
    differences.store.create("application", {"id": new, "appId": new, "displayName": "New"})
    report = await differences.report(first.backup_id, object_ids=[new])
    assert told(await differences.changes(report)) == {("newObject", "application", new, "", "")}


async def test_a_refresh_reads_what_is_new_and_shows_all(differences: Differences) -> None:
    store, user, other = differences.store, some_user(differences), some_user(differences, 1)
    was, changed = dict(user.read()), dict(other.read())
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "department": "Elsewhere"})
    report = await differences.report(first.backup_id, types=["user"])
    one = told(await differences.changes(report))
    store.update(other.key, {**changed, "department": "Elsewhere"})
    again = await differences.make(report["reportId"])
    both = await differences.changes(again)
    assert told(both) == one | {("changed", "user", other.key, "department", "")}
    ids = {change["changeId"] for change in both}
    assert {change["changeId"] for change in both if change["objectId"] == user.key} <= ids
    store.update(user.key, was)
    store.update(other.key, changed)
    assert await differences.changes(await differences.make(report["reportId"])) == []


async def test_hard_and_soft_deletion_are_told_apart_by_the_bins(differences: Differences) -> None:
    store = differences.store
    soft, hard, purged = (some_user(differences, place).key for place in range(3))
    first = await differences.backups.run("full")
    store.delete(soft, soft=True)
    store.delete(hard, soft=False)
    store.delete(purged, soft=True)
    middle = await differences.backups.run()
    store.purge(purged)
    last = await differences.backups.run()
    for against, kind in ((middle.backup_id, "softDeleted"), (last.backup_id, "hardDeleted"), ("live", "hardDeleted")):
        report = await differences.report(first.backup_id, against, types=["user"])
        kinds = {
            one["objectId"]: one["changeType"] for one in await differences.changes(report) if not one["link"]
        }
        assert kinds == {soft: "softDeleted", hard: "hardDeleted", purged: kind}, against


async def test_an_object_that_cairn_re_created_is_the_object_that_it_was(differences: Differences) -> None:
    store, opened = differences.store, differences.backups.opened
    group = next(one for one in store.all("group") if not one.read().get("groupTypes"))
    body = dict(group.read())
    ends = [(link, source, target) for link in ("members", "owners") for source, target in store.links[link].pairs()]
    first = await differences.backups.run("full")
    store.delete(group.key, soft=False)
    new = "00000000-0000-4000-8000-00000000beef"
    store.create("group", {**body, "id": new, "description": "made anew"})
    renamed = {group.key: new}
    for link, source, target in ends:
        if group.key in (source, target):
            store.link(renamed.get(source, source), link, renamed.get(target, target))
    await opened.records.identity_map.add(
        first.tenant_id, old_id=group.key, new_id=new, object_type="group", restore_id="r"
    )
    report = await differences.report(first.backup_id, types=["group"])
    changes = [one for one in await differences.changes(report) if group.key in (one["objectId"], one["targetId"])]
    assert told(changes) == {("changed", "group", group.key, "description", "")}
    assert changes[0]["newObjectId"] == new


async def test_a_policys_references_are_named(differences: Differences) -> None:
    store = differences.store
    policy = store.all("conditionalAccessPolicy")
    policy = next(iter(policy))
    body, user = dict(policy.read()), some_user(differences)
    first = await differences.backups.run("full")
    conditions = {**body["conditions"], "users": {**body["conditions"]["users"], "excludeUsers": [user.key]}}
    store.update(policy.key, {**body, "conditions": conditions})
    report = await differences.report(first.backup_id, types=["conditionalAccessPolicy"])
    change = next(one for one in await differences.changes(report) if one["attribute"] == "conditions")
    assert change["references"][user.key] == user.read()["displayName"]


async def test_a_type_that_was_not_read_is_told_and_never_shown_as_deleted(differences: Differences) -> None:
    first = await differences.backups.run("full", types=["user"])
    report = await differences.report(first.backup_id)
    assert not [one for one in await differences.changes(report) if one["objectType"] != "user"]
    assert "group" in {one["type"] for one in report["notCompared"]}


async def test_a_type_that_the_newer_restore_point_could_not_read_is_compared_as_it_was_and_told(
    differences: Differences
) -> None:
    faults = differences.backups.simulator.tenant.faults
    first = await differences.backups.run("full")
    faults.rules[:] = [parse({"kind": "status", "status": 403, "path": "conditionalAccess/policies"})]
    second = await differences.backups.run()
    faults.rules.clear()
    report = await differences.report(first.backup_id, second.backup_id)
    (short,) = [one for one in report["notCompared"] if one["type"] == "conditionalAccessPolicy"]
    assert "as it was read before" in short["reason"]
    assert short["remedy"]
    assert await differences.changes(report) == []
    assert report["status"] == "succeededWithWarnings"


async def test_a_token_that_is_not_taken_any_more_is_told_with_what_it_cost(differences: Differences) -> None:
    first = await differences.backups.run("full")
    differences.backups.simulator.tenant.faults.rules[:] = [parse({"kind": "deltaExpired", "path": "users/delta", "count": 1})]
    report = await differences.report(first.backup_id, types=["user", "group"])
    assert {cost["type"]: cost["mode"] for cost in report["costs"]} == {"user": "full", "group": "changes"}
    assert await differences.changes(report) == []


async def test_churn_shows_where_its_rule_is_switched_off(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    was = dict(user.read())
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "onPremisesLastSyncDateTime": "2026-11-21T10:00:00Z"})
    second = await differences.backups.run("full")
    quiet = await differences.report(first.backup_id, second.backup_id, types=["user"])
    assert await differences.changes(quiet, collapsed=None) == []
    loud = await differences.report(
        first.backup_id, second.backup_id, types=["user"], noise={"serverChurn": False}
    )
    assert ("changed", "user", user.key, "onPremisesLastSyncDateTime", "") in told(await differences.changes(loud))


async def test_who_and_when_are_told_by_the_audit_log_or_said_to_be_unknown(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    was = dict(user.read())
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "department": "Elsewhere"})
    (change,) = await differences.changes(await differences.report(first.backup_id, types=["user"]))
    assert change["changedBy"]
    assert change["changedAt"]
    assert change["candidates"][0]["by"] == change["changedBy"]


async def test_every_backup_leaves_its_change_history(differences: Differences) -> None:
    store, opened, tenant_id = differences.store, differences.backups.opened, differences.backups.simulator.tenant_id
    first = await differences.backups.run("full")
    watched = {"tenantId": tenant_id, "taskId": "task"}
    assert await steps.watch_backup({**watched, "backupId": first.backup_id}) == {"alarms": 0}
    policy = next(one for one in store.all("conditionalAccessPolicy") if one.read()["state"] == "enabled")
    store.update(policy.key, {**policy.read(), "state": "disabled"})
    second = await differences.backups.run()
    for _ in range(2):
        assert await steps.watch_backup({**watched, "backupId": second.backup_id}) == {"alarms": 1}
    reports = [report async for _, report in opened.records.reports.stream(tenant_id)]
    assert [(one["origin"], one["backupId"], one["against"], one["status"]) for one in reports] == [
        ("watch", first.backup_id, second.backup_id, "succeeded")
    ]
    events = [one async for _, one in opened.records.events.stream([tenant_id]) if one["code"].startswith("cond")]
    assert [one["object"]["id"] for one in events if one["object"]] == [policy.key]


GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


async def alarms(differences: Differences) -> list[tuple[str, str]]:
    """(code, object) of what the backup made now gives rise to."""
    opened, tenant_id = differences.backups.opened, differences.backups.simulator.tenant_id
    known = {one["eventId"] async for _, one in opened.records.events.stream([tenant_id])}
    made = await differences.backups.run()
    await steps.watch_backup({"tenantId": tenant_id, "taskId": "task", "backupId": made.backup_id})
    return sorted([
        (one["code"], one["object"]["id"]) async for _, one in opened.records.events.stream([tenant_id])
        if one["eventId"] not in known and one["object"]
    ])


async def test_who_joins_a_group_of_administrators_is_told_as_one(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    group = next(one for one in store.all("group") if not one.read().get("groupTypes"))
    store.unlink(group.key, "members", user.key)
    await differences.backups.run("full")
    store.create("unifiedRoleAssignment", {
        "id": "held", "principalId": group.key, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
    })
    assert await alarms(differences) == [("newGlobalAdministrator", "held")]
    store.link(group.key, "members", user.key)
    assert ("newGlobalAdministrator", group.key) in await alarms(differences)
    store.unlink(group.key, "members", user.key)
    assert "newGlobalAdministrator" not in {code for code, _ in await alarms(differences)}


async def test_a_break_glass_account_that_loses_its_exclusion_is_told(differences: Differences) -> None:
    store, user, records = differences.store, some_user(differences), differences.backups.opened.records
    tenant_id = differences.backups.simulator.tenant_id
    policy = next(iter(store.all("conditionalAccessPolicy")))
    group = next(one for one in store.all("group") if not one.read().get("groupTypes"))
    store.link(group.key, "members", user.key)

    def excluding(*groups: str) -> None:
        users = {"includeUsers": ["All"], "excludeGroups": list(groups)}
        body = policy.read()
        store.update(policy.key, {**body, "state": "enabled", "conditions": {**body["conditions"], "users": users}})

    excluding(group.key)
    held = (await records.tenants.settings(tenant_id)).settings
    await records.tenants.set_settings(tenant_id, held.model_copy(update={"break_glass_ids": [user.key]}), by="test")
    await differences.backups.run("full")
    excluding()
    assert ("breakGlassTouched", user.key) in await alarms(differences)


async def test_what_has_no_name_goes_by_those_that_it_joins(differences: Differences) -> None:
    store, user = differences.store, some_user(differences)
    roles = {one.read()["displayName"]: one.read()["id"] for one in store.all("unifiedRoleDefinition")}
    first = await differences.backups.run("full")
    store.create("unifiedRoleAssignment", {
        "id": "new", "principalId": user.key, "roleDefinitionId": roles["Global Administrator"],
        "directoryScopeId": "/",
    })
    report = await differences.report(first.backup_id, types=["unifiedRoleAssignment"])
    (change,) = await differences.changes(report)
    assert change["objectName"] == f"{user.read()['displayName']} · Global Administrator"


async def test_a_long_export_lies_in_the_workspace_as_a_whole_file(differences: Differences) -> None:
    store, user, opened = differences.store, some_user(differences), differences.backups.opened
    tenant_id, was = differences.backups.simulator.tenant_id, dict(user.read())
    first = await differences.backups.run("full")
    store.update(user.key, {**was, "department": "Elsewhere"})
    report = await differences.report(first.backup_id, types=["user"])
    await opened.records.tasks.create(
        task_id="export", tenant_id=tenant_id, type="export", name="Export", requested_by="test"
    )
    message = {"tenantId": tenant_id, "taskId": "export", "reportId": report["reportId"], "filter": {}}
    for _ in range(2):
        assert await steps.write_changes(message) == {"rows": 1}
    content = (await opened.workspace.get(export_name(tenant_id, "export"))).decode()
    assert content.count("\r\n") == 2
    assert "Elsewhere" in content
