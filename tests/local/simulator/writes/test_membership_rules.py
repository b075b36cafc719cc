"""Dynamic membership rules: what they select and what is no rule."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from local.simulator.writes.membership_rule import parse
from local.simulator.writes.membership_terms import RuleError
from tests.local.simulator.writes.conftest import Graph

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
    "employeeHireDate": "2026-03-01T08:00:00Z",
}
NOW = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


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
        ('user.userPrincipalName -endsWith "@contoso.com"', True),
        ('user.userPrincipalName -notEndsWith "@contoso.com"', False),
        ('user.otherMails -endsWith "@contoso.com"', True),
        ('user.otherMails -contains "contoso"', True),
        ('user.otherMails -notEndsWith "@contoso.com"', False),
        ('user.otherMails -any _ -startsWith "a@"', True),
        ('user.otherMails -all (_ -endsWith ".com" -and _ -startsWith "a")', True),
        ("user.assignedPlans -all (assignedPlan.servicePlanId -eq null)", False),
        ("user.displayName -contains 'O''Neil'", True),
        ('user.department eq "Sales" and not (user.userType eq "Guest") or user.accountEnabled eq false', True),
        ("user.employeeHireDate -ge 2026-03-01T00:00:00Z and user.employeeHireDate -le 2026-03-31T23:59:59Z", True),
        ('user.employeeHireDate -eq "2026-03-01T08:00:00Z"', True),
        ("user.employeehiredate -ge system.now -minus p1d", True),
        ("user.employeehiredate -ge system.now", False),
        ("user.employeehiredate -le system.now -plus p1d", True),
        ("user.employeehiredate -ge system.now -minus pt12h", False),
        ("user.employeeHireDate -ne null", True),
        ('user.department -EQ "Sales" -And User.userType -Eq "member"', True),
    ],
)
def test_a_rule_selects_as_its_text_says(rule: str, selects: bool) -> None:
    assert parse(rule).selects(BODY, NOW) is selects


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
        'user.employeeHireDate -startsWith "2026"',
        'user.employeeHireDate -ge "soon"',
        "user.employeeHireDate -ge system.now -plus tomorrow",
        'user.department -ge "a"',
        'user.otherMails -in ["a@b.example"]',
        'Direct Reports for "nobody"',
        'Direct Reports for "62e19b97-8b3d-4d4a-a106-4ce66896a863" -and user.city -eq "x"',
        "user.memberOf -any (group.objectId -in [])",
        "user.memberOf -any (group.objectId -in ['x'])",
        "user.memberOf -any (group.objectId -in ['62e19b97-8b3d-4d4a-a106-4ce66896a863']) -and user.city -eq null",
        f"user.memberOf -any (group.objectId -in [{', '.join(repr(str(UUID(int=n))) for n in range(51))}])",
        'user.department -eq "' + "x" * 3072 + '"',
    ],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        parse(rule)


def test_devices_have_rules_of_their_own() -> None:
    assert parse('device.deviceOSType -eq "Windows"').table == "device"


def dynamic(name: str, rule: str) -> dict[str, object]:
    return {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True,
            "groupTypes": ["DynamicMembership"], "membershipRule": rule}  # fmt: skip


async def members(tenant: Graph, group: str) -> set[str]:
    return {each["id"] for each in (await tenant.get(f"/groups/{group}/members"))["value"]}


async def test_direct_reports_follow_their_manager(tenant: Graph) -> None:
    boss, other, user = await tenant.user(), await tenant.user(), await tenant.user()
    held = (await tenant.make("/groups", dynamic("reports", f'Direct Reports for "{boss}"')))["id"]
    assert await members(tenant, held) == set()
    await tenant.send("PUT", f"/users/{user}/manager/$ref", tenant.reference(boss))
    assert await members(tenant, held) == {user}
    await tenant.send("PUT", f"/users/{user}/manager/$ref", tenant.reference(other))
    assert await members(tenant, held) == set()
    await tenant.send("PUT", f"/users/{user}/manager/$ref", tenant.reference(boss))
    await tenant.send("DELETE", f"/users/{boss}")
    assert await members(tenant, held) == set()
    await tenant.send("POST", f"/directory/deletedItems/{boss}/restore")
    assert await members(tenant, held) == {user}
    await tenant.send("DELETE", f"/users/{user}/manager/$ref")
    assert await members(tenant, held) == set()


async def test_a_memberof_rule_takes_direct_members_and_keeps_those_that_leave(tenant: Graph) -> None:
    first, second = await tenant.user(), await tenant.user()
    source = await tenant.group()
    await tenant.send("POST", f"/groups/{source}/members/$ref", tenant.reference(first))
    rule = f"user.memberOf -any (group.objectId -in ['{source}'])"
    held = (await tenant.make("/groups", dynamic("of", rule)))["id"]
    assert await members(tenant, held) == {first}
    await tenant.change(f"/groups/{source}", {"members@odata.bind": [tenant.reference(second)["@odata.id"]]})
    assert await members(tenant, held) == {first, second}
    await tenant.send("DELETE", f"/groups/{source}/members/{first}/$ref")
    await tenant.change(f"/groups/{held}", {"description": "no change of its rule"})
    assert await members(tenant, held) == {first, second}
    again = dynamic("again", f"user.memberOf -any (group.objectId -in ['{held}'])")
    assert (await tenant.refused("POST", "/groups", again))[0] == 400
    await tenant.change(f"/groups/{held}", {"membershipRule": f"User.MemberOf -any (group.objectId -in ['{source}'])"})
    assert await members(tenant, held) == {second}


async def test_a_rule_about_now_is_followed_as_the_clock_moves(tenant: Graph) -> None:
    clock = tenant.simulator.tenant.clock
    tomorrow = datetime.fromtimestamp(clock.now() + 86400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    user = await tenant.user(employeeHireDate=tomorrow)
    rule = f'user.employeeHireDate -le system.now -and user.objectId -eq "{user}"'
    held = (await tenant.make("/groups", dynamic("hired", rule)))["id"]
    assert await members(tenant, held) == set()
    # an hour's token does not outlive a day: the clock is moved within the process, as /simulator/clock does
    await tenant.client.post("/simulator/clock", json={"advanceSeconds": 86401})
    store = tenant.simulator.store
    assert list(store.link_set("members").targets(held)) == [user]
