"""Who made a change is said where the log tells, with all who may have; else nothing is said."""

from typing import Any

from shared.recovery.attribution import AuditEntry, AuditIndex, attributed, entry_of
from shared.recovery.difference import Change


def record(
    at: str, operation: str, activity: str, ids: list[str], properties: tuple[str, ...] = (), **more: Any
) -> Any:
    return {
        "activityDateTime": at, "operationType": operation, "activityDisplayName": activity, "result": "success",
        "initiatedBy": {"user": {"id": f"by-{at}", "userPrincipalName": f"admin{at}@contoso.example"}},
        "targetResources": [
            {"id": one, "modifiedProperties": [{"displayName": name} for name in properties]} for one in ids
        ], **more,
    }  # fmt: skip


def told(change: Change, *records: Any) -> Change:
    return attributed(change, AuditIndex.of([entry for one in records if (entry := entry_of(one))]))


CHANGED = Change("changed", "user", "u", attribute="department")


def test_the_newest_that_names_the_attribute_is_the_likeliest_and_all_are_listed() -> None:
    shown = told(
        CHANGED, record("1", "Update", "Update user", ["u"], ("Department",)),
        record("3", "Update", "Update user", ["u"], ("City",)),
        record("2", "Update", "Update user", ["u"], ("Department",)),
    )
    assert (shown.changed_by, shown.changed_at) == ("admin2@contoso.example", "2")
    assert [one.at for one in shown.candidates] == ["2", "1"]


def test_nothing_is_said_where_nothing_fits() -> None:
    for other in (
        record("1", "Update", "Update user", ["v"], ("Department",)),
        record("1", "Update", "Update user", ["u"], ("City",)),
        record("1", "Update", "Update user", ["u"], ("Department",), result="failure"),
        record("1", "Delete", "Delete user", ["u"]),
        record("1", "Assign", "Add member to group", ["u", "g"]),
    ):
        assert told(CHANGED, other) == CHANGED


def test_a_link_is_told_by_who_names_both_ends_and_the_direction() -> None:
    added = Change("linkAdded", "group", "g", link="members", target_id="u")
    adds = record("1", "Assign", "Add member to group", ["u", "g"])
    removes = record("2", "Unassign", "Remove member from group", ["u", "g"])
    other = record("3", "Assign", "Add member to group", ["v", "g"])
    assert told(added, adds, removes, other).changed_at == "1"


def test_a_purge_is_told_from_a_deletion() -> None:
    entries = (record("1", "Delete", "Delete user", ["u"]), record("2", "Delete", "Hard Delete user", ["u"]))
    assert told(Change("hardDeleted", "user", "u"), *entries).changed_at == "2"
    assert told(Change("softDeleted", "user", "u"), *entries).changed_at == "1"


def test_an_app_is_told_by_its_name() -> None:
    shown = told(CHANGED, record(
        "1", "Update", "Update user", ["u"], ("Department",),
        initiatedBy={"app": {"displayName": "HR feed", "servicePrincipalId": "sp"}, "user": None},
    ))
    assert (shown.changed_by, shown.candidates[0].by_id) == ("HR feed", "sp")


def test_an_object_that_was_made_anew_is_looked_for_under_its_new_id() -> None:
    change = Change("changed", "user", "old", attribute="department", new_object_id="new")
    assert told(change, record("1", "Update", "Update user", ["new"], ("Department",))).changed_at == "1"


def test_an_entry_comes_back_from_json_as_it_was() -> None:
    entry = entry_of(record("1", "Update", "Update user", ["u"], ("Department",)))
    assert entry is not None
    assert AuditEntry.from_json(entry.as_json()) == entry


ASSIGNED = Change("newObject", "unifiedRoleAssignment", "a", about=("u", "r"), fact="role|r|/|u")


def test_an_assignment_is_told_by_those_that_it_joins() -> None:
    both = record("1", "Assign", "Add something", ["u", "r"])
    one_end = record("2", "Add", "Add member to role", ["u"])
    shown = told(ASSIGNED, both, one_end)
    assert [one.at for one in shown.candidates] == ["2", "1"]
    gone = Change("hardDeleted", "unifiedRoleAssignment", "a", about=("u", "r"))
    assert told(gone, both, one_end).candidates == ()
    assert told(gone, record("3", "Unassign", "Remove member from role", ["u"])).changed_at == "3"


def test_what_was_done_to_an_end_is_not_the_assignment() -> None:
    assert told(ASSIGNED, record("1", "Assign", "Add member to group", ["u", "g"])).candidates == ()
    assert told(ASSIGNED, record("1", "Add", "Add user", ["u"])).candidates == ()
    own = record("1", "Add", "Add member to role", ["a"])
    assert [one.at for one in told(ASSIGNED, own, record("2", "Add", "Add member to role", ["u"])).candidates] == ["1"]
