"""Watch rules: what weakens a tenant is told, what does not is not."""

from typing import Any

import pytest

from shared.recovery.difference import Change
from shared.recovery.role_names import GLOBAL_ADMINISTRATOR
from shared.recovery.watch import POWERFUL_APP_ROLES, Watching

GLASS = "00000000-0000-4000-8000-000000000001"


def codes(*changes: Change, **rules: Any) -> list[str]:
    watching = Watching(**{
        "mass_deletion_count": 3, "conditional_access": True, "global_administrators": True, "grants": True,
        "break_glass": frozenset({GLASS}), **rules,
    })
    for change in changes:
        watching.see(change)
    return [alarm.code for alarm in watching.alarms()]


def policy(attribute: str, old: Any, new: Any) -> Change:
    return Change("changed", "conditionalAccessPolicy", "p", attribute=attribute, old_value=old, new_value=new)


def users(**named: Any) -> dict[str, Any]:
    return {"users": named}


def test_deletions_are_told_from_the_count_on() -> None:
    gone = [Change("softDeleted", "user", str(number)) for number in range(3)]
    follows = Change("hardDeleted", "appRoleAssignment", "a", noise="linksOfDeletedObjects")
    assert codes(*gone) == ["massDeletion"]
    assert codes(*gone[:2], follows) == []
    assert codes(*gone, mass_deletion_count=None) == []


@pytest.mark.parametrize("change", [
    policy("state", "enabled", "disabled"), policy("state", "enabled", "enabledForReportingButNotEnforced"),
    policy("conditions", users(excludeGroups=[]), users(excludeGroups=["g"])),
    policy("conditions", users(includeUsers=["All"]), users(includeUsers=["u"])),
    policy("conditions", users(includeRoles=["a", "b"]), users(includeRoles=["a"])),
    policy("grantControls", {"operator": "OR", "builtInControls": ["block"]}, None),
    policy("grantControls", {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]},
           {"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]}),
    policy("grantControls", {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]},
           {"operator": "AND", "builtInControls": ["mfa"]}),
    policy("grantControls", {"operator": "OR", "builtInControls": ["mfa"]},
           {"operator": "OR", "builtInControls": ["mfa", "passwordChange"]}),
    policy("grantControls", {"operator": "OR", "authenticationStrength": {"id": "s"}},
           {"operator": "OR", "builtInControls": ["mfa"]}),
    Change("softDeleted", "conditionalAccessPolicy", "p"),
    Change("changed", "identitySecurityDefaultsEnforcementPolicy", "d", attribute="isEnabled", old_value=True,
           new_value=False),
])
def test_a_policy_that_protects_less_is_told(change: Change) -> None:
    assert codes(change) == ["conditionalAccessWeakened"]
    assert codes(change, conditional_access=False) == []


@pytest.mark.parametrize("change", [
    policy("state", "disabled", "enabled"), policy("displayName", "a", "b"),
    policy("conditions", users(excludeGroups=["g"]), users(excludeGroups=[])),
    policy("conditions", users(includeUsers=["u"]), users(includeUsers=["All"])),
    policy("grantControls", {"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]},
           {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]}),
    Change("newObject", "conditionalAccessPolicy", "p"),
    Change("changed", "identitySecurityDefaultsEnforcementPolicy", "d", attribute="isEnabled", old_value=False,
           new_value=True),
])
def test_a_policy_that_protects_as_much_or_more_is_not(change: Change) -> None:
    assert codes(change) == []


@pytest.mark.parametrize("sort", ["role", "eligible"])
def test_a_new_global_administrator_is_told_once(sort: str) -> None:
    fact = f"{sort}|{GLOBAL_ADMINISTRATOR}|/|u"
    new = Change("newObject", "unifiedRoleAssignment", "a", fact=fact)
    member = Change("linkAdded", "directoryRole", "r", link="members", target_id="u", fact=fact, repeats="repeats",
                    noise="sameFactTwice")
    assert codes(new, member) == ["newGlobalAdministrator"]
    assert codes(Change("hardDeleted", "unifiedRoleAssignment", "a", fact=fact)) == []


@pytest.mark.parametrize("change", [
    Change("changed", "user", GLASS, attribute="accountEnabled"), Change("softDeleted", "user", GLASS.upper()),
    Change("linkRemoved", "group", "g", link="members", target_id=GLASS),
    Change("hardDeleted", "unifiedRoleAssignment", "a", fact=f"role|x|/|{GLASS}", about=(GLASS,)),
])
def test_a_break_glass_account_is_not_touched_unseen(change: Change) -> None:
    assert codes(change) == ["breakGlassTouched"]
    assert codes(change, break_glass=frozenset()) == []


@pytest.mark.parametrize("change", [
    Change("newObject", "appRoleAssignment", "a", fact=f"appRole|graph|{next(iter(POWERFUL_APP_ROLES))}|sp"),
    Change("newObject", "oAuth2PermissionGrant", "a", fact="scope|c|graph|openid Directory.ReadWrite.All"),
    Change("changed", "oAuth2PermissionGrant", "a", attribute="scope", old_value="openid",
           new_value="openid Directory.ReadWrite.All"),
    Change("newObject", "unifiedRoleAssignment", "a", fact="role|e8611ab8-c189-46e8-94e1-60213ab1f814|/|u"),
])
def test_a_high_privilege_is_told(change: Change) -> None:
    assert codes(change) == ["highPrivilegeGrant"]


@pytest.mark.parametrize("change", [
    Change("newObject", "oAuth2PermissionGrant", "a", fact="scope|c|graph|openid User.Read"),
    Change("changed", "oAuth2PermissionGrant", "a", attribute="scope", old_value="Directory.ReadWrite.All",
           new_value="openid"),
    Change("hardDeleted", "unifiedRoleAssignment", "a", fact="role|e8611ab8-c189-46e8-94e1-60213ab1f814|/|u"),
])
def test_a_low_or_lost_one_is_not(change: Change) -> None:
    assert codes(change) == []
