"""Changes of one object: what differs, under a name that stays, and what a restore can do about it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog import OBJECT_TYPES
from shared.recovery.difference import Change, attribute_changes, recreated_changes
from shared.recovery.relink import Ids
from shared.recovery.restorability import judged
from shared.recovery.role_names import all_names, role_name
from shared.recovery.writable import differing

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2), max_leaves=4,
)
BODIES = st.dictionaries(st.sampled_from(["displayName", "department", "city", "otherMails", "identities"]), VALUES)
USER, GROUP = OBJECT_TYPES["user"], OBJECT_TYPES["group"]


@given(BODIES)
def test_an_object_does_not_differ_from_itself(body: dict[str, Any]) -> None:
    assert not list(attribute_changes(USER, "u", body, body, ids=Ids()))


@given(BODIES, BODIES)
def test_both_directions_name_the_same_attributes_with_values_exchanged(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    there = list(attribute_changes(USER, "u", one, other, ids=Ids()))
    back = list(attribute_changes(USER, "u", other, one, ids=Ids()))
    assert [(c.attribute, c.old_value, c.new_value) for c in there] == [
        (c.attribute, c.new_value, c.old_value) for c in back
    ]
    assert {c.attribute for c in there} <= {*one, *other}


@given(BODIES, BODIES)
def test_a_change_comes_back_from_json_as_it_was(one: dict[str, Any], other: dict[str, Any]) -> None:
    for change in attribute_changes(USER, "u", one, other, ids=Ids()):
        assert Change.from_json(change.as_json()) == change


def test_the_id_of_a_change_is_what_it_is_and_not_when_it_was_found() -> None:
    change = Change("changed", "user", "u", attribute="department", old_value="A", new_value="B")
    assert replace(change, new_value="C", changed_by="somebody", reason="why").change_id == change.change_id
    others = [
        replace(change, attribute="city"), replace(change, object_id="v"), replace(change, change_type="newObject"),
        replace(change, object_type="group"), replace(change, link="manager"), replace(change, target_id="t"),
    ]
    assert len({one.change_id for one in (change, *others)}) == 7


@given(st.sampled_from([{}, *({"businessPhones": value} for value in (None, [], {}))]),
       st.sampled_from([{}, *({"businessPhones": value} for value in (None, [], {}))]))
def test_nothing_empty_and_absent_are_alike_in_reports_and_in_plans(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not list(attribute_changes(USER, "u", one, other, ids=Ids()))
    assert differing(USER, one, other) == {}
    assert differing(USER, one, {"businessPhones": ["1"]}) == one


def test_a_rename_is_a_change_of_a_name() -> None:
    (change,) = attribute_changes(GROUP, "g", {"displayName": "Old"}, {"displayName": "New"}, ids=Ids())
    assert (change.change_type, change.old_value, change.new_value) == ("changed", "Old", "New")
    assert change.object_name == "New"


@pytest.mark.parametrize(("one", "other"), [
    ({"otherMails": ["a", "b"]}, {"otherMails": ["b", "a"]}), ({"city": None}, {}), ({"otherMails": []}, {}),
])
def test_order_and_absence_are_no_change(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not list(attribute_changes(USER, "u", one, other, ids=Ids()))


def test_what_only_one_reading_asked_for_is_no_change() -> None:
    before, after = {"city": "Bern"}, {"city": "Bern", "customSecurityAttributes": {"a": 1}}
    assert not list(attribute_changes(USER, "u", before, after, ids=Ids(), same_reading=False))
    assert list(attribute_changes(USER, "u", before, after, ids=Ids()))


def test_a_reference_to_an_object_that_cairn_re_created_is_no_change() -> None:
    policy = OBJECT_TYPES["conditionalAccessPolicy"]
    before, after = ({"conditions": {"users": {"includeGroups": [one]}}} for one in ("old", "new"))
    assert not list(attribute_changes(policy, "p", before, after, ids=Ids({"old": "new"})))


def test_an_object_that_cairn_re_created_differs_in_what_can_be_written() -> None:
    before = {"id": "old", "displayName": "G", "description": "was", "createdDateTime": "2020", "mail": "g@x"}
    after = {"id": "new", "displayName": "G", "description": "is", "createdDateTime": "2026", "mail": None}
    (change,) = recreated_changes(GROUP, ("old", before), ("new", after), ids=Ids({"old": "new"}))
    assert (change.object_id, change.new_object_id, change.attribute) == ("old", "new", "description")


def test_a_long_value_is_shown_by_its_size() -> None:
    (change,) = attribute_changes(USER, "u", {"aboutMe": "x" * 50_000}, {"aboutMe": "y"}, ids=Ids())
    assert set(change.old_value) == {"@cairn.bytes", "@cairn.sha256"}


@pytest.mark.parametrize(("change", "name", "body", "restorable"), [
    (Change("changed", "user", "u", attribute="department"), "user", {}, True),
    (Change("changed", "user", "u", attribute="assignedLicenses"), "user", {}, True),
    (Change("changed", "user", "u", attribute="department"), "user", {"onPremisesSyncEnabled": True}, False),
    (Change("changed", "user", "u", attribute="usageLocation"), "user", {"onPremisesSyncEnabled": True}, True),
    (Change("changed", "user", "u", attribute="proxyAddresses"), "user", {}, False),
    (Change("changed", "user", "u", attribute="passwordProfile"), "user", {}, False),
    (Change("changed", "unifiedRoleAssignment", "a", attribute="principalId"), "unifiedRoleAssignment", {}, False),
    (Change("softDeleted", "user", "u"), "user", {}, True),
    (Change("hardDeleted", "group", "g"), "group", {}, True),
    (Change("hardDeleted", "device", "d"), "device", {}, False),
    (Change("newObject", "user", "u"), "user", {}, True),
    (Change("softDeleted", "user", "u"), "user", {"onPremisesSyncEnabled": True}, False),
    (Change("hardDeleted", "group", "g"), "group", {"onPremisesSyncEnabled": True}, False),
    (Change("newObject", "user", "u"), "user", {"onPremisesSyncEnabled": True}, False),
    (Change("newObject", "directoryRole", "r"), "directoryRole", {}, False),
    (Change("linkRemoved", "group", "g", link="members"), "group", {}, True),
    (Change("linkAdded", "group", "g", link="members"), "group", {"groupTypes": ["DynamicMembership"]}, False),
    (Change("linkRemoved", "directoryRole", "r", link="members"), "directoryRole", {}, False),
    (Change("changed", "unifiedRoleDefinition", "r", attribute="description"), "unifiedRoleDefinition",
     {"isBuiltIn": True}, False),
])
def test_each_change_says_whether_it_can_be_taken_back_and_how_or_why_not(
    change: Change, name: str, body: dict[str, Any], restorable: bool
) -> None:
    told = judged(change, OBJECT_TYPES[name], body)
    assert told.restorable is restorable
    assert bool(told.operations) is restorable
    assert bool(told.reason) is not restorable


@pytest.mark.parametrize("row", OBJECT_TYPES.values(), ids=list(OBJECT_TYPES))
def test_every_type_has_a_verdict_on_every_kind_of_change(row: Any) -> None:
    kinds = [Change(kind, row.name, "x") for kind in ("softDeleted", "hardDeleted", "newObject")]  # type: ignore[arg-type]
    kinds += [Change("changed", row.name, "x", attribute=name) for name in (*row.select, "displayName")]
    kinds += [
        Change(kind, row.name, "x", link=link.name) for link in row.links for kind in ("linkAdded", "linkRemoved")  # type: ignore[arg-type]
    ]
    for change in kinds:
        told = judged(change, row, {})
        assert told.restorable is bool(told.operations)
        assert told.restorable is not bool(told.reason)


def test_roles_go_by_the_name_of_today_and_are_found_by_the_older_one() -> None:
    assert role_name("directoryRole", {"displayName": "Company Administrator"}) == "Global Administrator"
    assert role_name("user", {"displayName": "Company Administrator"}) == ""
    assert "Company Administrator" in all_names("Global Administrator")
