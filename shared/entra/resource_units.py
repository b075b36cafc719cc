"""What a request costs in resource units before Graph says so itself.

Source: "Microsoft Graph service-specific throttling limits", identity and access: a base by path, one less with
`$select`, one more with `$expand`, one less with `$top` below 20, never less than one. Delta is not in that table and
is taken as one; x-ms-resource-unit corrects what is wrong here.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

SMALL_PAGE = 20
_BASES: Final[tuple[tuple[str, re.Pattern[str], int], ...]] = (
    ("GET", re.compile(r"/groups/[^/]+/transitiveMembers(/.*)?"), 5),
    ("POST", re.compile(r"/directoryObjects/(microsoft\.graph\.)?getByIds"), 5),
    ("GET", re.compile(r"/domains/[^/]+/domainNameReferences"), 4),
    ("POST", re.compile(r"/.*(isMemberOf|checkMemberGroups|checkMemberObjects)"), 4),
    ("GET", re.compile(r"/groups/[^/]+/members(/.*)?"), 3),
    ("GET", re.compile(r"/contracts"), 3),
    ("GET", re.compile(r"/subscribedSkus"), 3),
    ("GET", re.compile(r"/users"), 2),
    ("GET", re.compile(r"/applications"), 2),
    ("GET", re.compile(r"/applications/[^/]+/extensionProperties"), 2),
    ("GET", re.compile(r"/oauth2PermissionGrants(/[^/]+)?"), 2),
    ("GET", re.compile(r"/servicePrincipals/[^/]+/appRoleAssignments"), 2),
    ("GET", re.compile(r"/users/[^/]+/(memberOf|transitiveMemberOf|ownedObjects|licenseDetails)"), 2),
    ("POST", re.compile(r"/.*(getMemberGroups|getMemberObjects)"), 2),
)
GET_BY_IDS_WITH_SELECT = 2


def resource_units(method: str, path: str) -> int:
    """The documented cost of a request; `path` is below the version and may carry its query."""
    below, _, query = path.partition("?")
    options = {name.lower(): value for name, value in parse_qsl(query)}
    base = next((cost for verb, form, cost in _BASES if verb == method and form.fullmatch(below)), 1)
    if base == 5 and method == "POST":
        return GET_BY_IDS_WITH_SELECT if "$select" in options else base
    cost = base - ("$select" in options) + ("$expand" in options)
    top = options.get("$top", "")
    if top.isdecimal() and int(top) < SMALL_PAGE:
        cost -= 1
    return max(1, cost)
