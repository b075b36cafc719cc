"""What a membership rule may name, and when a comparison is true ("Manage rules for dynamic membership groups").

Text compares without case, an unset value equals null and the empty text, and durations count a year as 365 days.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

DURATION = re.compile(r"p(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?")

# How a rule names what the schema calls otherwise (the same page, supported properties).
USER_NAMES = {
    "objectid": "id", "mobile": "mobilePhone", "telephonenumber": "businessPhones", "dirsyncenabled":
    "onPremisesSyncEnabled", "physicaldeliveryofficename": "officeLocation", "facsimiletelephonenumber": "faxNumber",
    **{name.lower(): name for name in (
        "accountEnabled", "city", "companyName", "country", "department", "displayName", "employeeId", "givenName",
        "jobTitle", "mail", "mailNickname", "onPremisesDistinguishedName", "onPremisesSecurityIdentifier",
        "passwordPolicies", "postalCode", "preferredLanguage", "sipProxyAddress", "state", "streetAddress", "surname",
        "usageLocation", "userPrincipalName", "userType", "otherMails", "proxyAddresses", "assignedPlans",
        "employeeType", "officeLocation", "employeeHireDate",
    )},
}  # fmt: skip
DEVICE_NAMES = {
    "objectid": "id", "deviceostype": "operatingSystem", "deviceosversion": "operatingSystemVersion",
    "devicemodel": "model", "devicemanufacturer": "manufacturer", "devicetrusttype": "trustType",
    "devicephysicalids": "physicalIds", "devicemanagementappid": "mdmAppId",
    **{name.lower(): name for name in (
        "accountEnabled", "deviceCategory", "deviceId", "deviceOwnership", "displayName", "enrollmentProfileName",
        "isRooted", "managementType", "profileType", "systemLabels",
    )},
}  # fmt: skip
BOOLEANS = frozenset(["accountEnabled", "onPremisesSyncEnabled", "isRooted"])
COLLECTIONS = frozenset(["otherMails", "proxyAddresses", "assignedPlans", "physicalIds", "systemLabels"])
DATES = frozenset(["employeeHireDate"])
COMPARED = frozenset(
    [
        "-eq", "-ne", "-startswith", "-notstartswith", "-endswith", "-notendswith", "-contains", "-notcontains",
        "-match", "-notmatch", "-in", "-notin", "-le", "-ge",
    ]
)  # fmt: skip
OF_DATES = frozenset(["-eq", "-ne", "-le", "-ge"])
PLAN_NAMES = {"serviceplanid": "servicePlanId", "capabilitystatus": "capabilityStatus", "service": "service"}


class RuleError(ValueError):
    """The rule cannot be read; the message says where."""


def duration(token: str) -> float:
    """The seconds of a duration such as `p1d`."""
    found = DURATION.fullmatch(token.lower())
    if found is None or not any(found.groups()):
        raise RuleError(f"'{token}' is no duration")
    years, months, weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    whole = timedelta(
        days=365 * years + 30 * months + days, weeks=weeks, hours=hours, minutes=minutes, seconds=seconds
    )
    return whole.total_seconds()


def moment(text: Any) -> float | None:
    """Seconds since the epoch of a date as it is written; None when it is none."""
    try:
        said = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()


def dates_hold(operator: str, held: Any, wanted: float) -> bool:
    """Whether a comparison of dates is true; an unset date only differs."""
    said = moment(held) if held is not None else None
    if said is None:
        return operator == "-ne"
    return {"-eq": said == wanted, "-ne": said != wanted, "-le": said <= wanted, "-ge": said >= wanted}[operator]


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def holds(operator: str, held: Any, value: Any) -> bool:
    """Whether a comparison is true of the value an object holds; of a collection, when one of its values agrees."""
    if operator.startswith(("-not", "-ne")):
        return not holds({"-ne": "-eq"}.get(operator, f"-{operator[4:]}"), held, value)
    held = False if held is None and isinstance(value, bool) else held
    if operator == "-eq":
        if value is None or value == "":
            return held is None or held in ("", [])
        if isinstance(held, list):
            return any(_fold(each) == _fold(value) for each in held)
        return bool(_fold(held) == _fold(value))
    if operator == "-in":
        return _fold(held) in [_fold(each) for each in value]
    if isinstance(held, list):
        return any(_of_text(operator, each, value) for each in held)
    return _of_text(operator, held, value)


def _of_text(operator: str, held: Any, value: Any) -> bool:
    if not isinstance(held, str) or not isinstance(value, str):
        return False
    text, wanted = held.casefold(), value.casefold()
    match operator:
        case "-contains":
            return wanted in text
        case "-startswith":
            return text.startswith(wanted)
        case "-endswith":
            return text.endswith(wanted)
    try:
        return re.search(value, held, re.IGNORECASE) is not None
    except re.error:
        return False
