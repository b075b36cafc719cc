"""Watch rules: what weakens a tenant is told, what does not is not."""

from typing import Any

import pytest

from shared.recovery.difference import Change
from shared.recovery.privileges import POWERFUL_APP_ROLES
from shared.recovery.role_names import GLOBAL_ADMINISTRATOR
from shared.recovery.watch import Known, Watching
from shared.recovery.weakening import MULTIFACTOR, PHISHING_RESISTANT

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


def grants(operator: str, *controls: str, strength: str = "") -> dict[str, Any]:
    more = {"authenticationStrength": {"id": strength}} if strength else {}
    return {"operator": operator, "builtInControls": list(controls), **more}


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
    policy("grantControls", grants("OR", strength=PHISHING_RESISTANT), grants("OR", "mfa")),
    policy("grantControls", grants("AND", strength=PHISHING_RESISTANT), grants("AND", strength=MULTIFACTOR)),
    policy("conditions", {}, {"platforms": {"includePlatforms": ["android"]}}),
    policy("conditions", {"clientAppTypes": ["all"]}, {"clientAppTypes": ["browser"]}),
    policy("conditions", {"signInRiskLevels": ["high", "medium"]}, {"signInRiskLevels": ["high"]}),
    policy("conditions", {}, {"userRiskLevels": ["high"]}),
    policy("conditions", {}, {"locations": {"includeLocations": ["l"]}}),
    policy("conditions", {"locations": {"includeLocations": ["All"]}},
           {"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}),
    policy("conditions", {"applications": {"includeApplications": ["All"]}},
           {"applications": {"includeApplications": ["Office365"]}}),
    policy("conditions", {"applications": {"includeApplications": ["All"]}},
           {"applications": {"includeApplications": ["All"], "excludeApplications": ["a"]}}),
    policy("conditions", {}, {"devices": {"deviceFilter": {"mode": "exclude", "rule": "device.isCompliant"}}}),
    policy("conditions", users(includeUsers=["All"]),
           users(includeUsers=["All"], excludeGuestsOrExternalUsers={"guestOrExternalUserTypes": "b2bDirectConnectUser"})),
    policy("sessionControls", {"signInFrequency": {"isEnabled": True, "type": "hours", "value": 4}}, None),
    policy("sessionControls", {"signInFrequency": {"isEnabled": True, "type": "hours", "value": 4}},
           {"signInFrequency": {"isEnabled": True, "type": "days", "value": 1}}),
    policy("sessionControls", {"persistentBrowser": {"isEnabled": True, "mode": "never"}},
           {"persistentBrowser": {"isEnabled": True, "mode": "always"}}),
    policy("sessionControls", {}, {"continuousAccessEvaluation": {"mode": "disabled"}}),
    Change("changed", "authenticationStrengthPolicy", "s", attribute="allowedCombinations", old_value=["fido2"],
           new_value=["fido2", "password,sms"]),
    Change("changed", "ipNamedLocation", "l", attribute="isTrusted", old_value=False, new_value=True),
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
    policy("grantControls", grants("OR", "mfa", "compliantDevice"), grants("AND", "mfa")),
    policy("grantControls", grants("OR", "mfa"), grants("OR", strength=PHISHING_RESISTANT)),
    policy("grantControls", grants("OR", "mfa"), grants("OR", "block")),
    policy("conditions", {"platforms": {"includePlatforms": ["android"]}}, {}),
    policy("conditions", {"signInRiskLevels": ["high"]}, {"signInRiskLevels": ["high", "medium"]}),
    policy("conditions", users(includeGroups=["g"]), users(includeUsers=["All"], includeGroups=[])),
    policy("sessionControls", {"signInFrequency": {"isEnabled": True, "type": "days", "value": 1}},
           {"signInFrequency": {"isEnabled": True, "type": "hours", "value": 4}}),
    policy("sessionControls", None, {"persistentBrowser": {"isEnabled": True, "mode": "never"}}),
    Change("changed", "ipNamedLocation", "l", attribute="isTrusted", old_value=True, new_value=False),
    Change("changed", "ipNamedLocation", "l", attribute="ipRanges", old_value=[], new_value=["10.0.0.0/8"]),
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


POLICY = ("conditionalAccessPolicy", "p")


def test_what_a_disabled_policy_loses_protects_nobody_less() -> None:
    off = Known({POLICY: {"state": "disabled"}}, {POLICY: {"state": "disabled"}})
    change = policy("grantControls", grants("OR", "mfa"), None)
    assert codes(change, known=off) == []
    assert codes(change, known=Known({POLICY: {"state": "enabled"}}, {POLICY: {"state": "disabled"}})) != []
    gone = Change("softDeleted", *POLICY)
    assert codes(gone, known=Known({POLICY: {"state": "disabled"}})) == []
    assert codes(gone, known=Known({POLICY: {"state": "enabled"}})) == ["conditionalAccessWeakened"]


def test_more_addresses_of_a_trusted_location_are_told() -> None:
    change = Change("changed", "ipNamedLocation", "l", attribute="ipRanges", old_value=["a"], new_value=["a", "b"])
    trusted = Known(after={("ipNamedLocation", "l"): {"isTrusted": True}})
    assert codes(change, known=trusted) == ["conditionalAccessWeakened"]


@pytest.mark.parametrize("link", ["members", "owners"])
def test_who_joins_or_owns_a_group_of_administrators_is_one(link: str) -> None:
    known = Known(roles={"g": frozenset({GLOBAL_ADMINISTRATOR})})
    joined = Change("linkAdded", "group", "g", link=link, target_id="u", fact=f"group|g|{link}|u")
    assert codes(joined, known=known) == ["newGlobalAdministrator"]
    assert codes(joined) == []
    left = Change("linkRemoved", "group", "g", link=link, target_id="u", fact=f"group|g|{link}|u")
    assert codes(left, known=known) == []


@pytest.mark.parametrize("fact", ["group|g|members|u", "eligibleInGroup|g|members|u"])
def test_membership_by_pim_counts_as_membership(fact: str) -> None:
    schedule = Change("newObject", "privilegedAccessGroupEligibilitySchedule", "s", fact=fact)
    assert codes(schedule, known=Known(roles={"g": frozenset({GLOBAL_ADMINISTRATOR})})) == ["newGlobalAdministrator"]
    powerful = Known(roles={"g": frozenset({"e8611ab8-c189-46e8-94e1-60213ab1f814"})})
    assert codes(schedule, known=powerful) == ["highPrivilegeGrant"]


def test_a_role_that_only_the_activated_role_shows_is_told_too() -> None:
    member = Change("linkAdded", "directoryRole", "r", link="members", target_id="u", repeats="repeats",
                    fact=f"role|{GLOBAL_ADMINISTRATOR}|/|u")
    assert codes(member) == ["newGlobalAdministrator"]


ALL = {"users": {"includeUsers": ["All"]}}


@pytest.mark.parametrize(("before", "after", "told"), [
    ({}, {"state": "enabled", "conditions": ALL}, True),
    ({"state": "enabledForReportingButNotEnforced", "conditions": ALL}, {"state": "enabled", "conditions": ALL}, True),
    ({"state": "enabled", "conditions": users(includeUsers=["All"], excludeUsers=[GLASS.upper()])},
     {"state": "enabled", "conditions": ALL}, True),
    ({"state": "enabled", "conditions": users(includeUsers=["All"], excludeGroups=["g"])},
     {"state": "enabled", "conditions": ALL}, True),
    ({"state": "enabled", "conditions": users(includeUsers=["All"], excludeRoles=[GLOBAL_ADMINISTRATOR])},
     {"state": "enabled", "conditions": ALL}, True),
    ({"state": "enabled", "conditions": ALL}, {"state": "enabled", "conditions": ALL}, False),
    ({}, {"state": "enabled", "conditions": users(includeUsers=["All"], excludeGroups=["g"])}, False),
    ({}, {"state": "enabledForReportingButNotEnforced", "conditions": ALL}, False),
])
def test_a_policy_that_reaches_a_break_glass_account_from_now_on_is_told_once(
    before: dict[str, Any], after: dict[str, Any], told: bool
) -> None:
    known = Known({POLICY: before} if before else {}, {POLICY: after}, {"g": frozenset({GLASS})},
                  {GLASS: frozenset({GLOBAL_ADMINISTRATOR})})
    changes = [policy(name, None, None) for name in ("conditions", "state")] if before else [
        Change("newObject", *POLICY)
    ]
    assert [code for code in codes(*changes, known=known) if code == "breakGlassTouched"] == ["breakGlassTouched"][:told]


def test_deletions_are_told_from_a_share_of_a_type_on() -> None:
    gone = [Change("softDeleted", "group", str(number)) for number in range(12)]
    known = Known(totals={"group": 100})
    rules: dict[str, Any] = {"mass_deletion_count": 50, "known": known}
    assert codes(*gone, mass_deletion_percent=12, **rules) == ["massDeletion"]
    assert codes(*gone, mass_deletion_percent=13, **rules) == []
    assert codes(*gone[:9], mass_deletion_percent=1, **rules) == []
    assert codes(*gone, mass_deletion_percent=1, mass_deletion_count=None, known=known) == []
