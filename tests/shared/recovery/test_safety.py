"""What must not happen without a person's word, and what must not happen at all."""

import pytest

from shared.recovery.options import RestoreOptions
from shared.recovery.plan import Operation
from shared.recovery.safety import Facts, findings

EVERYONE = {"includeUsers": ["All"], "excludeUsers": []}


def policy(**users):
    return {
        "displayName": "Block all", "state": "enabled", "grantControls": {"builtInControls": ["block"]},
        "conditions": {"applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
                       "users": {**EVERYONE, **users}},
    }


def deletions(count):
    return [Operation("delete", "user", str(number), "") for number in range(count)]


def codes(operations=(), options=None, **facts):
    return {one.code: one.blocks for one in findings(operations, options or RestoreOptions(), Facts(**facts))}


def test_deleting_more_than_a_tenth_of_a_type_needs_force():
    assert codes(deletions(11), totals={"user": 100}) == {"massDelete": True}
    assert codes(deletions(11), totals={"user": 1000}) == {}
    assert codes(deletions(10), totals={"user": 20}) == {}


def test_more_operations_than_max_changes_need_force():
    assert codes(deletions(3), RestoreOptions(max_changes=2)) == {"maxChanges": True}


def test_policies_that_would_lock_everyone_out_are_held_back():
    people = {"administrators": frozenset({"a"}), "break_glass": frozenset({"b"})}
    assert codes(policies=(policy(),), **people) == {"lockout": True}
    assert codes(policies=(policy(excludeUsers=["b"]),), **people) == {}
    assert codes(policies=(policy(excludeUsers=["a"]),), **people) == {"breakGlassBlocked": False}
    excluded = policy(excludeGroups=["g"])
    assert codes(policies=(excluded,), members={"g": frozenset({"b"})}, **people) == {}
    assert codes(policies=({**policy(), "state": "disabled"},), **people) == {}


BOTH = {"administrators": frozenset({"a"}), "break_glass": frozenset({"b"})}


def with_conditions(**conditions):
    blocking = policy()
    return {**blocking, "conditions": {**blocking["conditions"], **conditions}}


@pytest.mark.parametrize(("conditions", "blocks"), [
    ({"locations": {"includeLocations": ["All"], "excludeLocations": []}}, True),
    ({"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}, False),
    ({"locations": {"includeLocations": ["some-location"]}}, False),
    ({"platforms": {"includePlatforms": ["all"], "excludePlatforms": []}}, True),
    ({"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["windows"]}}, False),
    ({"applications": {"includeApplications": ["MicrosoftAdminPortals"]}}, True),
    ({"applications": {"includeApplications": ["an-app"]}}, False),
    ({"signInRiskLevels": ["high"]}, False),
])
def test_a_policy_locks_out_only_where_no_place_device_or_application_is_left(conditions, blocks):
    assert codes(policies=(with_conditions(**conditions),), **BOTH) == ({"lockout": True} if blocks else {})


def test_a_role_covers_those_who_hold_it():
    role = policy(includeUsers=[], includeRoles=["r"])
    assert codes(policies=(role,), roles={"a": frozenset({"r"}), "b": frozenset({"r"})}, **BOTH) == {"lockout": True}
    assert codes(policies=(role,), roles={"a": frozenset({"r"})}, **BOTH) == {}
    assert codes(policies=(policy(excludeRoles=["r"]),), roles={"b": frozenset({"r"})}, **BOTH) == {}


def test_a_strength_or_managed_device_for_all_is_told_and_does_not_block():
    strength = {**policy(), "grantControls": {"operator": "OR", "builtInControls": [],
                                              "authenticationStrength": {"id": "s"}}}
    assert codes(policies=(strength,), **BOTH) == {"strengthForAll": False}
    device = {**policy(), "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]}}
    assert codes(policies=(device,), **BOTH) == {"strengthForAll": False}
    either = {**policy(), "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice", "mfa"]}}
    assert codes(policies=(either,), **BOTH) == {}
    assert codes(policies=({**strength, "conditions": policy(excludeUsers=["b"])["conditions"]},), **BOTH) == {}
