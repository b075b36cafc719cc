"""Before it is applied, a plan says what of it no undo takes back."""

import pytest

from shared.recovery.plan import Operation
from shared.recovery.taking_back import why_not_undone


def operation(kind, object_type: str, link: str = "") -> Operation:
    return Operation(kind=kind, object_type=object_type, object_id="a", object_name="A", method="POST", link=link)


@pytest.mark.parametrize(("kind", "object_type", "link"), [
    ("revive", "user", ""), ("create", "group", ""), ("update", "user", ""), ("delete", "user", ""),
    ("link", "group", "members"), ("unlink", "group", "members"), ("create", "unifiedRoleAssignment", ""),
    ("link", "user", "manager"),
])
def test_what_has_a_way_back_is_undone(kind, object_type: str, link: str) -> None:
    assert not why_not_undone(operation(kind, object_type, link))


@pytest.mark.parametrize(("kind", "object_type", "told"), [
    ("delete", "unifiedRoleAssignment", "new id"),
    ("delete", "unifiedRoleEligibilitySchedule", "begins anew"),
    ("create", "attributeSet", ""),
    ("manual", "agreement", "by hand"),
])
def test_what_has_none_is_told_with_its_reason(kind, object_type: str, told: str) -> None:
    why = why_not_undone(operation(kind, object_type))
    assert why
    assert told in why
