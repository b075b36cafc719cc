"""What must not happen without a person's word, and what must not happen at all."""

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
