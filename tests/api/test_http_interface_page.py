"""docs/http-interface.md names every route, permission, role and problem code as they are."""

import re
from pathlib import Path

from api.app import routes
from api.guard import access_of
from api.openapi import with_camel_parameters
from shared.security.permissions import MEANINGS, ROLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http-interface.md").read_text()
ASKS = {"public": "none, open to all", "signedIn": "any signed-in caller"}


def test_every_route_stands_in_the_page_with_its_permission() -> None:
    expected = {
        (method, with_camel_parameters(path).removeprefix("/api/v1"), ASKS.get(asks, f"`{asks}`"))
        for path, route in routes() for method in route.methods or () for asks in [access_of(route.endpoint).asks]
    }
    assert set(re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \| (.+?) \|$", PAGE, re.MULTILINE)) == expected


def test_every_permission_stands_in_the_page_with_its_roles() -> None:
    for permission, meaning in MEANINGS.items():
        held = " | ".join("yes" if permission in ROLES[role] else "" for role in ROLES)
        assert f"| `{permission}` | {meaning} | {held} |" in PAGE


def test_every_problem_code_stands_in_the_page() -> None:
    source = "\n".join(path.read_text() for path in sorted((ROOT / "api").glob("*.py")))
    codes = set(re.findall(r"Problem\(\s*\d+, \"(\w+)\"", source)) | set(re.findall(r"code=\"(\w+)\"", source))
    assert {code for code in codes if f"`{code}`" not in PAGE} == {"internalError"}
