"""What follows from another change hangs under it; what does not is never set aside."""

from dataclasses import replace

import pytest

from shared.catalog import OBJECT_TYPES
from shared.catalog.noise import NOISE_RULES
from shared.catalog.reasons import FILLED_BY_RULE
from shared.recovery.difference import Change, attribute_changes
from shared.recovery.facts import fact_of_link, fact_of_object
from shared.recovery.noise import RULES, Causes, collapsed
from shared.recovery.relink import Ids

ON: dict[str, bool] = {}
USER, GROUP = OBJECT_TYPES["user"], OBJECT_TYPES["group"]


def settled(*changes: Change, switched: dict[str, bool] | None = None) -> list[Change]:
    causes = Causes()
    for change in changes:
        causes.learn(change)
    return [collapsed(change, causes, switched or ON) for change in changes]


def test_every_rule_stands_in_the_catalog() -> None:
    assert set(RULES) < set(NOISE_RULES)
    assert set(NOISE_RULES) - set(RULES) == {"namesOfOthers"}


DELETED = Change("softDeleted", "user", "u")


@pytest.mark.parametrize("link", [
    Change("linkRemoved", "user", "u", link="manager", target_id="m"),
    Change("linkRemoved", "group", "g", link="members", target_id="u"),
    Change("hardDeleted", "appRoleAssignment", "a", about=("s", "u")),
])
def test_what_went_with_a_deleted_object_hangs_under_its_deletion(link: Change) -> None:
    deletion, gone = settled(DELETED, link)
    assert not deletion.noise
    assert (gone.noise, gone.caused_by) == ("linksOfDeletedObjects", deletion.change_id)


@pytest.mark.parametrize("other", [
    Change("linkAdded", "group", "g", link="members", target_id="u"),
    Change("linkRemoved", "group", "g", link="members", target_id="v"),
    Change("newObject", "appRoleAssignment", "a", about=("u",)),
])
def test_what_did_not_go_with_it_is_shown(other: Change) -> None:
    assert settled(DELETED, other) == [DELETED, other]


def test_a_rule_that_is_switched_off_sets_nothing_aside() -> None:
    link = Change("linkRemoved", "group", "g", link="members", target_id="u")
    assert settled(DELETED, link, switched={"linksOfDeletedObjects": False}) == [DELETED, link]


def licensed(*states: tuple[str, str | None]) -> dict[str, object]:
    return {
        "id": "u", "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in sorted({s for s, _ in states})],
        "licenseAssignmentStates": [
            {"skuId": sku, "assignedByGroup": group, "disabledPlans": [], "state": "Active"} for sku, group in states
        ],
    }


@pytest.mark.parametrize("cause", [
    Change("changed", "group", "g", attribute="assignedLicenses"),
    Change("hardDeleted", "group", "g"),
    Change("linkRemoved", "group", "g", link="members", target_id="u", fact="group|g|members|u"),
])
def test_a_licence_lost_through_a_group_shows_under_the_group(cause: Change) -> None:
    found = list(attribute_changes(USER, "u", licensed(("E3", "g"), ("F1", None)), licensed(("F1", None)), ids=Ids()))
    assert [one.attribute for one in found] == ["assignedLicenses", "licenseAssignmentStates"]
    shown = settled(cause, *found)
    assert [one.noise for one in shown] == ["", "licencesThroughGroups", "licencesThroughGroups"]
    assert {one.caused_by for one in shown[1:]} == {cause.change_id}


def test_a_licence_taken_by_hand_is_one_change() -> None:
    found = list(attribute_changes(USER, "u", licensed(("E3", None)), licensed(), ids=Ids()))
    first, second = settled(*found)
    assert (first.attribute, first.noise) == ("assignedLicenses", "")
    assert (second.noise, second.caused_by) == ("sameFactTwice", first.change_id)


def test_a_licence_through_a_group_without_its_cause_in_the_report_is_shown() -> None:
    found = list(attribute_changes(USER, "u", licensed(("E3", "g")), licensed(), ids=Ids()))
    assert not settled(found[0])[0].noise


ROLE = {"principalId": "u", "roleDefinitionId": "T", "directoryScopeId": "/"}


def told_as(name: str, body: dict[str, object], change_type: str = "newObject") -> Change:
    fact, repeats = fact_of_object(OBJECT_TYPES[name], body, {"role": "T"})
    return Change(change_type, name, f"{name}-id", fact=fact, repeats=repeats)  # type: ignore[arg-type]


def test_one_role_shown_three_times_counts_once() -> None:
    assignment = told_as("unifiedRoleAssignment", ROLE)
    schedule = told_as(
        "unifiedRoleAssignmentSchedule", {**ROLE, "scheduleInfo": {"expiration": {"type": "noExpiration"}}}
    )
    fact, repeats = fact_of_link(
        OBJECT_TYPES["directoryRole"], "members", "role", "u", {"roleTemplateId": "T"}
    )
    member = Change("linkAdded", "directoryRole", "role", link="members", target_id="u", fact=fact, repeats=repeats)
    shown = settled(assignment, schedule, member)
    assert [one.noise for one in shown] == ["", "sameFactTwice", "sameFactTwice"]
    assert {one.caused_by for one in shown[1:]} == {assignment.change_id}
    assert not settled(member)[0].noise  # alone in its report it is the only one to tell


def test_a_role_over_a_unit_counts_once() -> None:
    assignment = told_as("unifiedRoleAssignment", {**ROLE, "directoryScopeId": "/administrativeUnits/au"})
    scoped = told_as(
        "scopedRoleMembership", {"roleId": "role", "administrativeUnitId": "au", "roleMemberInfo": {"id": "u"}}
    )
    assert settled(assignment, scoped)[1].caused_by == assignment.change_id


def test_an_activation_is_no_change_and_what_it_brings_hangs_under_it() -> None:
    activated = told_as("unifiedRoleAssignmentSchedule", {**ROLE, "assignmentType": "Activated"})
    assignment = told_as("unifiedRoleAssignment", ROLE)
    first, second = settled(activated, assignment)
    assert (first.noise, first.caused_by) == ("activations", "")
    assert (second.noise, second.caused_by) == ("activations", activated.change_id)


def test_members_that_a_rule_brings_hang_under_the_rule_or_the_member() -> None:
    member = Change("linkAdded", "group", "g", link="members", target_id="u", reason=FILLED_BY_RULE)
    rule = Change("changed", "group", "g", attribute="membershipRule")
    moved = Change("changed", "user", "u", attribute="department")
    assert settled(rule, member)[1].caused_by == rule.change_id
    assert settled(moved, member)[1].caused_by == moved.change_id
    assert not settled(member)[0].noise


def test_a_stamp_hangs_under_what_it_stamps_and_alone_is_shown() -> None:
    state = Change("changed", "conditionalAccessPolicy", "p", attribute="state")
    stamp = Change("changed", "conditionalAccessPolicy", "p", attribute="modifiedDateTime")
    assert settled(stamp, state)[0].caused_by == state.change_id
    assert not settled(stamp)[0].noise


def test_the_unique_name_that_cairn_gave_is_no_change() -> None:
    given = Change("changed", "group", "old", attribute="uniqueName", new_value="old", new_object_id="new")
    assert settled(given)[0].noise == "uniqueNameOfRecreated"
    assert not settled(replace(given, new_value="chosen"))[0].noise
