"""Dynamic membership rules: what they select and what is no rule."""

import pytest

from local.simulator.writes.membership_rule import RuleError, parse

BODY = {
    "id": "x",
    "displayName": "Ada O'Neil",
    "department": "Sales",
    "userType": "Member",
    "accountEnabled": True,
    "jobTitle": None,
    "otherMails": ["a@Contoso.com"],
    "proxyAddresses": [],
    "businessPhones": ["+1 5"],
    "onPremisesExtensionAttributes": {"extensionAttribute3": "blue"},
    "userPrincipalName": "ada@contoso.com",
    "assignedPlans": [{"servicePlanId": "p", "capabilityStatus": "Enabled"}],
}


@pytest.mark.parametrize(
    ("rule", "selects"),
    [
        ('user.department -eq "sales"', True),
        ('(user.department -eq "Sales") -and (user.userType -ne "Guest")', True),
        ('user.department -eq "IT" -or user.accountEnabled -eq true', True),
        ("-not (user.accountEnabled -eq true)", False),
        ('user.displayName -contains "o\'neil"', True),
        ('user.displayName -startsWith "Bob"', False),
        ('user.displayName -notStartsWith "Bob"', True),
        ('user.userPrincipalName -match "^ada@.*com$"', True),
        ('user.department -in ["IT", "sales"]', True),
        ('user.department -notIn ["IT", "sales"]', False),
        ("user.jobTitle -eq null", True),
        ("user.objectId -ne null", True),
        ('user.extensionAttribute3 -eq "Blue"', True),
        ('user.telephoneNumber -eq "+1 5"', True),
        ('user.otherMails -contains "a@contoso.com"', True),
        ('user.otherMails -any (_ -startsWith "b")', False),
        (
            'user.assignedPlans -any (assignedPlan.servicePlanId -eq "p" -and assignedPlan.service -eq null)',
            True,
        ),
        ('user.department -EQ "Sales" -And User.userType -Eq "member"', True),
    ],
)
def test_a_rule_selects_as_its_text_says(rule: str, selects: bool) -> None:
    assert parse(rule).selects(BODY) is selects


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "user.department",
        'user.department -like "x"',
        "user.department -eq Sales",
        'user.nosuch -eq "x"',
        '(user.department -eq "x"',
        'user.department -eq "x")',
        'user.accountEnabled -eq "true"',
        "user.department -eq true",
        'user.department -in "x"',
        'user.department -eq "x" -and device.displayName -eq "y"',
        'user.department -any (_ -eq "x")',
        'user.department -eq "x" user.city -eq "y"',
    ],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        parse(rule)


def test_devices_have_rules_of_their_own() -> None:
    assert parse('device.deviceOSType -eq "Windows"').table == "device"
